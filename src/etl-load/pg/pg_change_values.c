#include "pg/pg_change_values.h"

#include "pg/pg_copy_text.h"
#include "pg/pg_stage_sql.h"
#include "pg/pg_unchanged.h"

void
pg_put_change_values(struct buf *b, struct reader *r, struct buf *scratch)
{
	buf_char(b, pg_operation_letters[r->change.operation]);
	buf_char(b, '\t');
	if (r->change.moves) {
		reader_swap_key(r);
		pg_put_copy_values(b, r, r->shape, scratch);
		reader_swap_key(r);
		buf_char(b, '\t');
	}
	for (size_t i = 0; i < r->target->nkey && !r->change.moves; i++)
		buf_add(b, "\\N\t", 3);
}

int
pg_reject_old_key(struct reader *r, struct buf *scratch, struct reject *why,
    struct err *e)
{
	int rc;

	reader_swap_key(r);
	rc = pg_reject_changed(r, r->shape, scratch, why, e);
	reader_swap_key(r);
	return rc;
}
