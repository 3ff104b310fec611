#include "pg/pg_sink.h"

#include "pg/pg_table_limits.h"

/* True if COPY can set the column to the time of the transaction, or if there
 * is no such column. Date and time types read the word "now" as now(). */
static bool
copy_can_set_time(const struct target *t, int column)
{
	return column == NO_COLUMN ||
	    t->table->columns[column].kind == COLUMN_TIME;
}

int
pg_set_straight(struct pg_sink *s, struct err *e)
{
	static const char sql[] =
	    "SELECT pg_catalog.row_security_active($1::text::regclass)::int";
	const struct target *t = s->target;
	struct db_value v = db_text(t->table->quoted);
	int64_t secured = 0;

	if (db_query_int(s->db, sql, &v, 1, 0, &secured, e) == -1)
		return -1;
	s->secured = secured != 0;
	/* Images need the keys of the written rows, which COPY does not
	 * return. */
	if (t->keeps_images || s->one_by_one || t->table->view)
		return 0;
	s->straight = !secured && !t->mode->keyed && t->touch == NO_COLUMN &&
	    t->seen == NO_COLUMN;
	s->new_keys.pause = (struct doubling_pause){ .least = 4, .most = 256 };
	s->new_keys.may_copy = !secured && t->mode->splits && !s->in_order &&
	    copy_can_set_time(t, t->touch) && copy_can_set_time(t, t->seen);
	return 0;
}

bool
pg_expects_new_keys(struct pg_sink *s, const struct outcome *o)
{
	struct pg_new_keys *k = &s->new_keys;
	bool expected = k->may_copy && k->all_new && !o->judge_all &&
	    !s->notes_keys && !s->too_wide;

	k->all_new = false;
	return expected && pause_tick(&k->pause);
}

/* True if one of the records of this COPY has no members. COPY cannot load such
 * a record, because COPY needs at least one column. */
static bool
has_empty_record(const struct pg_sink *s)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && s->rows.shapes[i]->n == 0)
			return true;
	return false;
}

/* Finishes the COPY directly into the target table. Returns 1: all rows are in
 * the table; 0: the COPY was rolled back, and the caller must load the rows in
 * another way; -1 with *e. If the server reports fewer rows than were sent, a
 * trigger has suppressed the others: they count as unchanged. */
static int
try_finish_copy(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc;

	if (has_empty_record(s))
		return db_script(s->db, "ROLLBACK TO SAVEPOINT etl_chunk", e);
	rc = pg_copy_other_shapes(&s->rows, false, e);
	if (rc == 0)
		rc = pg_check_deferred(s, e);
	rc = pg_roll_back(s, o, rc, "etl_chunk", e);
	if (rc == 1) {
		o->sums.inserted += (uint64_t)s->rows.copied;
		o->sums.unchanged += s->rows.n - (uint64_t)s->rows.copied;
		s->new_keys.all_new = true;
		s->mostly_unchanged = false;
	}
	return rc;
}

/* Called after a COPY directly into the target table was rolled back, because
 * the server refused a row or a record has no members. Loads the rows in
 * another way. If the table has too many columns for a staging table, copies
 * the rows into the target table in pieces. */
static int
load_again(struct pg_sink *s, struct outcome *o, struct err *e)
{
	bool around = s->straight && !has_empty_record(s) &&
	    pg_may_copy_around(s);

	s->rows.first = NULL;
	s->rows.failed = false;
	if (!s->straight)
		pause_begin(&s->new_keys.pause);
	if (s->too_wide)
		return pg_copy_wide_rows(s, o, e);
	if (around)
		return pg_copy_around(s, o, e);
	return pg_stage_begin(s, e) == -1 ? -1 : pg_merge_by_stage(s, o, e);
}

int
pg_finish_straight(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc = try_finish_copy(s, o, e);

	return rc == 0 ? load_again(s, o, e) : rc == 1 ? 0 : -1;
}
