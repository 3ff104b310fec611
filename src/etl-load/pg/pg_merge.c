#include "pg/pg_merge.h"

#include "columns_sql.h"
#include "pg/pg_sink.h"
#include "pg/pg_sql.h"
#include "target.h"

#include <string.h>

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

/* The most statements for a chunk. Each of them reads the staging table. If the
 * rounds need more statements, merging the rows one by one is faster. */
enum { STATEMENTS_MAX = 32 };

/* True if two equal values always have the same bytes. A counterexample is
 * citext, for which Anna and anna are equal. */
static bool
same_value_bytes(const struct column *c)
{
	switch (c->kind) {
	case COLUMN_INT:
	case COLUMN_BOOL:
	case COLUMN_TIME:
	case COLUMN_BYTES:
		return true;
	default:
		return c->equal_as_bytes || strcmp(c->type, "uuid") == 0;
	}
}

/* Returns true if two equal keys always have the same bytes. */
static bool
same_key_bytes(const struct target *t)
{
	for (size_t i = 0; i < t->nkey; i++)
		if (!same_value_bytes(&t->table->columns[t->key[i]]))
			return false;
	return true;
}

const struct shape *
pg_first_shape(const struct pg_sink *s)
{
	size_t i = 0;

	while (!s->rows.used[i])
		i++;
	return s->rows.shapes[i];
}

/* True if merging only the last row of each key gives the same result as
 * merging all rows of the key. For this, the last row must set every column
 * that the other rows set, and the table must not be able to refuse one of the
 * other rows. A NULL that a column refuses is no obstacle, because the merge
 * statement finds such a row. */
static bool
may_merge_last(const struct pg_sink *s)
{
	const struct target *t = s->target;
	const struct shape *shape = pg_first_shape(s);

	if (pg_count_shapes(s) > 1 || s->judges_records ||
	    t->touch != NO_COLUMN || !same_key_bytes(t))
		return false;
	for (size_t i = 0; i < shape->n; i++)
		if (!t->is_key[shape->columns[i]] &&
		    (s->judged_by_index[shape->columns[i]] ||
		    !upsert_compares(t, shape, i)))
			return false;
	return true;
}

/* Merges only the last row of each key. */
static int
merge_last_rows(struct pg_sink *s, struct sums *sums, struct err *e)
{
	buf_clear(&s->sql);
	pg_put_merge(&s->sql, s->target, pg_first_shape(s), true,
	    PG_ROWS_LAST_OF_KEY, pg_chunk_updates_first(s));
	return pg_run_merge(s, sums, e) == -1 ? -1 : 1;
}

/* Merges the row of each key that is number `nth` of its key. */
static int
merge_round(struct pg_sink *s, int64_t nth, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i])
			continue;
		buf_clear(&s->sql);
		pg_put_merge_round(
		    &s->sql, s->target, s->rows.shapes[i], nth,
		    pg_shape_updates_first(s, s->rows.shapes[i]));
		if (pg_run_script(s, e) == -1)
			return -1;
	}
	return 0;
}

/* Round r merges the r-th row of each key. If the table has deferred
 * constraints, PostgreSQL is told to check them after each statement, because a
 * later row of the same key could hide an error. Returns 1: merged; 0: it would
 * need too many statements; -1 with *e. */
static int
merge_in_rounds(struct pg_sink *s, struct sums *sums, struct err *e)
{
	int64_t rounds;

	if (pg_run_count(s, pg_put_count_most, &rounds, e) == -1)
		return -1;
	if ((uint64_t)rounds * pg_count_shapes(s) > STATEMENTS_MAX)
		return 0;
	buf_clear(&s->sql);
	pg_put_merged_table(&s->sql, s->target);
	if (pg_run_script(s, e) == -1 || pg_check_deferred(s, e) == -1)
		return -1;
	for (int64_t i = 1; i <= rounds; i++)
		if (merge_round(s, i, e) == -1)
			return -1;
	buf_clear(&s->sql);
	pg_put_count_merged(&s->sql, s->target);
	return pg_run_merge(s, sums, e) == -1 ? -1 : 1;
}

/* True if the chunk may have equal keys, and a few statements, each for many
 * rows, give the same result as merging the rows one by one. If a table has a
 * foreign key to itself, a refused row may have to wait for the row that it
 * refers to. It must be dropped if a later row of its own key was merged
 * meanwhile. Only the merge row by row can do this. */
static bool
pg_may_merge_rounds(const struct pg_sink *s)
{
	return s->twice && !s->rows.order.distinct &&
	    s->target->mode->updates && !s->one_by_one &&
	    !s->refers_to_itself && !pg_order_matters(s);
}

/* Merges a chunk for which pg_may_merge_rounds() is true, and adds the inserted
 * and updated rows to *sums. Returns 1: merged; 0: it would need too many
 * statements; -1 with *e. */
static int
pg_merge_rounds(struct pg_sink *s, struct sums *sums, struct err *e)
{
	return may_merge_last(s) ?
	    merge_last_rows(s, sums, e) :
	    merge_in_rounds(s, sums, e);
}

static const struct column *
newer_by_column(const struct target *t)
{
	return &t->table->columns[t->newer_by];
}

/* Compares two values as rows of the type record, because PostgreSQL then uses
 * the sort order of the columns' types. A plain > would be looked up in the
 * schemas of the search_path, where another role can create an operator.
 * IS DISTINCT FROM NULL is right for a composite type, too: IS NOT NULL would
 * be false if one of its members were NULL. */
void
pg_put_is_newer(struct buf *b, const struct target *t, const char *one,
    const char *other)
{
	const char *column = newer_by_column(t)->quoted;

	buf_printf(b, "(%s.%s IS DISTINCT FROM NULL AND ROW(%s.%s)::record "
	    "OPERATOR(pg_catalog.>) ROW(%s.%s)::record)",
	    one, column, one, column, other, column);
}

/* Compares two NULLs, because no row is needed for this. If the type has no
 * order, the comparison fails all the same. */
int
pg_check_newer_by(struct db *db, const struct target *t, struct err *e)
{
	const struct column *c = newer_by_column(t);
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "SELECT ROW(v)::record OPERATOR(pg_catalog.>) "
	    "ROW(v)::record FROM (SELECT (NULL::%s).%s AS v) AS t",
	    t->table->quoted, c->quoted);
	(void)buf_text(&b);
	if ((rc = buf_check(&b, e)) == 0)
		rc = db_run(db, b.data, NULL, 0, NULL, e);
	buf_release(&b);
	if (rc == -1 && strcmp(db_fault(db)->sqlstate, "42883") == 0)
		return err_set(e, ERR_CONFIG, false, "--newer-by: column "
		    "\"%s\" of table %s has the type %s, whose values have no "
		    "order: name another column", c->name, t->table->name,
		    c->type);
	return rc;
}

/* Returns true if the shape has the column. Sets *compared to true if, in
 * addition, an upsert compares the column. */
static bool
shape_has_column(const struct target *t, const struct shape *s, size_t column,
    bool *compared)
{
	*compared = false;
	for (size_t i = 0; i < s->n; i++)
		if (s->columns[i] == column) {
			*compared = upsert_compares(t, s, i);
			return true;
		}
	return false;
}

static bool
is_set_by_option(const struct target *t, size_t column)
{
	return (int)column == t->touch || (int)column == t->seen ||
	    (int)column == t->soft_delete;
}

/* True if the table cannot refuse a record of this shape that equals its row,
 * so that the record may be left out. For this, each NOT NULL column must be
 * compared by the upsert, or must be missing in the record and have a default.
 * If a record has a NULL in a compared column, it differs from its row. */
static bool
pg_accepts_equal(const struct target *t, const struct shape *s)
{
	const struct column *c = t->table->columns;
	bool compared;

	for (size_t i = 0; i < t->table->n; i++)
		if (c[i].not_null && !t->is_key[i] && !is_set_by_option(t, i) &&
		    (shape_has_column(t, s, i, &compared) ? !compared :
		    !c[i].has_default))
			return false;
	return shape_can_change(t, s);
}

/* The SQLSTATE of an INSERT ... ON CONFLICT that would update a row twice. */
#define EQUAL_KEYS "21000"

/* True if the statement may leave out staged rows that equal their row in the
 * table. The keys must be distinct, because a later record of the same key may
 * depend on the row. Such rows are not locked, so another session could change
 * them before the commit: --expect does not allow this. */
static bool
may_skip_unchanged(const struct pg_sink *s)
{
	return s->mostly_unchanged && s->target->mode->updates &&
	    s->rows.order.distinct && !s->judges_records && !s->has_domain &&
	    !s->notes_keys && !s->target->keeps_images &&
	    pg_count_shapes(s) == 1 && pg_accepts_equal(s->target,
	    pg_first_shape(s));
}

/* If the records came in the order of the key, the staging table has its rows
 * in this order, or nearly so. Then the statement does not sort them. */
enum pg_rows_taken
pg_choose_rows(const struct pg_sink *s)
{
	const struct load_mode *mode = s->target->mode;
	const struct key_order *order = &s->rows.order;

	if (!mode->keyed || pg_order_matters(s))
		return PG_ROWS_IN_ORDER;
	if (may_skip_unchanged(s))
		return PG_ROWS_CHANGED;
	return order->ascending && (order->distinct || mode->updates) ?
	    PG_ROWS_UNSORTED : PG_ROWS_BY_KEY;
}

static int
merge_shape(struct pg_sink *s, const struct shape *shape, struct sums *sums,
    struct err *e)
{
	buf_clear(&s->sql);
	pg_put_merge(&s->sql, s->target, shape, pg_count_shapes(s) == 1,
	    pg_choose_rows(s), pg_shape_updates_first(s, shape));
	return pg_run_merge(s, sums, e);
}

/* Appends a query that counts keys of the staging table. A key counts if its
 * row in the target is newer than all its staged rows. */
static void
put_count_older(struct buf *b, const struct target *t)
{
	buf_str(b, "SELECT pg_catalog.count(*) FROM (SELECT DISTINCT ON (");
	sql_put_key(b, t);
	buf_printf(b, ") * FROM " PG_STAGE "%s ORDER BY ", t->suffix);
	sql_put_key(b, t);
	buf_printf(b, ", %s DESC) AS w JOIN %s AS \"etl.t\" ON ",
	    t->table->columns[t->newer_by].quoted, t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "w");
	buf_str(b, " WHERE ");
	pg_put_is_newer(b, t, "\"etl.t\"", "w");
}

/* With --newer-by, unchanged records whose row is newer count as skipped. The
 * query may count too many: a trigger may have made a row newer after this
 * chunk has updated it. */
static int
count_older(struct pg_sink *s, struct sums *sums, struct err *e)
{
	int64_t older;
	uint64_t n;

	if (s->target->newer_by == NO_COLUMN || sums->unchanged == 0)
		return 0;
	if (pg_run_count(s, put_count_older, &older, e) == -1)
		return -1;
	n = (uint64_t)older < sums->unchanged ? (uint64_t)older :
	    sums->unchanged;
	sums->skipped += n;
	sums->unchanged -= n;
	return 0;
}

/* Counts the staged rows that the merge has neither inserted nor updated. A row
 * is superseded if a later row has the same key, else unchanged. With --mode
 * ignore all these rows count as skipped. `staged` is the number of rows in the
 * staging table. */
static int
count_others(struct pg_sink *s, uint64_t staged, struct sums *sums,
    struct err *e)
{
	uint64_t done = sums->inserted + sums->updated;
	int64_t keys = (int64_t)staged;

	s->mostly_unchanged = done < staged / 2;
	s->new_keys.all_new = sums->inserted == staged;
	if (s->target->mode->changes)
		return 0;   /* pg_merge_changes() counts */
	if (s->target->mode->skips) {
		sums->skipped = staged - done;
		return 0;
	}
	if (done == staged)
		return 0;
	if (s->target->mode->updates &&
	    pg_count_keys(s, staged, &keys, e) == -1)
		return -1;
	sums->superseded = staged - (uint64_t)keys;
	sums->unchanged = (uint64_t)keys - done;
	return count_older(s, sums, e);
}

/* A function of this type merges the staged rows, and adds the rows that it has
 * inserted and updated to *sums. Returns 1: merged; 0: it cannot merge these
 * rows; -1 with *e. */
typedef int merge_function(
    struct pg_sink *s, struct sums *sums, struct err *e);

static int
merge_shapes(struct pg_sink *s, struct sums *sums, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && merge_shape(s, s->rows.shapes[i], sums,
		    e) == -1)
			return -1;
	return 1;
}

/* Merges the rows by merge(), counts all of them and checks the deferred
 * constraints. Returns as merge(). */
static int
merge_staged(struct pg_sink *s, merge_function *merge, uint64_t staged,
    struct sums *sums, struct err *e)
{
	int rc = merge(s, sums, e);

	if (rc != 1)
		return rc;
	if (count_others(s, staged, sums, e) == -1)
		return -1;
	if (s->target->mode->updates && s->target->seen != NO_COLUMN &&
	    sums->unchanged + sums->skipped > 0) {
		buf_clear(&s->sql);
		pg_put_seen(&s->sql, s->target);
		if (pg_run_statement(s, NULL, e) == -1)
			return -1;
	}
	return pg_check_deferred(s, e) == -1 ? -1 : 1;
}

static bool
may_merge_many(const struct pg_sink *s)
{
	return !s->one_by_one &&
	    (!s->twice || s->rows.order.distinct || !s->target->mode->updates);
}

bool
pg_may_merge_at_once(const struct pg_sink *s)
{
	return pg_count_shapes(s) == 1 && may_merge_many(s) &&
	    (!pg_chunk_updates_first(s) || (!pg_order_matters(s) &&
	    (s->rows.order.distinct || !s->target->mode->updates)));
}

/* Sets *may to true if one statement for each shape (set of columns) gives the
 * same result as merging the rows one by one. It does not in three cases: the
 * table has triggers that run only after the whole statement; equal keys are
 * expected, and one statement cannot update a row twice; or there are several
 * shapes, or updates before inserts, and the order of the rows matters. */
static int
may_merge_by_shape(
    struct pg_sink *s, uint64_t staged, bool *may, struct err *e)
{
	int64_t keys = 0;

	*may = pg_may_merge_at_once(s);
	if (*may || (pg_count_shapes(s) == 1 && !pg_chunk_updates_first(s)))
		return 0;
	*may = may_merge_many(s) && !pg_order_matters(s);
	if (!*may || !s->target->mode->keyed)
		return 0;
	if (pg_count_keys(s, staged, &keys, e) == -1)
		return -1;
	*may = (uint64_t)keys == staged;
	if (!*may)
		s->twice = true;
	return 0;
}

/* Called after each chunk. After 16 chunks in succession without equal keys,
 * the sink no longer expects equal keys. */
static void
note_quiet(struct pg_sink *s, bool superseded)
{
	enum { QUIET_MAX = 16 };

	s->quiet = superseded ? 0 : s->quiet + 1;
	if (s->quiet >= QUIET_MAX)
		s->twice = false;
}

int
pg_roll_back_merge(struct pg_sink *s, const struct outcome *o,
    const char *savepoint, struct err *e)
{
	if (strcmp(db_fault(s->db)->sqlstate, EQUAL_KEYS) == 0)
		s->twice = true;
	return pg_roll_back(s, o, -1, savepoint, e);
}

static void
add_outcomes(struct outcome *o, const struct sums *sums)
{
	o->sums.inserted += sums->inserted;
	o->sums.updated += sums->updated;
	o->sums.unchanged += sums->unchanged;
	o->sums.superseded += sums->superseded;
	o->sums.skipped += sums->skipped;
	o->sums.deleted += sums->deleted;
	o->sums.missed += sums->missed;
}

int
pg_count_merged(struct pg_sink *s, struct outcome *o, struct sums *sums,
    struct err *e)
{
	if (count_others(s, s->rows.n, sums, e) == -1)
		return -1;
	add_outcomes(o, sums);
	note_quiet(s, sums->superseded > 0);
	return 0;
}

/* Merges the staged rows by merge(). Returns 1: merged; 0: not merged, because
 * merge() cannot merge these rows, or the server has refused a row or found
 * equal keys, and the merge was rolled back; -1 with *e. */
static int
try_merge(struct pg_sink *s, merge_function *merge, struct outcome *o,
    uint64_t staged, struct err *e)
{
	struct sums sums = { 0 };
	int rc;

	if (db_script(s->db, "SAVEPOINT etl_merge", e) == -1)
		return -1;
	rc = merge_staged(s, merge, staged, &sums, e);
	if (rc == -1)
		rc = pg_roll_back_merge(s, o, "etl_merge", e);
	if (rc == 1)
		add_outcomes(o, &sums);
	return rc;
}

/* Returns 1: merged; 0: the rows must be merged one by one; -1 with *e. Merges
 * the rows by a few statements, each for many rows. */
static int
merge_in_sets(struct pg_sink *s, struct outcome *o, uint64_t staged,
    struct err *e)
{
	bool may;
	int rc = 0;

	if (s->target->mode->changes)
		return pg_may_merge_changes(s) ? try_merge(s, pg_merge_changes,
		    o, staged, e) : 0;
	if (s->target->mode->history)
		return pg_may_merge_history(s, o, &may, e) == -1 ? -1 :
		    may ? try_merge(
		    s, pg_merge_history, o, staged, e) : 0;
	if (may_merge_by_shape(s, staged, &may, e) == -1)
		return -1;
	if (may)
		rc = try_merge(s, merge_shapes, o, staged, e);
	if (rc == 0 && pg_may_merge_rounds(s))
		rc = try_merge(s, pg_merge_rounds, o, staged, e);
	return rc;
}

int
pg_merge_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	uint64_t staged = 0, before = o->sums.superseded;
	bool one_by_one;
	int rc;

	for (size_t i = s->rows.from; i < s->rows.to; i++)
		staged += !s->rows.v[i].done;
	if (staged == 0)
		return 0;
	if (pg_images_store(s, e) == -1 || pg_analyze_stage(s, e) == -1)
		return -1;
	rc = merge_in_sets(s, o, staged, e);
	one_by_one = rc == 0;
	if (one_by_one)
		rc = pg_merge_singly(s, o, staged, e);
	if (rc != -1)
		rc = pg_written_note(s, one_by_one, e);
	note_quiet(s, o->sums.superseded > before);
	return rc == -1 ? -1 : 0;
}

bool
pg_notes_inserted(const struct target *t)
{
	return t->keeps_images && !t->mode->keyed;
}

void
pg_put_returned_keys(struct buf *b, const struct target *t)
{
	for (size_t i = 0; i < t->identity.n; i++)
		buf_printf(b, ", \"etl.t\".%s",
		    t->table->columns[t->identity.columns[i]].quoted);
}

void
pg_put_note_returned(struct buf *b, const struct target *t)
{
	buf_str(b, ", \"etl.k\" AS (INSERT INTO " PG_TOUCHED " SELECT 0, ");
	sql_put_columns(b, t, &t->identity, false);
	buf_str(b, " FROM m)");
}
