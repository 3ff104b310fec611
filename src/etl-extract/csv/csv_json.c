#include "csv/csv_json.h"

#include "base/text.h"
#include "json/span.h"
#include "json/write.h"

#include <string.h>

enum { ESCAPE_MAX = 6, SPARE = 16, SHOWN_MAX = 100 };

void
csv_json_init(struct csv_json *j, size_t max_record)
{
	*j = (struct csv_json){ .max_record = max_record };
	/* Each byte of a field may become an escape of six bytes, such as
	 * \u0001. The names of the columns also need room. */
	buf_init(&j->record, ESCAPE_MAX * max_record +
	    32 * (size_t)CSV_HEADER_MAX);
	buf_init(&j->field, max_record);
	buf_init(&j->message, 2 * (size_t)CSV_HEADER_MAX);
	buf_init(&j->pointer, 4 * (size_t)CSV_HEADER_MAX);
}

void
csv_json_release(struct csv_json *j)
{
	buf_release(&j->record);
	buf_release(&j->field);
	buf_release(&j->message);
	buf_release(&j->pointer);
}

static bool
has_non_ascii(const char *p, size_t n)
{
	uint64_t seen = 0;

	for (; n >= 8; p += 8, n -= 8)
		seen |= span_load(p);
	for (; n > 0; p++, n--)
		seen |= (uint64_t)(unsigned char)*p;
	return (seen & SPAN_EACH(0x80)) != 0;
}

/* Copies bytes up to the first one that needs an escape in JSON. Returns the
 * number of copied bytes. It writes whole words of eight bytes, so up to eight
 * bytes more than this number may be overwritten. */
static inline size_t
copy_unescaped(char *to, const char *p, const char *end)
{
	const char *from = p;
	uint64_t w, hit;

	for (; end - p >= 8; p += 8, to += 8) {
		w = span_load(p);
		memcpy(to, p, 8);
		hit = span_equal(w, '"') | span_equal(w, '\\') |
		    span_equal(w, 0x7f) | (w - SPAN_EACH(0x20));
		hit &= ~w & SPAN_EACH(0x80);
		if (hit != 0)
			return (size_t)(p - from) +
			    (size_t)__builtin_ctzll(hit) / 8;
	}
	while (p < end && *p != '"' && *p != '\\' && *p != 0x7f &&
	    (unsigned char)*p >= 0x20)
		*to++ = *p++;
	return (size_t)(p - from);
}

/* Sets the reject. Returns 0. */
static int
set_reject_code(struct csv_json *j, const char *code)
{
	j->code = code;
	return 0;
}

/* Appends a JSON string. If the text has a NUL, sets the reject and returns 0:
 * most programs cannot store a NUL. */
static int
put_plain_text(struct csv_json *j, const char *p, size_t n)
{
	struct buf *b = &j->record;
	char *out;

	if (!buf_reserve(b, n + SPARE))
		return 1;
	out = b->data + b->len;
	if (copy_unescaped(out + 1, p, p + n) == n) {
		out[0] = out[n + 1] = '"';
		b->len += n + 2;
		return 1;
	}
	if (memchr(p, '\0', n) != NULL) {
		buf_str(&j->message, "the record has a NUL byte: if the file "
		    "is UTF-16, give --encoding utf-16");
		return set_reject_code(j, "encoding");
	}
	json_put_string(b, p, n);
	return 1;
}

/* Sets the reject for a value that does not have the type of its column.
 * Returns 0. */
static int
set_type_reject(struct csv_json *j, const struct csv_column *c, const char *p,
    size_t n)
{
	buf_printf(&j->message, "column %s: the value \"", c->name);
	text_show(&j->message, p, text_cut_length(p, n, SHOWN_MAX));
	buf_printf(&j->message, "\" does not have the type %s",
	    csv_type_name(c->type));
	buf_char(&j->pointer, '/');
	for (const char *s = c->name; *s != '\0'; s++)
		if (*s == '~' || *s == '/')
			buf_str(&j->pointer, *s == '~' ? "~0" : "~1");
		else
			buf_char(&j->pointer, *s);
	return set_reject_code(j, "type");
}

/* Appends the field as JSON of the column's type, or null if it is blank. If
 * the text does not have the type, sets the reject and returns 0. */
static int
put_typed(struct csv_json *j, const struct csv_column *c,
    const char *p, size_t n)
{
	csv_trim(&p, &n);
	if (n == 0)
		buf_add(&j->record, "null", 4);
	else if (!csv_put_typed(&j->record, c->type, p, n))
		return set_type_reject(j, c, p, n);
	return 1;
}

static int
put_value(struct csv_json *j, const struct csv_column *c, const char *record,
    const struct csv_field *f, struct err *e)
{
	const struct csv_dialect *d = j->d;
	const char *p = record + f->at;
	size_t n = f->len;

	if (csv_field_is_null(d, p, f)) {
		buf_add(&j->record, "null", 4);
		return 1;
	}
	if (f->has_doubled) {
		buf_clear(&j->field);
		csv_append_field(&j->field, record, f, d->quote);
		if (buf_check(&j->field, e) == -1)
			return -1;
		p = j->field.data;
		n = j->field.len;
	}
	return c->type == CSV_TEXT ? put_plain_text(j, p, n) :
	    put_typed(j, c, p, n);
}

/* Checks the record as a whole: its length, its quotes, its encoding and the
 * number of its fields. Returns 1, or 0 with the reject set if the record
 * cannot be used. */
static int
judge_record(struct csv_json *j, const struct csv_record *rec)
{
	const struct line *l = &rec->line;
	size_t valid;

	if (l->too_long) {
		buf_printf(&j->message, "%llu bytes, more than --max-record "
		    "%zu", (unsigned long long)l->bytes, j->max_record);
		return set_reject_code(j, "too_long");
	}
	if (rec->why != NULL) {
		buf_str(&j->message, rec->why);
		return set_reject_code(j, "parse");
	}
	if (has_non_ascii(l->data, l->len) &&
	    (valid = utf8_valid_length(l->data, l->len)) != l->len) {
		buf_printf(&j->message, "byte %zu of the record is not valid "
		    "text: --encoding names the encoding of the file", valid);
		return set_reject_code(j, "encoding");
	}
	if (rec->n != j->columns->n) {
		buf_printf(&j->message, "the record has %zu fields, but the "
		    "header has %zu columns", rec->n, j->columns->n);
		return set_reject_code(j, "parse");
	}
	if (!j->columns->is_reserved)
		return 1;
	buf_str(&j->message, "a record may not begin with the member @etl");
	return set_reject_code(j, "reserved");
}

int
csv_json_make(struct csv_json *j, const struct csv_record *rec, struct err *e)
{
	const struct csv_columns *c = j->columns;
	struct buf *b = &j->record;
	int rc;

	buf_clear(b);
	buf_clear(&j->message);
	buf_clear(&j->pointer);
	rc = judge_record(j, rec);
	for (size_t i = 0; rc == 1 && i < rec->n; i++) {
		buf_add(b, c->names.data + c->column[i].at, c->column[i].len);
		rc = put_value(j, &c->column[i], rec->line.data,
		    &rec->field[i], e);
	}
	buf_add(b, j->tail, j->tail_len);
	if (rc == 1 && b->len > j->max_record) {
		buf_printf(&j->message, "%zu bytes as JSON, more than "
		    "--max-record %zu", b->len, j->max_record);
		rc = set_reject_code(j, "too_long");
	}
	if (rc == -1 || buf_check(b, e) == -1 ||
	    buf_check(&j->message, e) == -1 || buf_check(&j->pointer, e) == -1)
		return -1;
	return rc;
}
