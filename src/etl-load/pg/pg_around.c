#include "pg/pg_sink.h"

#include "base/stop.h"
#include "pg/pg_sql.h"

/* To judge a row alone, and to copy the rows around it again, takes about as
 * long as to copy some thousands of rows. So at most FEW rows, and one more
 * for each JUDGING_COSTS other rows, are judged alone. If more are refused, all
 * rows that are left are merged together. PARTS: a COPY that fails has been in
 * vain, so each takes only a part of the rows. NARROWING: if the server names
 * no line, the next COPY takes this part of the refused rows. */
enum { PARTS = 8, NARROWING = 16, JUDGING_COSTS = 4096, FEW = 2 };

/* The search for refused rows of one shape. The server names the line of the
 * COPY that it has refused, except for an error that comes at the end of the
 * statement, such as that of a foreign key. */
struct search {
	struct pg_sink *s;
	struct outcome *o;
	const struct shape *shape;
	size_t from;            /* the rows before this one are done */
	size_t size;            /* rows that the next COPY takes */
	size_t fence;           /* one of the rows from..fence-1 was refused */
	size_t done, judged;    /* rows of all shapes */
	bool staging;           /* the staging table exists */
};

/* An index tells which of two rows came first. So rows of several shapes may
 * not be copied shape by shape if the table has a unique index. */
static bool
shapes_are_independent(const struct pg_sink *s)
{
	if (pg_count_used_shapes(s) == 1)
		return true;
	for (size_t i = 0; i < s->target->table->n; i++)
		if (s->may_be_freed[i])
			return false;
	return !s->in_order;
}

bool
pg_may_copy_around_refused_rows(const struct pg_sink *s)
{
	return !s->refers_to_itself && !s->deferred &&
	    shapes_are_independent(s);
}

static int
stage_and_merge(struct search *f, struct err *e)
{
	struct pg_sink *s = f->s;

	if (!f->staging && pg_create_stage_table(s, false, e) == -1)
		return -1;
	f->staging = true;
	if (db_script(s->db, "SAVEPOINT etl_stage", e) == -1 ||
	    pg_copy_to_stage_and_merge(s, f->o, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "RELEASE SAVEPOINT etl_stage; "
	    "DELETE FROM " PG_STAGE "%s", s->target->suffix);
	return pg_run_sql_text(s, e);
}

/* Merges row i alone. The error belongs to the record only if the row is
 * refused once more, without other rows. */
static int
judge_row(struct search *f, size_t i, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int rc;

	pg_rows_take(r, i, i + 1);
	rc = stage_and_merge(f, e);
	r->v[i].done = true;
	pg_rows_take(r, 0, r->n);
	f->from = f->fence = i + 1;
	f->done++;
	f->judged++;
	return rc;
}

/* Called when the rows before row `to` were copied, `copied` of them stored. */
static void
note_copied_rows(struct search *f, size_t to, int64_t copied)
{
	struct pg_row *v = f->s->rows.v;
	size_t n = 0;

	for (; f->from < to; f->from++)
		if (v[f->from].shape == f->shape->id && !v[f->from].done) {
			v[f->from].done = true;
			n++;
		}
	f->done += n;
	f->o->sums.inserted += (uint64_t)copied;
	f->o->sums.unchanged += n - (uint64_t)copied;
}

/* Called when the server has refused one of the rows before row `to`. */
static int
narrow_or_judge(struct search *f, size_t to, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int64_t line = db_fault(f->s->db)->line;
	size_t suspect =
	    pg_find_row_of_copy_line(r, f->shape, f->from, line > 0 ? line : 1);

	if (db_script(f->s->db, PG_UNDO_PIECE, e) == -1)
		return -1;
	if (f->size == 1 || (line == 1 && suspect + 1 == f->fence))
		return judge_row(f, suspect, e);
	f->fence = line > 0 ? suspect + 1 : to > f->from ? to : r->n;
	f->size = line > 1 ? (size_t)line - 1 : line == 1 ? 1 :
	    (f->size + NARROWING - 1) / NARROWING;
	return 0;
}

static int
copy_next_rows(struct search *f, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int64_t before = r->copied;
	size_t at = f->from;
	int rc;

	if (stop_signal() != 0)
		return err_set(e, ERR_RETRY, false, "stopped by a signal");
	if (f->from >= f->fence) {
		f->size = (r->n + PARTS - 1) / PARTS;
		f->fence = r->n;
	}
	r->to = f->fence;
	rc = pg_copy_rows_in_savepoint(r, f->shape, false, &at, f->size, e);
	r->to = r->n;
	if (rc == 0)
		return narrow_or_judge(f, at, e);
	if (rc == 1)
		note_copied_rows(f, at, r->copied - before);
	return rc == -1 ? -1 : 0;
}

static bool
many_are_refused(const struct search *f)
{
	return f->judged > FEW && (f->judged - FEW) * JUDGING_COSTS > f->done;
}

int
pg_copy_around_refused_rows(
    struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct search f = { .s = s, .o = o };
	struct pg_rows *r = &s->rows;

	for (size_t i = 0; i < r->nshapes; i++) {
		f.shape = r->shapes[i];
		f.from = f.fence = r->used[i] ? 0 : r->n;
		while (f.from < r->n && !many_are_refused(&f))
			if (copy_next_rows(&f, e) == -1)
				return -1;
	}
	pg_rows_take(r, 0, r->n);
	return f.done == r->n ? 0 : stage_and_merge(&f, e);
}
