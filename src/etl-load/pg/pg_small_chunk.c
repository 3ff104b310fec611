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
prepare_merge_and_put_script(
    struct pg_sink *s, const struct shape *shape, struct err *e)
{
	const char *merge, *name;

	buf_clear(&s->sql);
	pg_put_merge_statement(&s->sql, s->target, shape, true,
	    pg_choose_staged_rows_and_order(s),
	    pg_shape_updates_first(s, shape));
	if ((merge = buf_text_or_fail(&s->sql, e)) == NULL ||
	    db_prepare_and_get_name(s->db, merge, &name, e) == -1)
		return -1;
	buf_clear(&s->sql);
	pg_put_delete_or_truncate_stage(&s->sql, s);
	buf_str(&s->sql, "; ");
	pg_put_copy_statement(&s->sql, s->target, shape, true,
	    pg_next_row_is_binary(&s->rows, shape, s->rows.from));
	buf_printf(&s->sql, "; EXECUTE %s; RELEASE SAVEPOINT etl_chunk", name);
	return 0;
}

static int
load_by_script_and_count(struct pg_sink *s, const struct shape *shape,
    struct sums *sums, struct err *e)
{
	int64_t n[2] = { 0 };       /* written, inserted */
	const char *script;

	if (prepare_merge_and_put_script(s, shape, e) == -1 ||
	    (script = buf_text_or_fail(&s->sql, e)) == NULL ||
	    db_copy_begin(s->db, script, e) == -1 ||
	    pg_send_rows_of_shape_in_open_copy(
		&s->rows, shape, true, e) == -1 ||
	    db_copy_end_and_read_numbers(s->db, n, 2, e) == -1)
		return -1;
	sums->inserted += (uint64_t)n[1];
	sums->updated += (uint64_t)(n[0] - n[1]);
	return 0;
}

int
pg_try_load_small_chunk(struct pg_sink *s, struct outcome *o, struct err *e)
{
	struct sums sums = { 0 };
	int rc;

	if (s->rows.n == 0 || !pg_rows_are_all_text_or_all_binary(&s->rows) ||
	    !pg_may_merge_by_one_statement(s))
		return 0;
	rc = load_by_script_and_count(s, pg_find_first_used_shape(s), &sums, e);
	if (rc == -1)
		return pg_roll_back_merge_if_refused(s, o, "etl_chunk", e);
	return pg_count_merged_chunk(s, o, &sums, e) == -1 ? -1 : 1;
}
