#include "pg/pg_tuples.h"

#include "pg/pg_copy_text.h"
#include "pg/pg_fault.h"
#include "pg/pg_unchanged.h"
#include "table/columns_sql.h"
#include "table/record_part.h"

enum { MANY = 1000 };   /* a table with more is joined as a whole */

void
pg_tuples_init(struct pg_tuples *t, struct db *db,
    const struct target *target, const struct shape *columns,
    const char *table, bool takes_null)
{
	*t = (struct pg_tuples){ .db = db, .target = target,
		.columns = columns, .table = table,
		.takes_null = takes_null };
	buf_init(&t->sql, SIZE_MAX / 2);
	buf_init(&t->scratch, SIZE_MAX / 2);
	keyset_init(&t->seen);
}

void
pg_tuples_release(struct pg_tuples *t)
{
	buf_release(&t->sql);
	buf_release(&t->scratch);
	keyset_release(&t->seen);
}

int
pg_tuples_check(struct pg_tuples *t,
    int (*check)(void *self, struct err *e), void *self, struct err *e)
{
	int rc;

	if (db_begin(t->db, e) == -1)
		return -1;
	rc = check(self, e);
	if (rc == 0 && (rc = db_commit(t->db, e)) == 0)
		t->there = !db_is_pooled(t->db);
	else
		db_rollback(t->db);
	return rc;
}

static void
forget_seen(struct pg_tuples *t)
{
	keyset_clear(&t->seen);
	t->copied = 0;
}

void
pg_tuples_forget(struct pg_tuples *t)
{
	forget_seen(t);
	t->many = false;
}

int
pg_tuples_note(struct pg_tuples *t, struct reader *r, const struct line *l,
    struct err *e)
{
	struct buf *b = &t->seen.bytes;
	size_t at = b->len;
	struct reject why;
	bool nomem;
	int rc = record_part_read(r, l, t->columns, e);

	if (rc == 1 && !t->takes_null && record_part_has_null(r, t->columns))
		rc = 0;
	if (rc == 1)
		rc = pg_reject_changed(r, t->columns, &t->scratch, &why, e);
	if (rc != 1)
		return rc;
	pg_put_copy_values(b, r, t->columns, &t->scratch);
	buf_char(b, '\n');
	(void)keyset_add(&t->seen, at, 0, &nomem);
	return nomem ? err_nomem(e) : 1;
}

/* Copies the tuples number `from` to `to` - 1 into the temporary table. */
static int
copy_tuples(struct pg_tuples *t, size_t from, size_t to, struct err *e)
{
	const struct keyset *k = &t->seen;
	const char *sql;
	int64_t rows;

	buf_clear(&t->sql);
	buf_printf(&t->sql, "COPY %s%s (", t->table, t->target->suffix);
	sql_put_columns(&t->sql, t->target, t->columns, false);
	buf_str(&t->sql, ") FROM STDIN");
	if ((sql = buf_finish(&t->sql, e)) == NULL ||
	    db_copy_begin(t->db, sql, e) == -1)
		return -1;
	for (; from < to; from++)
		if (db_copy_data(t->db, k->bytes.data + k->v[from].at,
		    k->v[from].len, e) == -1)
			return -1;
	return db_copy_end(t->db, &rows, e);
}

/* Returns 1: copied; 0: the server refused a tuple, and all were rolled back;
 * -1 with *e. */
static int
try_copy_tuples(struct pg_tuples *t, size_t from, size_t to, bool judge_all,
    struct err *e)
{
	if (db_script(t->db, "SAVEPOINT etl_tuple", e) == -1)
		return -1;
	if (copy_tuples(t, from, to, e) == 0)
		return db_script(t->db, "RELEASE SAVEPOINT etl_tuple", e) == -1
			   ? -1
			   : 1;
	if (!pg_may_blame_record(db_fault(t->db), judge_all))
		return -1;
	return db_script(t->db, "ROLLBACK TO SAVEPOINT etl_tuple; "
	    "RELEASE SAVEPOINT etl_tuple", e);
}

/* If the server refuses a tuple, the COPY is repeated with half as many tuples,
 * until the refused tuple is alone. Such a tuple is only counted. No row of the
 * target can match it, because its column cannot hold the value. */
int
pg_tuples_copy_new(struct pg_tuples *t, bool judge_all, uint64_t *unreadable,
    struct err *e)
{
	size_t size = t->seen.n - t->copied, to;
	int rc;

	while (t->copied < t->seen.n) {
		to = t->seen.n - t->copied > size ? t->copied + size :
		    t->seen.n;
		rc = try_copy_tuples(t, t->copied, to, judge_all, e);
		if (rc == -1)
			return -1;
		if (rc == 1) {
			size *= 2;
			t->copied = to;
		} else if (size > 1) {
			size /= 2;
		} else {
			(*unreadable)++;
			t->copied = to;
		}
	}
	t->many |= t->copied >= MANY;
	if (t->seen.bytes.len > REMEMBERED_MAX)
		forget_seen(t);
	return 0;
}

/* If the statistics say that a table is empty, the planner chooses a nested
 * loop, whose time grows with the product of the numbers of rows. The
 * statistics are wrong, for example, if an index was made while the table was
 * empty. */
int
pg_avoid_loops(struct db *db, bool avoid, struct err *e)
{
	return db_script(db, avoid ? "SET LOCAL enable_nestloop = off" :
	    "SET LOCAL enable_nestloop TO DEFAULT", e);
}
