#include "pg/pg_fault.h"
#include "pg/pg_sink.h"
#include "pg/pg_sql.h"
#include "pg/pg_stage_sql.h"

#include <string.h>

/* A chunk with more rows or bytes is large: its rows are copied while they are
 * made. */
enum { SMALL_ROWS = 1000, SMALL_BYTES = 1 << 20 };

bool
pg_chunk_is_small(const struct pg_sink *s, const struct spool *chunk)
{
	const struct target *t = s->target;

	return s->staging && !t->swaps && !t->mode->changes &&
	    !t->mode->history && !t->keeps_images && !s->notes_keys &&
	    t->seen == NO_COLUMN && !s->one_by_one && !s->deferred &&
	    chunk->n <= SMALL_ROWS && chunk->data.len <= SMALL_BYTES;
}

/* Makes the script of a small chunk. The merge statement is prepared once and
 * then executed by name, because planning it takes longer than merging a few
 * rows. */
static int
make_script(struct pg_sink *s, const struct shape *shape, struct err *e)
{
	const char *merge, *name;

	buf_clear(&s->sql);
	pg_put_merge(&s->sql, s->target, shape, true, pg_choose_rows(s),
	    pg_shape_updates_first(s, shape));
	if ((merge = buf_finish(&s->sql, e)) == NULL ||
	    db_prepare_named(s->db, merge, &name, e) == -1)
		return -1;
	buf_clear(&s->sql);
	pg_put_empty_stage(&s->sql, s);
	buf_str(&s->sql, "; ");
	pg_put_copy(&s->sql, s->target, shape, true,
	    pg_next_is_binary(&s->rows, shape, s->rows.from));
	buf_printf(&s->sql, "; EXECUTE %s; RELEASE SAVEPOINT etl_chunk", name);
	return 0;
}

/* Adds the inserted and updated rows to *sums. */
static int
load_by_script(struct pg_sink *s, const struct shape *shape, struct sums *sums,
    struct err *e)
{
	int64_t n[2] = { 0 };       /* written, inserted */
	const char *script;

	if (make_script(s, shape, e) == -1 ||
	    (script = buf_finish(&s->sql, e)) == NULL ||
	    db_copy_begin(s->db, script, e) == -1 ||
	    pg_send_rows(&s->rows, shape, true, e) == -1 ||
	    db_copy_end_script(s->db, n, 2, e) == -1)
		return -1;
	sums->inserted += (uint64_t)n[1];
	sums->updated += (uint64_t)(n[0] - n[1]);
	return 0;
}

int
pg_try_small_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct sums sums = { 0 };
	int rc;

	if (s->rows.n == 0 || !pg_rows_one_format(&s->rows) ||
	    !pg_may_merge_at_once(s))
		return 0;
	rc = load_by_script(s, pg_first_shape(s), &sums, e);
	if (rc == -1)
		return pg_roll_back_merge(s, o, "etl_chunk", e);
	return pg_count_merged(s, o, &sums, e) == -1 ? -1 : 1;
}
