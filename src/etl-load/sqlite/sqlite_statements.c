#include "sqlite/sqlite_statements.h"

#include "sqlite/sqlite_sql.h"

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

static int
prepare(struct db *db, struct db_stmt **stmt, struct buf *text, struct err *e)
{
	int rc = -1;

	(void)buf_text(text);
	if (buf_check(text, e) == 0)
		rc = db_prepare(db, stmt, buf_text(text), e);
	buf_release(text);
	return rc;
}

int
lite_prepare(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, lite_statement_text *text, struct err *e)
{
	struct buf b;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	text(&b, s->target, shape);
	return prepare(s->db, stmt, &b, e);
}

int
lite_prepare_group(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, struct err *e)
{
	struct buf b;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	sqlite_put_insert_group(&b, s->target, shape, s->group_records);
	return prepare(s->db, stmt, &b, e);
}

/* A statement that inserts a group keeps a copy of each page that it changes:
 * in memory up to DB_STATEMENT_PAGES bytes, then in a file, which costs more
 * than the group saves. A record changes a page of each index. If no index
 * belongs to the primary key, the table itself may be in the order of the key,
 * and counts as one. Half of the memory is for pages that SQLite splits and for
 * their neighbours. From about 8 records on, a larger group saves little. */
int
lite_set_group_records(struct lite_store *s, struct err *e)
{
	static const char sql[] = "SELECT page_size * (SELECT count(*) + "
	    "(count(*) FILTER (WHERE origin = 'pk') = 0) "
	    "FROM pragma_index_list($1, $2)) FROM pragma_page_size";
	enum { RECORDS = 24, VALUES = 2000, PAGES = DB_STATEMENT_PAGES / 2 };
	const struct table *t = s->target->table;
	struct db_value v[] = { db_text(t->base), db_text(t->schema) };
	size_t n = VALUES / sqlite_room_of_record(s->target);
	int64_t changed;

	if (db_int(s->db, sql, v, 2, 0, &changed, e) == -1)
		return -1;
	if (changed > 0 && n > (size_t)(PAGES / changed))
		n = (size_t)(PAGES / changed);
	s->group_records = n > RECORDS ? RECORDS : n < 2 ? 0 : n;
	return 0;
}
