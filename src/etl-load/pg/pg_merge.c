#include "pg/pg_merge.h"

#include "columns_sql.h"
#include "pg/pg_sink.h"
#include "pg/pg_sql.h"
#include "pg/pg_way.h"
#include "target.h"

#include <string.h>

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
last_counts(const struct pg_sink *s, size_t shapes)
{
	const struct target *t = s->target;
	const struct shape *shape;

	if (shapes != 1 || !t->mode->updates || s->facts.judges_records ||
	    t->touch != NO_COLUMN || !same_key_bytes(t))
		return false;
	shape = pg_first_shape(s);
	for (size_t i = 0; i < shape->n; i++)
		if (!t->is_key[shape->columns[i]] &&
		    (s->facts.judged_by_index[shape->columns[i]] ||
		    !upsert_compares(t, shape, i)))
			return false;
	return true;
}

static bool
is_pending_upsert(const struct pg_row *row)
{
	return !row->done && row->operation != OPERATION_DELETE;
}

/* For --mode cdc. A row policy may hide the row of an update from the statement
 * of a round. */
static bool
moves_rows(const struct pg_sink *s)
{
	const struct pg_rows *r = &s->rows;

	for (size_t i = 0; i < r->n; i++)
		if (is_pending_upsert(&r->v[i]) && (r->v[i].moves ||
		    (s->facts.secured &&
		    r->v[i].operation == OPERATION_UPDATE &&
		    shape_lacks_column(s->target,
		    r->shapes[r->v[i].shape], true))))
			return true;
	return false;
}

static bool
order_matters(const struct pg_sink *s)
{
	const struct pg_rows *r = &s->rows;

	if (s->facts.in_order ||
	    !(s->target->mode->updates || s->target->mode->history))
		return s->facts.in_order;
	for (size_t i = 0; i < r->nshapes; i++)
		for (size_t k = 0; r->used[i] && k < r->shapes[i]->n; k++)
			if (s->facts.may_be_freed[r->shapes[i]->columns[k]])
				return true;
	return false;
}

bool
pg_shape_updates_first(const struct pg_sink *s, const struct shape *shape)
{
	const struct pg_row_rules rules = { .in_order = s->facts.in_order,
		.secured = s->facts.secured,
		.first_updates = s->mood.first_updates };

	return pg_updates_first(s->target, shape, &rules);
}

void
pg_chunk_note_rows(struct pg_sink *s, struct chunk_facts *c)
{
	const struct pg_rows *r = &s->rows;

	c->shapes = 0;
	c->has_empty = c->updates_first = false;
	for (size_t i = 0; i < r->nshapes; i++) {
		if (!r->used[i])
			continue;
		c->shapes++;
		c->has_empty |= r->shapes[i]->n == 0;
		c->updates_first |= pg_shape_updates_first(s, r->shapes[i]);
	}
	c->distinct = r->order.distinct;
	c->order_matters = order_matters(s);
	c->last_counts = last_counts(s, c->shapes);
	c->moves_rows = s->target->mode->changes && moves_rows(s);
	c->staged = 0;
	for (size_t i = r->from; i < r->to; i++)
		c->staged += !r->v[i].done;
	c->keys = c->distinct ? (int64_t)c->staged : NOT_COUNTED;
	c->most = c->distinct ? 1 : NOT_COUNTED;
}

int
pg_count_keys(struct pg_sink *s, struct chunk_facts *c, struct err *e)
{
	return c->keys != NOT_COUNTED ? 0 :
	    pg_run_count(s, pg_put_count_keys, &c->keys, e);
}

/* The changes of --mode cdc get the number of their round before they are
 * counted. */
int
pg_count_most(struct pg_sink *s, struct chunk_facts *c, struct err *e)
{
	if (!s->target->mode->changes)
		return pg_run_count(s, pg_put_count_most, &c->most, e);
	buf_clear(&s->sql);
	pg_put_round_table(&s->sql, s->target);
	buf_str(&s->sql, "; ");
	pg_put_fill_rounds(&s->sql, s->target);
	return pg_run_script(s, e) == -1 ? -1 :
	    db_query_int(s->db, "SELECT pg_catalog.max(round) FROM " PG_ROUND,
	    NULL, 0, 1, &c->most, e);
}

/* Merges only the last row of each key. */
static int
merge_last(struct pg_sink *s, const struct chunk_facts *c, struct sums *sums,
    struct err *e)
{
	buf_clear(&s->sql);
	pg_put_merge(&s->sql, s->target, pg_first_shape(s), true,
	    PG_ROWS_LAST_OF_KEY, c->updates_first);
	return pg_run_merge(s, sums, e) == -1 ? -1 : 1;
}

/* Merges the row of each key that is number `nth` of its key. The keys that it
 * has written are counted after the last round. */
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
	return 1;
}

static bool
shape_has_upserts(const struct pg_sink *s, size_t shape)
{
	for (size_t i = 0; i < s->rows.n; i++)
		if (is_pending_upsert(&s->rows.v[i]) &&
		    s->rows.v[i].shape == shape)
			return true;
	return false;
}

/* All changes count as unchanged or missed until a round has applied them. */
static void
count_changes(const struct pg_sink *s, struct sums *sums)
{
	for (size_t i = 0; i < s->rows.n; i++) {
		if (s->rows.v[i].done)
			continue;
		if (is_pending_upsert(&s->rows.v[i]))
			sums->unchanged++;
		else
			sums->missed++;
	}
}

/* Applies the changes of this round, in which each key has at most one change:
 * first the deletes, which mark the rows with --soft-delete. */
static int
apply_round(struct pg_sink *s, int64_t number, bool alone, struct sums *sums,
    struct err *e)
{
	const struct pg_round round = { number, alone };
	uint64_t before;
	int64_t n = 0;

	if (sums->deleted + sums->missed > 0) {
		buf_clear(&s->sql);
		pg_put_delete_round(&s->sql, s->target, &round);
		if (pg_run_statement(s, &n, e) == -1)
			return -1;
		sums->deleted += (uint64_t)n;
		sums->missed -= (uint64_t)n;
	}
	before = sums->inserted + sums->updated;
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i] || !shape_has_upserts(s, i))
			continue;
		buf_clear(&s->sql);
		pg_put_upsert_round(&s->sql, s->target, s->rows.shapes[i],
		    &round, pg_shape_updates_first(s, s->rows.shapes[i]));
		if (pg_run_merge(s, sums, e) == -1)
			return -1;
	}
	sums->unchanged -= sums->inserted + sums->updated - before;
	return 1;
}

/* Round r merges the r-th row of each key. If the table has deferred
 * constraints, PostgreSQL is told to check them after each statement, because a
 * later row of the same key could hide an error. Returns 1: merged; 0: rolled
 * back, the rows must be merged one by one; -1 with *e. */
static int
merge_rounds(struct pg_sink *s, const struct chunk_facts *c, struct sums *sums,
    struct err *e)
{
	const struct load_mode *mode = s->target->mode;
	bool upserts = !mode->changes && !mode->history;
	int rc = 1;

	if (upserts) {
		buf_clear(&s->sql);
		pg_put_merged_table(&s->sql, s->target);
		if (pg_run_script(s, e) == -1)
			return -1;
	}
	if (mode->changes)
		count_changes(s, sums);
	if (pg_check_deferred(s, e) == -1)
		return -1;
	for (int64_t i = 1; i <= c->most && rc == 1; i++) {
		if (mode->history)
			rc = pg_history_round(s, i, sums, e);
		else if (mode->changes)
			rc = apply_round(s, i, c->most == 1, sums, e);
		else
			rc = merge_round(s, i, e);
	}
	if (rc == 0)
		return db_script(s->db, "ROLLBACK TO SAVEPOINT etl_merge", e);
	if (rc == -1 || !upserts)
		return rc;
	buf_clear(&s->sql);
	pg_put_count_merged(&s->sql, s->target);
	return pg_run_merge(s, sums, e) == -1 ? -1 : 1;
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
accepts_equal(const struct target *t, const struct shape *s)
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
may_skip_unchanged(const struct pg_sink *s, const struct chunk_facts *c)
{
	return s->mood.mostly_unchanged && s->target->mode->updates &&
	    c->distinct && !s->facts.judges_records &&
	    !s->facts.has_domain && !c->notes_keys &&
	    !s->target->keeps_images && c->shapes == 1 &&
	    accepts_equal(s->target, pg_first_shape(s));
}

/* If the records came in the order of the key, the staging table has its rows
 * in this order, or nearly so. Then the statement does not sort them. */
static enum pg_rows_taken
choose_rows(const struct pg_sink *s, const struct chunk_facts *c)
{
	const struct load_mode *mode = s->target->mode;
	const struct key_order *order = &s->rows.order;

	if (!mode->keyed || c->order_matters)
		return PG_ROWS_IN_ORDER;
	if (may_skip_unchanged(s, c))
		return PG_ROWS_CHANGED;
	return order->ascending && (order->distinct || mode->updates) ?
	    PG_ROWS_UNSORTED : PG_ROWS_BY_KEY;
}

/* One statement for each shape. */
static int
merge_shapes(struct pg_sink *s, const struct chunk_facts *c, struct sums *sums,
    struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++) {
		if (!s->rows.used[i])
			continue;
		buf_clear(&s->sql);
		pg_put_merge(&s->sql, s->target, s->rows.shapes[i],
		    c->shapes == 1, choose_rows(s, c),
		    pg_shape_updates_first(s, s->rows.shapes[i]));
		if (pg_run_merge(s, sums, e) == -1)
			return -1;
	}
	return 1;
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
 * ignore all these rows count as skipped. */
static int
count_others(struct pg_sink *s, struct chunk_facts *c, struct sums *sums,
    struct err *e)
{
	uint64_t done = sums->inserted + sums->updated, keys = c->staged;

	s->mood.mostly_unchanged = done < c->staged / 2;
	s->mood.all_new = sums->inserted == c->staged;
	if (s->target->mode->changes)
		return 0;   /* apply_round() counts */
	if (s->target->mode->skips) {
		sums->skipped = c->staged - done;
		return 0;
	}
	if (done == c->staged)
		return 0;
	if (s->target->mode->updates) {
		if (pg_count_keys(s, c, e) == -1)
			return -1;
		keys = (uint64_t)c->keys;
	}
	sums->superseded = c->staged - keys;
	sums->unchanged = keys - done;
	return count_older(s, sums, e);
}

/* Merges the rows, counts all of them and checks the deferred constraints.
 * Returns as merge_rounds(). */
static int
merge_staged(struct pg_sink *s, enum pg_way way, struct chunk_facts *c,
    struct sums *sums, struct err *e)
{
	int rc = way == PG_MERGE_LAST ? merge_last(s, c, sums, e) :
	    way == PG_MERGE_ROUNDS ? merge_rounds(s, c, sums, e) :
	    merge_shapes(s, c, sums, e);

	if (rc != 1)
		return rc;
	if (count_others(s, c, sums, e) == -1)
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

/* Called if a merge statement has failed. Like pg_roll_back(), but also notes
 * if the statement has failed because of equal keys. */
static int
roll_back_merge(struct pg_sink *s, const struct outcome *o,
    const char *savepoint, struct err *e)
{
	if (strcmp(db_fault(s->db)->sqlstate, EQUAL_KEYS) == 0)
		s->mood.twice = true;
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
pg_merge(struct pg_sink *s, struct outcome *o, enum pg_way way,
    struct chunk_facts *c, struct err *e)
{
	struct sums sums = { 0 };
	int rc;

	if (db_script(s->db, "SAVEPOINT etl_merge", e) == -1)
		return -1;
	rc = merge_staged(s, way, c, &sums, e);
	if (rc == -1)
		return roll_back_merge(s, o, "etl_merge", e);
	if (rc == 1)
		add_outcomes(o, &sums);
	return rc;
}

/* Makes the script of a small chunk. The merge statement is prepared once and
 * then executed by name, because planning it takes longer than merging a few
 * rows. */
static int
make_script(struct pg_sink *s, const struct chunk_facts *c,
    const struct shape *shape, struct err *e)
{
	const char *merge, *name;

	buf_clear(&s->sql);
	pg_put_merge(&s->sql, s->target, shape, true, choose_rows(s, c),
	    c->updates_first);
	if ((merge = buf_finish(&s->sql, e)) == NULL ||
	    db_prepare_named(s->db, merge, &name, e) == -1)
		return -1;
	buf_clear(&s->sql);
	pg_put_empty_stage(&s->sql, s);
	buf_str(&s->sql, "; ");
	pg_put_copy(&s->sql, s->target, shape, true);
	buf_printf(&s->sql, "; EXECUTE %s; RELEASE SAVEPOINT etl_chunk", name);
	return 0;
}

int
pg_merge_by_script(struct pg_sink *s, struct outcome *o, struct chunk_facts *c,
    struct err *e)
{
	const struct shape *shape = pg_first_shape(s);
	struct sums sums = { 0 };
	int64_t n[2] = { 0 };       /* written, inserted */
	const char *script;

	if (make_script(s, c, shape, e) == -1 ||
	    (script = buf_finish(&s->sql, e)) == NULL ||
	    db_copy_begin(s->db, script, e) == -1 ||
	    pg_send_rows(&s->rows, shape, true, e) == -1 ||
	    db_copy_end_script(s->db, n, 2, e) == -1)
		return roll_back_merge(s, o, "etl_chunk", e);
	sums.inserted = (uint64_t)n[1];
	sums.updated = (uint64_t)(n[0] - n[1]);
	if (count_others(s, c, &sums, e) == -1)
		return -1;
	add_outcomes(o, &sums);
	return 1;
}

static bool
is_pending_change(const struct pg_row *row, size_t shape, bool upsert)
{
	return row->shape == shape && !row->done &&
	    is_pending_upsert(row) == upsert;
}

/* Runs the statement for the changes of this shape, but for no rows. If it
 * fails even so, notes the first such record in s->failed_item. */
static int
try_empty_change(struct pg_sink *s, size_t shape, bool upsert, struct err *e)
{
	static const struct pg_round none = { 0, true };
	const char *t;
	size_t i = 0;

	while (i < s->rows.n &&
	    !is_pending_change(&s->rows.v[i], shape, upsert))
		i++;
	if (i == s->rows.n)
		return 0;
	buf_clear(&s->sql);
	if (upsert)
		pg_put_upsert_round(&s->sql, s->target, s->rows.shapes[shape],
		    &none, false);
	else
		pg_put_delete_round(&s->sql, s->target, &none);
	if ((t = buf_finish(&s->sql, e)) == NULL)
		return -1;
	if (db_run(s->db, t, NULL, 0, NULL, e) == 0)
		return 0;
	s->failed_item = s->rows.v[i].item;
	return -1;
}

int
pg_try_changes(struct pg_sink *s, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] &&
		    (try_empty_change(s, i, true, e) == -1 ||
		    try_empty_change(s, i, false, e) == -1))
			return -1;
	return 0;
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
