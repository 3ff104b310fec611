#include "csv/csv_columns.h"

#include "base/compression.h"
#include "base/datetime.h"
#include "base/text.h"
#include "json/number.h"
#include "json/span.h"
#include "json/write.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DIGITS_MAX = 16 };

/* A node of the tree of tsearch(3). */
struct name {
	unsigned next;          /* the next column of this name gets this
				 * number */
	char text[];
};

static int
compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* Allocates a name: the text, followed by _NUMBER if number is not 0. */
static struct name *
make_name(const char *text, unsigned number)
{
	const size_t size = strlen(text) + DIGITS_MAX;
	struct name *n = malloc(sizeof(*n) + size);

	if (n == NULL)
		return NULL;
	n->next = 2;
	(void)snprintf(n->text, size, number > 0 ? "%s_%u" : "%s", text,
	    number);
	return n;
}

/* Puts n into the tree and returns it. If the tree already has an equal name,
 * frees n and returns that name. If memory is out, frees n and returns NULL. */
static struct name *
insert_name(struct csv_names *s, struct name *n)
{
	struct name **in = tsearch(n, &s->tree, compare);
	struct name *found = in != NULL ? *in : NULL;

	if (found != n)
		free(n);
	return found;
}

/* Returns the name or, if it is taken, another one that is made from it. */
static const char *
csv_names_add(struct csv_names *s, const char *name)
{
	struct name *n = make_name(name, 0), *first, *found;

	if (n == NULL || (first = insert_name(s, n)) == NULL)
		return NULL;
	if (first == n)
		return n->text;
	do {
		if ((n = make_name(name, first->next++)) == NULL ||
		    (found = insert_name(s, n)) == NULL)
			return NULL;
	} while (found != n);
	return n->text;
}

static void
csv_names_release(struct csv_names *s)
{
	tdestroy(s->tree, free);
	s->tree = NULL;
}

void
csv_columns_init(struct csv_columns *c)
{
	*c = (struct csv_columns){ 0 };
	buf_init(&c->names, 16 * (size_t)CSV_HEADER_MAX);
	buf_init(&c->json, 16 * (size_t)CSV_HEADER_MAX);
}

void
csv_columns_release(struct csv_columns *c)
{
	free(c->column);
	csv_names_release(&c->unique);
	buf_release(&c->names);
	buf_release(&c->json);
	csv_columns_init(c);
}

bool
csv_field_is_null(
    const struct csv_dialect *d, const char *p, const struct csv_field *f)
{
	return d->null != NULL && !f->is_quoted && f->len == d->null_len &&
	    memcmp(p, d->null, f->len) == 0;
}

void
csv_append_field(struct buf *b, const char *p, const struct csv_field *f,
    char quote)
{
	const char *from = p + f->at, *end = from + f->len, *q;

	while (f->has_doubled &&
	    (q = memchr(from, quote, (size_t)(end - from))) != NULL) {
		buf_add(b, from, (size_t)(q + 1 - from));
		from = q + 2;
	}
	buf_add(b, from, (size_t)(end - from));
}

/* Adds a column with this name. If the name is blank or already used, makes
 * another one from it. */
static int
add_column(struct csv_columns *c, const char *name, struct err *e)
{
	struct csv_column *col = &c->column[c->n];
	char blank[32];
	size_t from = c->json.len + 1;

	if (name[strspn(name, " \t")] == '\0') {
		(void)snprintf(blank, sizeof(blank), "column_%zu", c->n + 1);
		name = blank;
	}
	if ((name = csv_names_add(&c->unique, name)) == NULL)
		return err_nomem(e);
	c->is_reserved |= c->n == 0 && strcmp(name, "@etl") == 0;
	buf_char(&c->json, c->n > 0 ? ',' : '[');
	json_put_string(&c->json, name, strlen(name));
	if (buf_check(&c->json, e) == -1)
		return -1;
	*col = (struct csv_column){ .at = c->names.len, .name = name };
	buf_char(&c->names, c->n > 0 ? ',' : '{');
	buf_add(&c->names, c->json.data + from, c->json.len - from);
	buf_char(&c->names, ':');
	col->len = c->names.len - col->at;
	c->n++;
	return buf_check(&c->names, e);
}

const char *
csv_guess_delimiter(const char *p, const struct csv_field *f)
{
	static const char *const usual[] = { ",", ";", "|" };

	for (size_t i = 0; i < f->len && !f->is_quoted; i++) {
		if (p[i] == '\t')
			return "\\t";
		for (size_t k = 0; k < sizeof(usual) / sizeof(usual[0]); k++)
			if (p[i] == *usual[k])
				return usual[k];
	}
	return NULL;
}

/* Refuses a header that is probably not the header of a CSV file in UTF-8: its
 * names would make no sense. */
static int
check_csv_header(const char *p, size_t len, size_t n, struct err *e)
{
	const struct compressor *z = compression_find(p, len);

	if (z != NULL)
		return err_set(e, ERR_DATA, false, "the file is compressed: "
		    "decompress it with %s -dc, or give it a name that ends "
		    "in %s", z->program, z->suffix);
	if (len > CSV_HEADER_MAX || n > CSV_COLUMNS_MAX)
		return err_set(e, ERR_DATA, false, "the header has %zu columns "
		    "in %zu bytes, more than %d columns or %d bytes: check "
		    "--delimiter, or give --columns if there is no header",
		    n, len, CSV_COLUMNS_MAX, CSV_HEADER_MAX);
	if (utf8_valid_length(p, len) != len || memchr(p, '\0', len) != NULL)
		return err_set(e, ERR_DATA, false, "the header is not UTF-8 "
		    "text: if the file has another encoding, name it with "
		    "--encoding, for example latin1 or utf-16");
	if (memchr(p, '\r', len) != NULL && memchr(p, '\n', len) == NULL)
		return err_set(e, ERR_DATA, false, "the header contains a "
		    "carriage return that is not followed by a line feed: if "
		    "the lines end so, convert the file with tr '\\r' '\\n'");
	return 0;
}

int
csv_columns_set(struct csv_columns *c, const char *p, size_t len,
    const struct csv_field *f, size_t n, char quote, struct err *e)
{
	struct buf name;
	int rc = check_csv_header(p, len, n, e);

	if (rc == -1)
		return -1;
	if ((c->column = calloc(n, sizeof(*c->column))) == NULL)
		return err_nomem(e);
	buf_init(&name, CSV_HEADER_MAX);
	for (size_t i = 0; i < n && rc == 0; i++) {
		buf_clear(&name);
		csv_append_field(&name, p, &f[i], quote);
		(void)buf_text(&name);
		rc = buf_check(&name, e);
		if (rc == 0)
			rc = add_column(c, buf_text(&name), e);
	}
	if (rc == 0) {
		buf_char(&c->json, ']');
		rc = buf_check(&c->json, e);
	}
	buf_release(&name);
	return rc;
}

/* Splits the value of an option at its commas: it is read as one CSV record.
 * The caller releases s, also after a failure. */
static int
csv_scan_option(struct csv_scan *s, const char *option, const char *text,
    struct err *e)
{
	static const struct csv_dialect d = { .delimiter = ',', .quote = '"' };
	const size_t len = strlen(text);

	csv_scan_init(s, &d);
	csv_scan_begin(s, SIZE_MAX);
	switch (csv_scan_record(s, text, len, true)) {
	case CSV_NOMEM:
		return err_nomem(e);
	case CSV_RECORD:
		if (len > 0 && s->length == len)
			return 0;
		/* FALLTHROUGH */
	default:
		return err_set(e, ERR_USAGE, false, "%s '%.100s': give a list "
		    "that is separated by commas", option, text);
	}
}

int
csv_columns_parse(struct csv_columns *c, const char *text, struct err *e)
{
	struct csv_scan s;
	int rc = csv_scan_option(&s, "--columns", text, e);

	if (rc == 0)
		rc = csv_columns_set(c, text, strlen(text), s.field, s.n, '"',
		    e);
	csv_scan_release(&s);
	return rc;
}

ptrdiff_t
csv_columns_find(const struct csv_columns *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->column[i].name, name) == 0)
			return (ptrdiff_t)i;
	return -1;
}

static const char *const type_names[] = { "text", "int", "number", "bool",
	"time", NULL };

static const char *
csv_type_name(enum csv_type t)
{
	return type_names[t];
}

void
csv_types_release(struct csv_types_option *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->of[i].name);
	free(o->of);
	*o = (struct csv_types_option){ 0 };
}

/* Parses one part of --types: NAME:TYPE or auto. */
static int
parse_column_type(struct csv_types_option *o, const char *part, struct err *e)
{
	const char *colon = strrchr(part, ':');
	char *name;
	int type;

	if (strcmp(part, "auto") == 0) {
		o->is_auto = true;
		return 0;
	}
	if (colon == NULL || colon == part)
		return err_set(e, ERR_USAGE, false, "--types '%.100s': must be "
		    "auto, or NAME:TYPE for each column, separated by commas, "
		    "such as id:int,price:number", part);
	if ((type = suggest_choice("--types", colon + 1, type_names, e)) == -1)
		return -1;
	if ((name = strndup(part, (size_t)(colon - part))) == NULL)
		return err_nomem(e);
	o->of[o->n++] = (struct csv_type_of){ name, (enum csv_type)type };
	for (size_t i = 0; i + 1 < o->n; i++)
		if (strcmp(name, o->of[i].name) == 0)
			return err_set(e, ERR_USAGE, false, "--types: the "
			    "column %.100s has two types: give it only one",
			    name);
	return 0;
}

int
csv_types_parse(struct csv_types_option *o, const char *text, struct err *e)
{
	struct csv_scan s;
	struct buf part;
	int rc;

	*o = (struct csv_types_option){ 0 };
	buf_init(&part, CSV_HEADER_MAX);
	rc = csv_scan_option(&s, "--types", text, e);
	if (rc == 0 && (o->of = calloc(s.n, sizeof(*o->of))) == NULL)
		rc = err_nomem(e);
	for (size_t i = 0; rc == 0 && o->of != NULL && i < s.n; i++) {
		buf_clear(&part);
		csv_append_field(&part, text, &s.field[i], '"');
		(void)buf_text(&part);
		rc = buf_check(&part, e) == -1 ? -1 :
		    parse_column_type(o, part.data, e);
	}
	csv_scan_release(&s);
	buf_release(&part);
	return rc;
}

void
csv_trim(const char **p, size_t *n)
{
	while (*n > 0 && (**p == ' ' || **p == '\t')) {
		(*p)++;
		(*n)--;
	}
	while (*n > 0 && ((*p)[*n - 1] == ' ' || (*p)[*n - 1] == '\t'))
		(*n)--;
}

static size_t
count_digits(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (size_t)(p - from);
}

/* True if the text is a JSON number (RFC 8259). Sets *is_whole if the number
 * has neither a fraction nor an exponent. */
static bool
is_json_number(const char *p, size_t n, bool *is_whole)
{
	const char *end = p + n;
	size_t digits;

	if (p < end && *p == '-')
		p++;
	digits = count_digits(p, end);
	if (digits == 0 || (*p == '0' && digits > 1))
		return false;
	p += digits;
	*is_whole = p == end;
	if (p < end && *p == '.') {
		if ((digits = count_digits(++p, end)) == 0)
			return false;
		p += digits;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if ((digits = count_digits(p, end)) == 0)
			return false;
		p += digits;
	}
	return p == end;
}

static bool
is_int(const char *p, size_t n)
{
	bool is_whole = false;
	int64_t value;

	return is_json_number(p, n, &is_whole) && is_whole &&
	    number_to_int64(p, n, &value);
}

/* The seconds and the zone of a time may be missing. */
enum {
	TIME_FORMS = DATETIME_DATE | DATETIME_MINUTES | DATETIME_LOWER |
	    DATETIME_LOCAL | DATETIME_YEAR_0 | DATETIME_SECOND_60
};

static bool
is_word_of(const char *p, size_t n, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == n && strncasecmp(p, *words, n) == 0)
			return true;
	return false;
}

static bool
put_bool(struct buf *out, const char *p, size_t n)
{
	static const char *const yes[] = { "true", "t", "yes", "y", "1", NULL };
	static const char *const no[] = { "false", "f", "no", "n", "0", NULL };

	if (is_word_of(p, n, yes))
		buf_add(out, "true", 4);
	else if (is_word_of(p, n, no))
		buf_add(out, "false", 5);
	else
		return false;
	return true;
}

/* Appends the value as JSON. Returns false if it does not have the type. The
 * value must not be empty, and the type must not be CSV_TEXT. */
static bool
csv_put_typed(struct buf *out, enum csv_type t, const char *p, size_t n)
{
	bool is_whole;

	if (t == CSV_BOOL)
		return put_bool(out, p, n);
	if (t == CSV_TIME) {
		if (!datetime_fits(p, n, TIME_FORMS))
			return false;
		buf_char(out, '"');
		buf_add(out, p, n);
		buf_char(out, '"');
		return true;
	}
	if (t == CSV_INT ? !is_int(p, n) : !is_json_number(p, n, &is_whole))
		return false;
	buf_add(out, p, n);
	return true;
}

/* A whole number that does not fit an int64 makes the column text, because most
 * programs would round it as a number. */
void
csv_guess_add(struct csv_guess *g, const char *p, size_t n)
{
	static const char *const bools[] = { "true", "false", NULL };
	bool is_whole = false, is_number = is_json_number(p, n, &is_whole);
	int64_t value;
	bool is_long = is_number && is_whole && !number_to_int64(p, n, &value);

	g->has_value = true;
	g->not_number |= !is_number || is_long;
	g->not_int |= !is_number || is_long || !is_whole;
	g->not_bool |= !is_word_of(p, n, bools);
	g->not_time |= !datetime_fits(p, n, TIME_FORMS);
}

enum csv_type
csv_guess_type(const struct csv_guess *g)
{
	if (!g->has_value)
		return CSV_TEXT;
	if (!g->not_int)
		return CSV_INT;
	if (!g->not_number)
		return CSV_NUMBER;
	if (!g->not_bool)
		return CSV_BOOL;
	return g->not_time ? CSV_TEXT : CSV_TIME;
}

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
