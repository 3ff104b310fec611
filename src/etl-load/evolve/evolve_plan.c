#include "evolve/evolve.h"

#include "create/value_kinds.h"
#include "json/number.h"

#include <string.h>

/* True if the text is certainly not a number for PostgreSQL: it has no digit
 * and is neither NaN nor Infinity. */
static bool
is_no_number(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("0123456789nN\\", p[i]) != NULL)
			return false;
	return true;
}

/* Returns true if the column is an integer column that cannot hold the
 * number. */
static bool
is_out_of_range(const struct column *c, const char *p, size_t n)
{
	int64_t v;

	return c->kind == COLUMN_INT && (!number_to_int64(p, n, &v) ||
	    v < c->min || v > c->max);
}

/* True if it is certain, without asking the server, that the column of
 * PostgreSQL refuses the value. */
static bool
is_refused(const struct column *c, const struct json *j, uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];
	const char *p = j->text + t->at;

	if (c->kind != COLUMN_INT && c->kind != COLUMN_REAL &&
	    c->kind != COLUMN_NUMERIC)
		return (c->kind == COLUMN_BOOL || c->kind == COLUMN_TIME) &&
		    (t->type == JSON_ARRAY || t->type == JSON_OBJECT);
	switch (t->type) {
	case JSON_NULL:
		return false;
	case JSON_NUMBER:
		return is_out_of_range(c, p, t->len);
	case JSON_STRING:
		return is_no_number(p, t->len);
	default:
		return true;
	}
}

static int
note_widenings(struct evolve *v, const struct reader *r, struct err *e)
{
	const struct table *t = r->target->table;

	for (size_t c = 0; c < t->n; c++) {
		const struct json *j = reader_json(r, c);
		uint32_t tok = r->value[c];

		if (tok != 0 && is_refused(&t->columns[c], j, tok) &&
		    evolve_note_widening(v, &t->columns[c],
			value_kind(j, tok), e) == -1)
			return -1;
	}
	return 0;
}

int
evolve_note_planned(struct evolve *v, struct reader *r, const struct line *l,
    bool adds_columns, struct db *db, struct err *e)
{
	struct reject why;
	int rc = reader_read(r, l, &why, e);

	if (rc != 1)
		return rc == -1 ? -1 : 0;
	if (db_kind(db) == DB_POSTGRESQL && note_widenings(v, r, e) == -1)
		return -1;
	if (!adds_columns)
		return 0;
	sample_forget(&v->record);
	return sample_note_record(&v->record, r->stage, l, e) == -1 ? -1 :
	    evolve_note_columns(v, db, r->target->table, e);
}
