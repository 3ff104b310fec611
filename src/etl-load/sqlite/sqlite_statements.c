#include "sqlite/sqlite_statements.h"

#include <stdlib.h>

void
lite_store_free_statements(struct lite_store *s)
{
	for (size_t i = 0; i < s->nshapes; i++) {
		db_stmt_free(s->by_shape[i].insert);
		db_stmt_free(s->by_shape[i].insert_group);
		db_stmt_free(s->by_shape[i].update);
		db_stmt_free(s->by_shape[i].seen);
		db_stmt_free(s->by_shape[i].newer);
		db_stmt_free(s->by_shape[i].find);
		db_stmt_free(s->by_shape[i].move);
		db_stmt_free(s->by_shape[i].remove);
		lite_history_free(&s->by_shape[i].history);
	}
	free(s->by_shape);
	s->by_shape = NULL;
	s->nshapes = 0;
}

int
lite_prepare(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, lite_statement_text *text, struct err *e)
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
