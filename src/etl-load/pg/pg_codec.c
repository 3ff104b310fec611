#include "pg/pg_codec.h"

#include "base/base64.h"
#include "base/text.h"
#include "exact_number.h"
#include "json/name.h"
#include "json/number.h"
#include "json/write.h"
#include "pg/pg_copy.h"
#include "pg/pg_sql.h"
#include "row.h"

#include <ctype.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ARRAY_DIMENSIONS = 6 };  /* MAXDIM in PostgreSQL's source */

/* If the number is an integer that is written with a fraction or an exponent,
 * such as 5.0 or 1e30, appends it with digits only: PostgreSQL does not accept
 * the other form for an integer column. The server then refuses a number that
 * is too large because of its range, and not as a text that is no integer.
 * Returns false for any other value. */
bool
pg_put_int_digits(struct buf *b, const struct json *j, const struct json_tok *t)
{
	enum { ZEROS_MAX = 40 };        /* too large for any type of integer */
	const char *p = j->text + t->at, *exponent;
	size_t at = b->len;
	long long zeros;
	int64_t v;

	if (t->type != JSON_NUMBER || (t->flags & JSON_FRACTION) == 0 ||
	    !number_is_integer(p, t->len))
		return false;
	if (number_to_int64(p, t->len, &v)) {
		buf_printf(b, "%lld", (long long)v);
		return true;
	}
	number_put_normal(b, p, t->len);   /* such as 12e29 */
	(void)buf_text(b);
	if (b->failed)
		return true;
	exponent = b->data + at + strcspn(b->data + at, "ev");
	zeros = *exponent == 'e' ? strtoll(exponent + 1, NULL, 10) : ZEROS_MAX;
	b->len = (size_t)(exponent - b->data);
	if (*exponent == 'v')           /* the exponent is beyond 10^17 */
		buf_char(b, '1');
	for (long long i = 0; i < zeros && i < ZEROS_MAX; i++)
		buf_char(b, '0');
	return true;
}

/* True if the value is a string of hex digits, which starts with \x. Any other
 * string for a bytes column stands for the bytes of its characters. */
bool
pg_is_hex(const struct json_tok *t, const char *p, size_t n)
{
	return t->type == JSON_STRING && n >= 2 && memcmp(p, "\\x", 2) == 0;
}

/* Replaces the bytes of b from offset `at` to the end by their hex digits. The
 * loop goes from the last byte to the first, so that it reads each byte before
 * it overwrites it. */
void
pg_bytes_to_hex(struct buf *b, size_t at)
{
	size_t n = b->len - at;

	if (!buf_reserve(b, n))
		return;
	for (size_t i = n; i-- > 0;)
		hex_put_byte(b->data + at + 2 * i,
		    (unsigned char)b->data[at + i]);
	b->len = at + 2 * n;
}

/* Appends a string without its quotes and escapes, and any other value as
 * compact JSON. */
void
pg_put_characters(struct buf *b, const struct json *j, uint32_t tok)
{
	if (j->tok[tok].type == JSON_STRING)
		json_unescape(b, j, tok);
	else
		json_put_compact(b, j, tok);
}

/* Replaces the text of a value for bytes by \x and hex digits. With base64 the
 * text is valid: it was checked before. */
static void
text_to_bytes(struct buf *text, const struct json_tok *t, bool base64)
{
	struct buf bytes;

	if (!base64 && pg_is_hex(t, text->data, text->len))
		return;
	buf_init(&bytes, SIZE_MAX / 2);
	buf_str(&bytes, "\\x");
	if (base64)
		(void)base64_get(&bytes, text->data, text->len);
	else
		buf_add(&bytes, text->data, text->len);
	bytes.failed |= text->failed;
	if (!bytes.failed)
		pg_bytes_to_hex(&bytes, 2);
	buf_release(text);
	*text = bytes;
}

/* Appends the text in quotes. PostgreSQL reads quotes and backslashes in the
 * same way in an array and in a composite value. */
static void
put_quoted(struct buf *b, const char *p, size_t n)
{
	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, p[i]);
	}
	buf_char(b, '"');
}

static void put_array(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64, int depth);
static void put_composite(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64);

/* Appends an element of an array or a member of a composite value. It is not
 * null. `kind` is its type: c->element for an element of the array column c,
 * else c->kind. */
static void
put_part(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, enum column_kind kind, bool base64)
{
	const struct json_tok *t = &j->tok[tok];
	struct buf text;

	if (kind == COLUMN_INT && pg_put_int_digits(b, j, t))
		return;
	buf_init(&text, SIZE_MAX / 2);
	if (kind == COLUMN_JSON)
		json_put_compact(&text, j, tok);
	else if (kind == COLUMN_ARRAY && t->type == JSON_ARRAY)
		put_array(&text, j, tok, c, base64, 1);
	else if (kind != COLUMN_ARRAY && c->fields != NULL &&
	    t->type == JSON_OBJECT)
		put_composite(&text, j, tok, c, base64);
	else
		pg_put_characters(&text, j, tok);
	if (kind == COLUMN_BYTES)
		text_to_bytes(&text, t, base64);
	put_quoted(b, text.data, text.len);
	b->failed |= text.failed;
	buf_release(&text);
}

/* An array of PostgreSQL has at most 6 dimensions. If the JSON array has more
 * levels, an array of the seventh level becomes one element, as JSON text. */
static void
put_array(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64, int depth)
{
	uint32_t i = tok + 1;

	buf_char(b, '{');
	for (; i < j->tok[tok].next; i = j->tok[i].next) {
		if (i > tok + 1)
			buf_char(b, ',');
		if (j->tok[i].type == JSON_NULL)
			buf_str(b, "NULL");
		else if (j->tok[i].type == JSON_ARRAY &&
		    depth < ARRAY_DIMENSIONS && c->element != COLUMN_JSON)
			put_array(b, j, i, c, base64, depth + 1);
		else
			put_part(b, j, i, c, c->element, base64);
	}
	buf_char(b, '}');
}

/* In a composite value, PostgreSQL reads nothing between two commas as NULL. So
 * nothing is written for a member that is null or missing. */
static void
put_composite(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64)
{
	const struct column *f;
	uint32_t v;

	buf_char(b, '(');
	for (size_t i = 0; i < c->nfields; i++) {
		f = &c->fields[i];
		if (i > 0)
			buf_char(b, ',');
		v = json_member_value(j, tok, f->name, strlen(f->name));
		if (v != 0 && j->tok[v].type != JSON_NULL)
			put_part(b, j, v, f, f->kind, base64);
	}
	buf_char(b, ')');
}

void
pg_put_literal(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64)
{
	if (c->kind == COLUMN_ARRAY)
		put_array(b, j, tok, c, base64, 1);
	else
		put_composite(b, j, tok, c, base64);
}

struct search {
	struct reader *r;
	size_t column;
	struct reject *why;
};

/* Finds the member of the composite type with this name. Returns NULL if there
 * is none. */
static const struct column *
find_field(const struct column *c, const struct json *j, uint32_t name_tok)
{
	for (size_t i = 0; i < c->nfields; i++)
		if (name_compare_text(&j->tok[name_tok], j->text,
		    c->fields[i].name, strlen(c->fields[i].name)) == 0)
			return &c->fields[i];
	return NULL;
}

/* True if a value of the type contains bytes. */
static bool
holds_bytes(const struct column *c, enum column_kind kind)
{
	if (kind == COLUMN_BYTES ||
	    (kind == COLUMN_ARRAY && c->element == COLUMN_BYTES))
		return true;
	for (size_t i = 0; i < c->nfields; i++)
		if (holds_bytes(&c->fields[i], c->fields[i].kind))
			return true;
	return false;
}

/* With --bytes base64, returns false for a value that is not base64. It is also
 * false for a string such as (\x41,1), which is PostgreSQL's own form of a
 * composite value with bytes: PostgreSQL cannot decode base64 in it. */
static bool
fits_base64(struct search *s, const struct column *c, enum column_kind kind,
    uint32_t tok)
{
	if (!s->r->target->mapping.base64)
		return true;
	if (kind == COLUMN_BYTES)
		return row_is_base64(&s->r->text, &s->r->inner, tok);
	return s->r->inner.tok[tok].type != JSON_STRING ||
	    !holds_bytes(c, kind);
}

/* True if PostgreSQL would read the JSON text as another value: {} as an empty
 * array or multirange, and [1,5] as a range. */
static bool
is_misread(const struct column *c, enum column_kind kind, enum json_type type)
{
	if (kind == COLUMN_ARRAY)
		return type == JSON_OBJECT;
	return kind == COLUMN_RANGE &&
	    (type == JSON_OBJECT || type == JSON_ARRAY);
}

static int
reject_misread(struct reader *r, struct reject *why, size_t column)
{
	return reader_reject(r, why, column, "type",
	    "this JSON value is not a value of type %s",
	    r->target->table->columns[column].type);
}

static int reject_unfit_value(struct search *s, const struct column *c,
    enum column_kind kind, uint32_t tok);

static int
reject_members(struct search *s, const struct column *c, uint32_t tok)
{
	const struct json *j = &s->r->inner;
	const struct column *f;

	for (uint32_t i = tok + 1; i < j->tok[tok].next;
	    i = j->tok[i + 1].next) {
		if ((f = find_field(c, j, i)) == NULL)
			return reader_reject(s->r, s->why, s->column, "schema",
			    "type %s has no member %.*s", c->composite_name,
			    j->tok[i].len < 200 ? (int)j->tok[i].len : 200,
			    j->text + j->tok[i].at);
		if (reject_unfit_value(s, f, f->kind, i + 1) == 0)
			return 0;
	}
	return 1;
}

/* `kind` is the type of this value. It differs from c->kind if c is an array
 * column and the value is one of its elements. */
static int
reject_unfit_value(struct search *s, const struct column *c,
    enum column_kind kind, uint32_t tok)
{
	const struct json *j = &s->r->inner;
	const struct json_tok *t = &j->tok[tok];

	if (kind == COLUMN_ARRAY && t->type == JSON_ARRAY) {
		for (uint32_t i = tok + 1; i < t->next; i = j->tok[i].next)
			if (reject_unfit_value(s, c, j->tok[i].type ==
			    JSON_ARRAY ? kind : c->element, i) == 0)
				return 0;
		return 1;
	}
	if (is_misread(c, kind, t->type))
		return reject_misread(s->r, s->why, s->column);
	if (!fits_base64(s, c, kind, tok))
		return row_reject_not_base64(s->r, s->why, s->column);
	return kind == COLUMN_ARRAY || c->fields == NULL ||
	    t->type != JSON_OBJECT ? 1 : reject_members(s, c, tok);
}

/* r has the values of the columns of s. Returns 1: all values fit; 0: the
 * record must be rejected, *why says why; -1 with *e. */
static int
pg_reject_unfit(struct reader *r, const struct shape *s, struct reject *why,
    struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		struct search at = { r, s->columns[i], why };
		const struct column *c = &r->target->table->columns[at.column];
		const struct json_tok *t = &reader_json(r,
		    at.column)->tok[r->value[at.column]];
		struct json_fault f = { 0 };
		int rc;

		if (is_misread(c, c->kind, t->type))
			return reject_misread(r, why, at.column);
		if (t->type == JSON_NULL || (c->nfields == 0 &&
			c->element != COLUMN_RANGE))
			continue;
		if (json_scan(&r->inner, r->json.text + t->at, t->len,
			JSON_LEVELS_ALL, JSON_LAST, &f) == -1)
			return err_nomem(e);
		rc = reject_unfit_value(&at, c, c->kind, 0);
		if (buf_check(&r->text, e) == -1)
			return -1;
		if (rc == 0)
			return 0;
	}
	return 1;
}

struct text {
	const char *p;
	size_t n;
};

/* Returns what is lost if the column cuts blanks at the end of the text, else
 * NULL. */
static const char *
find_blank_loss(struct text t, size_t most)
{
	if (t.n <= most || t.p[t.n - 1] != ' ')
		return NULL;
	return text_count_chars(t.p, t.n) > most ?
	    "the column would cut blanks at the end" : NULL;
}

/* Returns what is changed if the text is an address of 6 bytes, which the
 * column stores as 8 bytes, else NULL. */
static const char *
find_address_loss(struct text t)
{
	size_t digits = 0;

	for (size_t i = 0; i < t.n; i++)
		digits += isxdigit((unsigned char)t.p[i]) != 0;
	return digits == 12 ? "the column would make 8 bytes of 6" : NULL;
}

static bool
starts_with_minus(struct text t)
{
	while (t.n > 0 && isspace((unsigned char)*t.p)) {
		t.p++;
		t.n--;
	}
	return t.n > 0 && *t.p == '-';
}

/* Returns NULL if the column keeps the value. Otherwise returns a text for the
 * message, which says what the column would do to the value. */
static const char *
find_loss(const struct column *c, struct text t)
{
	const int limit = c->change_limit;

	switch (c->change) {
	case CHANGE_NONE:
		return NULL;
	case CHANGE_BYTES:
		return t.n > (size_t)limit ?
		    "the column would cut the text" : NULL;
	case CHANGE_CHAR:
		return t.n > 1 ? "the column keeps one byte" : NULL;
	case CHANGE_BLANKS:
		return find_blank_loss(t, (size_t)limit);
	case CHANGE_DECIMALS:
		return count_decimals(t.p, t.n, 0) > limit ?
		    "the column would round the number" : NULL;
	case CHANGE_POINT:
		return memchr(t.p, '.', t.n) != NULL ? "the database's "
		    "lc_monetary has another decimal point" : NULL;
	case CHANGE_FLOAT:
		return float_keeps_int(t.p, t.n, limit) ? NULL :
		    "the column would round the integer";
	case CHANGE_SIGN:
		return starts_with_minus(t) ?
		    "the column would make the number positive" : NULL;
	case CHANGE_INTERVAL:
		return pg_find_interval_loss(t.p, t.n, limit);
	case CHANGE_FIELDS:
		return pg_find_fields_loss(t.p, t.n,
		    (enum interval_field)limit);
	case CHANGE_MACADDR8:
		return find_address_loss(t);
	case CHANGE_UNKNOWN:
		return "etl-load cannot check the members of this type";
	case CHANGE_DATE:
	case CHANGE_TIME:
	case CHANGE_TIMETZ:
	case CHANGE_TIMESTAMP:
	case CHANGE_TIMESTAMPTZ:
		return pg_find_time_loss(t.p, t.n, c->change, limit);
	}
	return NULL;
}

static bool
is_delimiter(char c)
{
	return strchr("{}[](),", c) != NULL && c != '\0';
}

/* Reads the next value of an array such as {1,"2",NULL} or a range such as
 * [1,2) into b, without quotes and escapes. Sets *quoted to true if the value
 * stands in quotes. Returns the position after the value. */
static const char *
read_inner_value(struct buf *b, const char *p, const char *end, bool *quoted)
{
	bool inside = false;

	buf_clear(b);
	*quoted = false;
	for (; p < end && (inside || !is_delimiter(*p)); p++) {
		if (*p == '"') {
			if (!inside && b->len > 0 && p[-1] == '"')
				buf_char(b, '"');       /* "" in a range */
			inside = !inside;
			*quoted = true;
			continue;
		}
		if (*p == '\\' && p + 1 < end)
			p++;
		buf_char(b, *p);
	}
	return p < end ? p + 1 : p;
}

/* Returns the first loss among the values inside an array or range that is
 * written as text, or NULL. */
static const char *
find_literal_loss(const struct column *c, struct text t, struct buf *b)
{
	const char *end = t.p + t.n, *p = t.p, *loss = NULL, *equal;
	bool quoted;

	/* An array may begin with its bounds: [0:1]={1,2}. */
	if (t.n > 0 && *p == '[' &&
	    (equal = memchr(p, '=', t.n)) != NULL)
		p = equal + 1;
	while (p < end && loss == NULL && !b->failed) {
		p = read_inner_value(b, p, end, &quoted);
		if (b->len > 0 && !b->failed && (quoted ||
		    b->len != 4 || strncasecmp(b->data, "NULL", 4) != 0))
			loss = find_loss(c, (struct text){ b->data, b->len });
	}
	return loss;
}

/* A text may contain several values: it is a range, or an array in a string.
 * Such a text begins with a bracket. No date, time or number that PostgreSQL
 * accepts begins with a bracket, except for money. An amount of money in
 * brackets can be read like a range with one value. */
static const char *
find_text_loss(const struct column *c, struct text t, bool is_element,
    struct buf *b)
{
	bool is_text = c->change == CHANGE_BYTES || c->change == CHANGE_CHAR ||
	    c->change == CHANGE_BLANKS;

	if (c->kind == COLUMN_ARRAY && !is_element)
		return find_literal_loss(c, t, b);
	if (!is_text && t.n > 0 && strchr("[({", *t.p) != NULL)
		return find_literal_loss(c, t, b);
	if (c->kind == COLUMN_RANGE && t.n == 5 &&
	    strncasecmp(t.p, "empty", 5) == 0)
		return NULL;    /* the empty range */
	return find_loss(c, t);
}

/* Returns the value as the text that PostgreSQL reads for the column. */
static struct text
get_text(const struct json *j, uint32_t tok, struct buf *scratch)
{
	const struct json_tok *t = &j->tok[tok];

	buf_clear(scratch);
	if (t->type == JSON_ARRAY || t->type == JSON_OBJECT)
		json_put_compact(scratch, j, tok);
	else if (t->type != JSON_STRING)
		return (struct text){ j->text + t->at, t->len };
	else if ((t->flags & JSON_ESCAPED) == 0)
		return (struct text){ j->text + t->at + 1, t->len - 2 };
	else
		json_unescape(scratch, j, tok);
	return (struct text){ buf_text(scratch), scratch->len };
}

static const char *find_loss_inside(struct reader *r, const struct column *c,
    uint32_t tok, struct text *t, struct buf *scratch);

static const char *
find_member_loss(struct reader *r, const struct column *c, uint32_t tok,
    struct text *t, struct buf *scratch)
{
	const char *loss = NULL;
	const struct column *f;
	uint32_t v;

	for (size_t i = 0; i < c->nfields && loss == NULL; i++) {
		f = &c->fields[i];
		v = json_member_value(
		    &r->inner, tok, f->name, strlen(f->name));
		if (v != 0)
			loss = find_loss_inside(r, f, v, t, scratch);
	}
	return loss;
}

/* Looks for a loss in token `tok` of r->inner, and in the elements and members
 * inside this value. c is the column, or the member of its composite type, that
 * gets the value. */
static const char *
find_loss_inside(struct reader *r, const struct column *c, uint32_t tok,
    struct text *t, struct buf *scratch)
{
	const struct json *j = &r->inner;
	const uint32_t end = j->tok[tok].next;
	const char *loss = NULL;
	uint32_t i = tok;

	while (i < end && loss == NULL && !scratch->failed &&
	    !r->text.failed) {
		if (j->tok[i].type == JSON_ARRAY && c->kind == COLUMN_ARRAY) {
			i++;
			continue;
		}
		if (c->fields != NULL && j->tok[i].type == JSON_OBJECT) {
			loss = find_member_loss(r, c, i, t, scratch);
		} else if (j->tok[i].type != JSON_NULL) {
			*t = get_text(j, i, scratch);
			loss = find_text_loss(c, *t, i != tok, &r->text);
		}
		i = j->tok[i].next;
	}
	return loss;
}

/* Returns NULL if the column keeps the value. Otherwise returns a text for the
 * message, and sets *t to the part of the value that the column would
 * change. */
static const char *
find_value_loss(struct reader *r, size_t column, struct text *t,
    struct buf *scratch)
{
	const struct json *j = reader_json(r, column);
	const struct column *c = &r->target->table->columns[column];
	uint32_t tok = r->value[column];
	const struct json_tok *v = &j->tok[tok];
	struct json_fault f = { 0 };

	if (((v->type == JSON_ARRAY && c->kind == COLUMN_ARRAY) ||
	    (v->type == JSON_OBJECT && c->fields != NULL)) &&
	    json_scan(&r->inner, j->text + v->at, v->len,
	    JSON_LEVELS_ALL, JSON_LAST, &f) == 0)
		return find_loss_inside(r, c, 0, t, scratch);
	*t = get_text(j, tok, scratch);
	scratch->failed |= f.nomem;
	return find_text_loss(c, *t, false, &r->text);
}

/* A fast test that most values pass: true if the column certainly keeps the
 * value. */
static bool
keeps_value(const struct column *c, const struct json *j, uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];
	const char *p = j->text + t->at + 1;    /* after the quote */
	bool is_number = t->type == JSON_NUMBER;

	switch (c->change) {
	case CHANGE_BYTES:
	case CHANGE_BLANKS:
		return t->type == JSON_STRING &&
		    t->len <= (size_t)c->change_limit + 2;
	case CHANGE_DECIMALS:
		return is_number && (t->flags & JSON_FRACTION) == 0 &&
		    c->change_limit >= 0;
	case CHANGE_FLOAT:
		return is_number && ((t->flags & JSON_FRACTION) != 0 ||
		    t->len <= FLT_DIG);
	case CHANGE_DATE:
	case CHANGE_TIMESTAMP:
	case CHANGE_TIMESTAMPTZ:
		return t->type == JSON_STRING && pg_keeps_usual_time(
		    p, t->len - 2, c->change, c->change_limit);
	default:
		return false;
	}
}

/* Rejects the record if the column would change the value. */
static int
reject_loss(struct reader *r, size_t column, struct buf *scratch,
    struct reject *why, struct err *e)
{
	const struct column *c = &r->target->table->columns[column];
	struct text t = { "", 0 };
	const char *loss;

	loss = find_value_loss(r, column, &t, scratch);
	if (buf_check(scratch, e) == -1 || buf_check(&r->text, e) == -1)
		return -1;
	if (loss == NULL)
		return 1;
	return reader_reject(r, why, column, "range",
	    "column \"%s\" (%s) would change the value: %s: %.*s (--lossy "
	    "stores the changed value)", c->name, c->type, loss,
	    (int)text_cut_length(t.p, t.n, 80), t.p);
}

int
pg_reject_changed(struct reader *r, const struct shape *s, struct buf *scratch,
    struct reject *why, struct err *e)
{
	const struct column *c;
	int rc;

	if (r->target->judges_nested &&
	    (rc = pg_reject_unfit(r, s, why, e)) != 1)
		return rc;
	for (size_t i = 0; i < s->n && r->target->checks_change; i++) {
		size_t column = s->columns[i];
		const struct json *j = reader_json(r, column);

		c = &r->target->table->columns[column];
		if (c->change == CHANGE_NONE ||
		    j->tok[r->value[column]].type == JSON_NULL ||
		    keeps_value(c, j, r->value[column]))
			continue;
		rc = reject_loss(r, column, scratch, why, e);
		if (rc != 1)
			return rc;
	}
	return 1;
}

void
key_order_init(struct key_order *o, const struct target *t)
{
	*o = (struct key_order){ .target = t };
	buf_init(&o->last, SIZE_MAX / 2);
	buf_init(&o->key, SIZE_MAX / 2);
}

void
key_order_release(struct key_order *o)
{
	buf_release(&o->last);
	buf_release(&o->key);
}

void
key_order_restart(struct key_order *o)
{
	o->any = false;
	o->ascending = o->distinct = o->target->mode->keyed;
}

/* Appends the number as 8 bytes in big-endian order, with the sign bit
 * inverted: memcmp() then orders the bytes as the numbers. */
static void
put_sortable_int(struct buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v ^ UINT64_C(1) << 63;
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(u >> (56 - 8 * i));
	buf_add(b, bytes, sizeof(bytes));
}

/* Appends the text and a NUL. No text contains a NUL. So a key with "a" comes
 * before a key with "ab", whatever value the next column of the key has.
 * Returns false if the text ends with a space, because the stored text may be
 * another one: a column of type varchar(2) stores "ab " as "ab". */
static bool
put_sortable_text(struct buf *b, const struct json *j, uint32_t tok)
{
	json_unescape(b, j, tok);
	buf_char(b, '\0');
	return b->len < 2 || b->data[b->len - 2] != ' ';
}

/* Returns false if this program does not know how the server orders the value:
 * the column is of another type, or the server converts the value. */
static bool
put_sortable_value(struct buf *b, const struct column *c, const struct json *j,
    uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];
	int64_t v;

	if (c->kind == COLUMN_INT && t->type == JSON_NUMBER &&
	    number_to_int64(j->text + t->at, t->len, &v))
		put_sortable_int(b, v);
	else if (c->equal_as_bytes && t->type == JSON_STRING)
		return put_sortable_text(b, j, tok);
	else
		return false;
	return true;
}

/* Returns false if the order of one of the values is not known. */
static bool
put_sortable_key(struct buf *b, const struct target *t, const struct reader *r)
{
	buf_clear(b);
	for (size_t i = 0; i < t->nkey; i++)
		if (!put_sortable_value(b, &t->table->columns[t->key[i]],
		    &r->json, r->value[t->key[i]]))
			return false;
	return true;
}

static int
compare_bytes(const struct buf *a, const struct buf *b)
{
	int rc = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

int
key_order_add(struct key_order *o, const struct reader *r, struct err *e)
{
	struct buf before;
	int rc = -1;

	if (!o->ascending)
		return 0;
	if (!put_sortable_key(&o->key, o->target, r))
		rc = 1;
	if (buf_check(&o->key, e) == -1)
		return -1;
	if (rc == -1 && o->any)
		rc = compare_bytes(&o->last, &o->key);
	o->ascending = rc <= 0;
	o->distinct = o->distinct && rc < 0;
	o->any = true;
	before = o->last;
	o->last = o->key;
	o->key = before;
	return 0;
}

void
pg_put_change_values(struct buf *b, struct reader *r, struct buf *scratch)
{
	buf_char(b, pg_operation_letters[r->change.operation]);
	buf_char(b, '\t');
	if (r->change.moves) {
		reader_swap_key(r);
		pg_put_copy_values(b, r, r->shape, scratch);
		reader_swap_key(r);
		buf_char(b, '\t');
	}
	for (size_t i = 0; i < r->target->nkey && !r->change.moves; i++)
		buf_add(b, "\\N\t", 3);
}

int
pg_reject_old_key(struct reader *r, struct buf *scratch, struct reject *why,
    struct err *e)
{
	int rc;

	reader_swap_key(r);
	rc = pg_reject_changed(r, r->shape, scratch, why, e);
	reader_swap_key(r);
	return rc;
}
