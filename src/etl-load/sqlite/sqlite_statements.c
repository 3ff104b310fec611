#include "sqlite/sqlite_statements.h"

#include "sqlite/sqlite_sql.h"

#include <stdlib.h>

void
lite_free_statements(struct lite_store *s)
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
		db_stmt_free(s->by_shape[i].late);
		db_stmt_free(s->by_shape[i].late_delete);
		db_stmt_free(s->by_shape[i].late_move);
		lite_history_free(&s->by_shape[i].history);
	}
	free(s->by_shape);
	s->by_shape = NULL;
	s->nshapes = 0;
}

/* Frees the text. */
static int
prepare_text(struct db *db, struct db_stmt **stmt, struct buf *text,
    struct err *e)
{
	int rc = -1;

	(void)buf_text(text);
	if (buf_check(text, e) == 0)
		rc = db_prepare(db, stmt, buf_text(text), e);
	buf_release(text);
	return rc;
}

int
lite_prepare_once(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, lite_statement_text *text, struct err *e)
{
	struct buf b;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	text(&b, s->target, shape);
	return prepare_text(s->db, stmt, &b, e);
}

int
lite_prepare_group(struct lite_store *s, struct db_stmt **stmt,
    const struct shape *shape, struct err *e)
{
	struct buf b;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	sqlite_put_insert_group(
	    &b, s->target, shape, s->group_records, s->group_aborts);
	return prepare_text(s->db, stmt, &b, e);
}

/* Sets s->group_aborts to true if a group must be inserted as a whole or not at
 * all. This is so if SQLite does work at the end of a statement, which a
 * failure would skip: checking foreign keys, and storing the highest number of
 * an AUTOINCREMENT column. Otherwise, the records before a refused record may
 * stay inserted. */
static int
set_group_aborts(struct lite_store *s, struct err *e)
{
	static const char sql[] =
	    "SELECT EXISTS (SELECT 1 FROM pragma_foreign_key_list($1, $2))"
	    " OR EXISTS (SELECT 1 FROM (SELECT name, sql FROM sqlite_schema"
	    " UNION ALL SELECT name, sql FROM sqlite_temp_schema)"
	    " WHERE name = $1 COLLATE NOCASE AND sql LIKE '%AUTOINCREMENT%')";
	const struct table *t = s->target->table;
	struct db_value v[] = { db_text(t->base), db_text(t->schema) };
	int64_t aborts;

	if (db_query_int(s->db, sql, v, 2, 0, &aborts, e) == -1)
		return -1;
	s->group_aborts = aborts != 0;
	return 0;
}

/* Limits the number of records in a group that is inserted as a whole or not at
 * all. For such a statement SQLite keeps a copy of each page that it changes:
 * in memory up to DB_STATEMENT_PAGES bytes, then in a file, which takes more
 * time than the group saves.
 * Each record changes about one page of each index. If the primary key has no
 * index, the table itself may be in the order of the key, and counts as an
 * index. Half of the memory is left for pages that SQLite splits, and for their
 * neighbours. */
static int
limit_group(struct lite_store *s, size_t *records, struct err *e)
{
	static const char sql[] = "SELECT page_size * (SELECT count(*) + "
	    "(count(*) FILTER (WHERE origin = 'pk') = 0) "
	    "FROM pragma_index_list($1, $2)) FROM pragma_page_size";
	enum { PAGES = DB_STATEMENT_PAGES / 2 };
	const struct table *t = s->target->table;
	struct db_value v[] = { db_text(t->base), db_text(t->schema) };
	int64_t changed;

	if (db_query_int(s->db, sql, v, 2, 0, &changed, e) == -1)
		return -1;
	if (changed > 0 && *records > (size_t)(PAGES / changed))
		*records = (size_t)(PAGES / changed);
	return 0;
}

int
lite_set_group_size(struct lite_store *s, struct err *e)
{
	enum { RECORDS = 64, VALUES = 2000 };
	size_t n = VALUES / sqlite_max_values(s->target);

	if (set_group_aborts(s, e) == -1 ||
	    (s->group_aborts && limit_group(s, &n, e) == -1))
		return -1;
	s->group_records = n > RECORDS ? RECORDS : n < 2 ? 0 : n;
	return 0;
}

/* Sets s->may_leave_changes to true if a refused record may leave some of its
 * changes in the database. This is so if the database has a trigger, or a table
 * with ON CONFLICT FAIL. An upsert runs an INSERT and then an UPDATE: if the
 * UPDATE fails, the changes of a trigger on INSERT stay. ON CONFLICT FAIL and
 * RAISE(FAIL) keep the changes that the failed statement itself has made. */
static int
read_leaves_changes(struct lite_store *s, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM (SELECT type, sql FROM "
	    "sqlite_schema UNION ALL SELECT type, sql FROM sqlite_temp_schema) "
	    "WHERE type = 'trigger' OR sql LIKE '%CONFLICT%FAIL%'";
	int64_t n;

	if (db_query_int(s->db, sql, NULL, 0, 0, &n, e) == -1)
		return -1;
	s->may_leave_changes = n > 0;
	return 0;
}

static int
read_self_reference(struct lite_store *s, struct err *e)
{
	static const char sql[] = "SELECT count(*) FROM "
	    "pragma_foreign_key_list($1) WHERE \"table\" = $1 COLLATE NOCASE";
	struct db_value v = db_text(s->target->table->base);
	int64_t n;

	if (db_query_int(s->db, sql, &v, 1, 0, &n, e) == -1)
		return -1;
	/* In --mode cdc no record waits for a later one, because changes must
	 * be applied in their order. */
	s->refers_to_itself = n > 0 && !s->target->mode->changes;
	return 0;
}

int
lite_read_traits(struct lite_store *s, struct err *e)
{
	return read_leaves_changes(s, e) == -1 ? -1 : read_self_reference(s, e);
}
