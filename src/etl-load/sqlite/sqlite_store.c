#include "sqlite/sqlite_store.h"

#include "table/columns_sql.h"
#include "sqlite/sqlite_sql.h"
#include "sqlite/sqlite_value.h"

#include <stdlib.h>
#include <string.h>

/* Sets s->may_leave_changes if a table or trigger of the database uses ON
 * CONFLICT FAIL or RAISE(FAIL). With these a statement that fails keeps the
 * changes that it made before the failure, while SQLite otherwise undoes them.
 */
static int
find_if_failure_leaves_changes(struct lite_store *s, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM (SELECT sql FROM "
	    "sqlite_schema UNION ALL SELECT sql FROM sqlite_temp_schema) "
	    "WHERE sql LIKE '%RAISE%FAIL%' OR sql LIKE '%CONFLICT%FAIL%'";
	int64_t n;

	if (db_int(s->db, sql, NULL, 0, 0, &n, e) == -1)
		return -1;
	s->may_leave_changes = n > 0;
	return 0;
}

int
lite_store_init(struct lite_store *s, struct db *db, const struct target *t,
    struct err *e)
{
	*s = (struct lite_store){ .db = db, .target = t };
	buf_init(&s->scratch, SIZE_MAX / 2);
	s->values = calloc(t->table->n + 1, sizeof(*s->values));
	return s->values == NULL ? err_nomem(e)
				 : find_if_failure_leaves_changes(s, e);
}

void
lite_store_free_statements(struct lite_store *s)
{
	for (size_t i = 0; i < s->nshapes; i++) {
		db_stmt_free(s->by_shape[i].insert);
		db_stmt_free(s->by_shape[i].update);
		db_stmt_free(s->by_shape[i].seen);
	}
	free(s->by_shape);
	s->by_shape = NULL;
	s->nshapes = 0;
}

void
lite_store_release(struct lite_store *s)
{
	lite_store_free_statements(s);
	buf_release(&s->scratch);
	free(s->values);
	s->values = NULL;
}

static int
prepare_once(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape,
    void (*text)(struct buf *, const struct target *, const struct shape *),
    struct err *e)
{
	struct buf b;
	int rc = -1;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	text(&b, s->target, shape);
	(void)buf_text(&b);
	if (buf_check(&b, e) == 0)
		rc = db_prepare(s->db, stmt, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

static struct lite_statements *
get_statements_and_prepare_insert(
    struct lite_store *s, const struct shape *shape, struct err *e)
{
	struct lite_statements *p;

	if (shape->id >= s->nshapes) {
		p = realloc(s->by_shape, (shape->id + 1) * sizeof(*p));
		if (p == NULL) {
			(void)err_nomem(e);
			return NULL;
		}
		s->by_shape = p;
		memset(p + s->nshapes, 0,
		    (shape->id + 1 - s->nshapes) * sizeof(*p));
		s->nshapes = shape->id + 1;
	}
	p = &s->by_shape[shape->id];
	return prepare_once(s, &p->insert, shape, sqlite_put_insert, e) == -1
		   ? NULL
		   : p;
}

int
lite_convert_record(struct lite_store *s, struct reader *r,
    const struct line *l, struct reject *why, struct err *e)
{
	const struct shape *shape;
	int rc = reader_match_record(r, l, why, e);

	if (rc != 1)
		return rc;
	buf_clear(&s->scratch);
	if (!buf_reserve(&s->scratch, l->len + 1))
		return buf_check(&s->scratch, e);
	shape = r->shape;
	for (size_t i = 0; i < shape->n; i++)
		if (sqlite_convert_value(&s->values[i], r, shape->columns[i],
		    &s->scratch, why) == 0)
			return 0;
	s->values[shape->n] = (struct db_value){ .type = DB_TEXT,
		.p = s->now, .len = CLOCK_STAMP - 1 };
	return 1;
}

/* Called in an upsert if the table already has a row with the record's key.
 * Updates this row if it differs from the record in a column that --compare
 * names (default: in any column of the record). Counts the record as updated or
 * unchanged. In an unchanged row only the column of --seen is set. */
static int
update_row_if_changed(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct sums *sums, struct err *e)
{
	int64_t changed = 0;

	if (shape_can_change_row(s->target, shape) &&
	    (prepare_once(s, &st->update, shape, sqlite_put_update, e) == -1 ||
		db_stmt_run_for_first_row(st->update, s->values, shape->n + 1,
		    NULL, &changed, e) == -1))
		return -1;
	if (changed > 0) {
		sums->updated++;
		return 0;
	}
	sums->unchanged++;
	if (s->target->seen == NO_COLUMN)
		return 0;
	if (prepare_once(s, &st->seen, shape, sqlite_put_update_seen, e) == -1)
		return -1;
	return db_stmt_run_for_first_row(
	    st->seen, s->values, shape->n + 1, NULL, NULL, e);
}

static int
insert_or_update_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, struct sums *sums, struct err *e)
{
	int64_t changed = 0;

	if (db_stmt_run_for_first_row(
		st->insert, s->values, shape->n + 1, NULL, &changed, e) == -1)
		return -1;
	if (s->target->upsert && changed == 0)
		return update_row_if_changed(s, st, shape, sums, e);
	if (changed > 0)
		sums->inserted++;
	else if (s->target->mode == LOAD_IGNORE)
		sums->skipped++;
	else                            /* a trigger suppressed the insert */
		sums->unchanged++;
	return 0;
}

/* Inserts the record in a savepoint and rolls back to the savepoint if the
 * record is refused, so that no part of its changes stays in the database. If
 * s->careful is set, a missing referenced row refuses the record, even if the
 * foreign key is deferred. */
static int
insert_or_update_row_in_savepoint(struct lite_store *s,
    struct lite_statements *st, const struct shape *shape, struct sums *sums,
    struct err *e)
{
	static const char undo[] = "ROLLBACK TO etl_row; RELEASE etl_row";

	if (db_script(s->db, "SAVEPOINT etl_row", e) == -1)
		return LITE_FAILED;
	if (insert_or_update_row(s, st, shape, sums, e) == -1) {
		s->fault = *db_fault(s->db);
		s->why = *e;
	} else if (!s->careful || db_missing_references(s->db) == 0) {
		return db_script(s->db, "RELEASE etl_row", e) == -1 ?
		    LITE_FAILED : LITE_STORED;
	} else {
		s->fault = (struct db_fault){ .data = true };
		(void)err_set(&s->why, ERR_DATA, false,
		    "FOREIGN KEY constraint failed");
	}
	if (!s->fault.data || db_script(s->db, undo, e) == -1)
		return LITE_FAILED;
	return LITE_REFUSED;
}

int
lite_store_record(struct lite_store *s, const struct shape *shape,
    struct sums *sums, struct err *e)
{
	struct lite_statements *st =
	    get_statements_and_prepare_insert(s, shape, e);
	struct sums before = *sums;
	int rc;

	if (st == NULL)
		return LITE_FAILED;
	if (s->careful || s->may_leave_changes) {
		rc = insert_or_update_row_in_savepoint(s, st, shape, sums, e);
	} else if (insert_or_update_row(s, st, shape, sums, e) == 0) {
		rc = LITE_STORED;
	} else {
		s->fault = *db_fault(s->db);
		s->why = *e;
		rc = s->fault.data ? LITE_REFUSED : LITE_FAILED;
	}
	if (rc == LITE_REFUSED)
		*sums = before;
	return rc;
}
