#include "sink.h"

#include "base/stop.h"
#include "pg_sql.h"
#include "pg_stage.h"

#include <stdlib.h>
#include <string.h>

struct pg_sink {
	struct db *db;
	const struct target *target;
	struct pg_rows rows;
	struct buf sql;
	bool staging;           /* the staging table was made for good */
	bool straight;          /* append: COPY goes into the table itself */
	bool deferred;          /* constraints may wait for the commit */
};

static void
pg_sink_close(void *self)
{
	struct pg_sink *s = self;

	if (s == NULL)
		return;
	pg_rows_release(&s->rows);
	buf_release(&s->sql);
	free(s);
}

static const char *
text(struct pg_sink *s, struct err *e)
{
	const char *t = buf_text(&s->sql);

	return buf_check(&s->sql, e) == -1 ? NULL : t;
}

static int
script(struct pg_sink *s, struct err *e)
{
	const char *t = text(s, e);

	return t == NULL ? -1 : db_script(s->db, t, e);
}

static int
stage_make(struct pg_sink *s, struct err *e)
{
	buf_clear(&s->sql);
	pg_make_stage(&s->sql, s->target);
	return script(s, e);
}

static int
find_deferred(struct pg_sink *s, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM pg_trigger WHERE "
	    "tgrelid = $1::text::regclass AND tginitdeferred";
	struct db_value v = db_text(s->target->table->quoted);
	int64_t n;

	if (db_int(s->db, sql, &v, 1, 0, &n, e) == -1)
		return -1;
	s->deferred = n > 0;
	return 0;
}

static int
pg_sink_open(void **self, struct db *db, const struct target *t,
    struct err *e)
{
	struct pg_sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->db = db;
	s->target = t;
	s->straight = !t->upsert && t->touch == NO_COLUMN &&
	    t->seen == NO_COLUMN;
	pg_rows_init(&s->rows, db, t);
	buf_init(&s->sql, SIZE_MAX / 2);
	*self = s;
	if (find_deferred(s, e) == -1 ||
	    (!s->straight && stage_make(s, e) == -1)) {
		pg_sink_close(s);
		*self = NULL;
		return -1;
	}
	s->staging = !s->straight;
	return 0;
}

static int
immediate(struct pg_sink *s, struct err *e)
{
	return s->deferred ?
	    db_script(s->db, "SET CONSTRAINTS ALL IMMEDIATE", e) : 0;
}

static size_t
shapes_used(const struct pg_sink *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rows.nshapes; i++)
		n += s->rows.used[i];
	return n;
}

/* 1 done, 0 a record is bad and the savepoint is as it was, -1. */
static int
judge(struct pg_sink *s, int rc, const char *savepoint, struct err *e)
{
	if (rc == 0)
		return 1;
	if (!db_fault(s->db)->data)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "ROLLBACK TO SAVEPOINT %s", savepoint);
	return script(s, e);
}

static int
copy_shapes(struct pg_sink *s, bool staged, struct err *e)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && pg_copy_all(&s->rows,
		    s->rows.shapes[i], staged, e) == -1)
			return -1;
	return 0;
}

/* COPY names at least one column. */
static bool
has_empty(const struct pg_sink *s)
{
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && s->rows.shapes[i]->n == 0)
			return true;
	return false;
}

static int
straight(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc = copy_shapes(s, false, e);

	if (rc == 0)
		rc = immediate(s, e);
	rc = judge(s, rc, "etl_chunk", e);
	if (rc == 1)
		o->sums.inserted += s->rows.n;
	return rc;
}

static int
stage(struct pg_sink *s, struct outcome *o, struct err *e)
{
	int rc;

	if (!s->staging && stage_make(s, e) == -1)
		return -1;
	if (o->ordinal > 0 &&
	    db_script(s->db, "TRUNCATE " PG_STAGE, e) == -1)
		return -1;
	if (db_script(s->db, "SAVEPOINT etl_stage", e) == -1)
		return -1;
	rc = judge(s, copy_shapes(s, true, e), "etl_stage", e);
	for (size_t i = 0; i < s->rows.nshapes && rc == 0; i++)
		if (s->rows.used[i])
			rc = pg_copy_pieces(&s->rows, s->rows.shapes[i], o,
			    e);
	return rc == -1 ? -1 : 0;
}

static int
merge_shape(struct pg_sink *s, const struct shape *shape, bool alone,
    struct sums *sums, struct err *e)
{
	struct db_rows *r = NULL;
	const char *t;
	int rc = -1;

	buf_clear(&s->sql);
	pg_merge(&s->sql, s->target, shape, alone);
	if ((t = text(s, e)) == NULL ||
	    db_query(s->db, &r, t, NULL, 0, e) == -1)
		return -1;
	if (db_next(r, e) == 1) {
		int64_t all = db_column(r, 0).i, new = db_column(r, 1).i;

		sums->inserted += (uint64_t)new;
		sums->updated += (uint64_t)(all - new);
		rc = 0;
	}
	db_end(r);
	return rc;
}

static int
count(struct pg_sink *s, void (*put)(struct buf *, const struct target *),
    int64_t *n, struct err *e)
{
	const char *t;

	buf_clear(&s->sql);
	put(&s->sql, s->target);
	return (t = text(s, e)) == NULL ? -1 :
	    db_int(s->db, t, NULL, 0, 0, n, e);
}

static int
change(struct pg_sink *s, void (*put)(struct buf *, const struct target *),
    int64_t *n, struct err *e)
{
	const char *t;

	buf_clear(&s->sql);
	put(&s->sql, s->target);
	return (t = text(s, e)) == NULL ? -1 :
	    db_run(s->db, t, NULL, 0, n, e);
}

/* What was staged and neither inserted nor updated. */
static int
count_rest(struct pg_sink *s, bool alone, uint64_t staged,
    struct sums *sums, struct err *e)
{
	uint64_t done = sums->inserted + sums->updated;
	int64_t keys = (int64_t)(staged - sums->superseded);

	if (done + sums->superseded == staged)
		return 0;
	if (alone && count(s, pg_distinct, &keys, e) == -1)
		return -1;
	sums->superseded = staged - (uint64_t)keys;
	sums->unchanged = (uint64_t)keys - done;
	return 0;
}

static int
merge_all(struct pg_sink *s, uint64_t staged, struct sums *sums,
    struct err *e)
{
	bool alone = shapes_used(s) == 1;
	int64_t n = 0;

	if (s->target->upsert && !alone) {
		if (change(s, pg_dedupe, &n, e) == -1)
			return -1;
		sums->superseded = (uint64_t)n;
	}
	for (size_t i = 0; i < s->rows.nshapes; i++)
		if (s->rows.used[i] && merge_shape(s, s->rows.shapes[i],
		    alone, sums, e) == -1)
			return -1;
	if (s->target->upsert && count_rest(s, alone, staged, sums, e) == -1)
		return -1;
	if (s->target->upsert && s->target->seen != NO_COLUMN &&
	    sums->unchanged > 0 && change(s, pg_seen, &n, e) == -1)
		return -1;
	return immediate(s, e);
}

static void
text_of(char *to, size_t size, struct db_value v)
{
	size_t n = v.len < size ? v.len : size - 1;

	if (n > 0)
		memcpy(to, v.p, n);
	to[n] = '\0';
}

/* A row of PG_FOUND: a reject, or the sums. */
static int
found(struct pg_sink *s, struct outcome *o, const struct db_rows *r,
    struct err *e)
{
	struct db_fault f = { .data = true };
	struct sums *t = &o->sums;
	char message[1024];
	int64_t item = db_column(r, 0).i;

	if (item == -1) {
		t->inserted += (uint64_t)db_column(r, 5).i;
		t->updated += (uint64_t)db_column(r, 6).i;
		t->unchanged += (uint64_t)db_column(r, 7).i;
		t->superseded += (uint64_t)db_column(r, 8).i;
		return 0;
	}
	text_of(f.sqlstate, sizeof(f.sqlstate), db_column(r, 1));
	text_of(message, sizeof(message), db_column(r, 2));
	text_of(f.column, sizeof(f.column), db_column(r, 3));
	text_of(f.constraint, sizeof(f.constraint), db_column(r, 4));
	return outcome_refused(o, (size_t)item, &f, message, e);
}

static int
read_found(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct db_rows *r;
	int rc;

	if (db_query(s->db, &r, "SELECT n, state, message, col, con, "
	    "inserted, updated, unchanged, superseded FROM " PG_FOUND
	    " ORDER BY n", NULL, 0, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = found(s, o, r, e)) == -1)
			break;
	db_end(r);
	return rc;
}

static int
slow(struct pg_sink *s, struct outcome *o, struct err *e)
{
	uint64_t before = o->sums.unchanged;
	int64_t n;

	buf_clear(&s->sql);
	pg_make_found(&s->sql);
	if (script(s, e) == -1)
		return -1;
	buf_clear(&s->sql);
	pg_slow(&s->sql, s->target, s->rows.shapes, s->rows.nshapes);
	if (script(s, e) == -1 || read_found(s, o, e) == -1)
		return -1;
	if (s->target->upsert && s->target->seen != NO_COLUMN &&
	    o->sums.unchanged > before)
		return change(s, pg_seen, &n, e);
	return 0;
}

static int
merge(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct sums sums = { 0 };
	uint64_t staged = 0;
	int rc;

	for (size_t i = 0; i < s->rows.n; i++)
		staged += !s->rows.v[i].bad;
	if (staged == 0)
		return 0;
	if (db_script(s->db, "SAVEPOINT etl_merge", e) == -1)
		return -1;
	rc = judge(s, merge_all(s, staged, &sums, e), "etl_merge", e);
	if (rc == 0)
		return slow(s, o, e);
	if (rc == -1)
		return -1;
	o->sums.inserted += sums.inserted;
	o->sums.updated += sums.updated;
	o->sums.unchanged += sums.unchanged;
	o->sums.superseded += sums.superseded;
	return 0;
}

static enum sink_result
pg_sink_apply(void *self, struct outcome *o, struct err *e)
{
	struct pg_sink *s = self;
	int rc = 0;

	(void)reader_renew(&o->reader);
	if (pg_rows_read(&s->rows, o, e) == -1)
		return SINK_FAILED;
	if (s->rows.n == 0)
		return SINK_DONE;
	if (db_script(s->db, "SAVEPOINT etl_chunk", e) == -1)
		return SINK_FAILED;
	if (s->straight && !has_empty(s))
		rc = straight(s, o, e);
	if (rc == 0 && (rc = stage(s, o, e)) == 0)
		rc = merge(s, o, e);
	if (rc == -1)
		return SINK_FAILED;
	return db_script(s->db, "RELEASE SAVEPOINT etl_chunk", e) == -1 ?
	    SINK_FAILED : SINK_DONE;
}

static enum sink_result
pg_sink_settle(void *self, struct err *e)
{
	return SINK_DONE;
}

static void
pg_sink_fresh(void *self)
{
	struct pg_sink *s = self;

	s->staging = false;
}

const struct sink sink_pg = {
	.kind = DB_POSTGRESQL, .open = pg_sink_open, .apply = pg_sink_apply,
	.settle = pg_sink_settle, .fresh = pg_sink_fresh,
	.close = pg_sink_close,
};
