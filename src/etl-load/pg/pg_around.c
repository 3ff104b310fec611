#include "pg/pg_sink.h"

#include "base/stop.h"
#include "pg/pg_sql.h"

/* Merging one row alone, and starting another COPY after it, takes about as
 * long as copying some thousands of rows. So the search merges at most FEW rows
 * alone, and one more for each JUDGING_COSTS other rows. If the server refuses
 * more rows, all remaining rows are merged together.
 * If a COPY fails, the server has stored none of its rows. So each COPY has
 * only one of PARTS parts of the chunk. If a COPY fails and the server names no
 * line, the next COPY has only one of NARROWING parts of these rows. */
enum { PARTS = 8, NARROWING = 16, JUDGING_COSTS = 4096, FEW = 2 };

/* The search for refused rows of one shape. For most errors the server names
 * the line of the COPY that it has refused. It names no line if it finds the
 * error at the end of the statement: an error of a foreign key, for example. */
struct search {
	struct pg_sink *s;
	struct outcome *o;
	const struct shape *shape;
	size_t from;            /* the rows before this one are done */
	size_t size;            /* rows that the next COPY takes */
	size_t fence;           /* end of these rows: after a refusal, one
	                         * of from..fence-1 was refused */
	size_t done, judged;    /* rows of all shapes; judged: merged alone */
	bool staging;           /* the staging table exists */
};

/* Copying the rows shape by shape changes their order. If two rows have the
 * same value in a unique index, the index accepts the row that comes first. So
 * this returns false if the rows have several shapes and the table has such an
 * index. */
static bool
may_copy_by_shape(const struct pg_sink *s)
{
	if (pg_count_shapes(s) == 1)
		return true;
	for (size_t i = 0; i < s->target->table->n; i++)
		if (s->may_be_freed[i])
			return false;
	return !s->in_order;
}

bool
pg_may_copy_around(const struct pg_sink *s)
{
	return !s->refers_to_itself && !s->deferred && may_copy_by_shape(s);
}

/* Copies the selected rows to the staging table, merges them and empties the
 * staging table. */
static int
merge_selected(struct search *f, struct err *e)
{
	struct pg_sink *s = f->s;

	if (!f->staging && pg_create_stage(s, false, e) == -1)
		return -1;
	f->staging = true;
	if (db_script(s->db, "SAVEPOINT etl_stage", e) == -1 ||
	    pg_merge_by_stage(s, f->o, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "RELEASE SAVEPOINT etl_stage; "
	    "DELETE FROM " PG_STAGE "%s", s->target->suffix);
	return pg_run_script(s, e);
}

/* Merges row i alone, and rejects its record if the server refuses the row
 * again. Only a refusal without other rows shows that this record is the
 * cause. */
static int
merge_alone(struct search *f, size_t row, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int rc;

	pg_rows_select(r, row, row + 1);
	rc = merge_selected(f, e);
	r->v[row].done = true;
	pg_rows_select(r, 0, r->n);
	f->from = f->fence = row + 1;
	f->done++;
	f->judged++;
	return rc;
}

/* Marks the rows before row `to` as done. COPY has stored `copied` of them. A
 * trigger has suppressed the others: they count as unchanged. */
static void
mark_copied(struct search *f, size_t to, int64_t copied)
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

/* Called after the server has refused a COPY of rows before row `to`. Rolls it
 * back. If only one row can be the cause, merges this row alone. Otherwise the
 * next COPY gets fewer rows. */
static int
narrow_search(struct search *f, size_t to, struct err *e)
{
	struct pg_rows *r = &f->s->rows;
	int64_t line = db_fault(f->s->db)->line;
	size_t suspect =
	    pg_find_copy_row(r, f->shape, f->from, line > 0 ? line : 1);

	if (db_script(f->s->db, PG_UNDO_PIECE, e) == -1)
		return -1;
	if (f->size == 1 || (line == 1 && suspect + 1 == f->fence))
		return merge_alone(f, suspect, e);
	f->fence = line > 0 ? suspect + 1 : to > f->from ? to : r->n;
	f->size = line > 1 ? (size_t)line - 1 : line == 1 ? 1 :
	    (f->size + NARROWING - 1) / NARROWING;
	return 0;
}

/* If the server refuses a row, narrows the search for it. */
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
	rc = pg_try_copy(r, f->shape, false, &at, f->size, e);
	r->to = r->n;
	if (rc == 0)
		return narrow_search(f, at, e);
	if (rc == 1)
		mark_copied(f, at, r->copied - before);
	return rc == -1 ? -1 : 0;
}

static bool
too_many_alone(const struct search *f)
{
	return f->judged > FEW && (f->judged - FEW) * JUDGING_COSTS > f->done;
}

int
pg_copy_around(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct search f = { .s = s, .o = o };
	struct pg_rows *r = &s->rows;

	for (size_t i = 0; i < r->nshapes; i++) {
		f.shape = r->shapes[i];
		f.from = f.fence = r->used[i] ? 0 : r->n;
		while (f.from < r->n && !too_many_alone(&f))
			if (copy_next_rows(&f, e) == -1)
				return -1;
	}
	pg_rows_select(r, 0, r->n);
	return f.done == r->n ? 0 : merge_selected(&f, e);
}
