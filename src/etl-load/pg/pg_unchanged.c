#include "pg/pg_unchanged.h"

#include "base/text.h"
#include "json/write.h"
#include "pg/pg_composite.h"
#include "pg/pg_time_text.h"
#include "table/exact_number.h"

#include <ctype.h>
#include <float.h>
#include <string.h>
#include <strings.h>

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
