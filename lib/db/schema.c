#include "base/buf.h"
#include "db/driver.h"

#include <stdlib.h>
#include <string.h>

/* Statements of sql/ write `{schema}.` before the name of a control table. */
static const char placeholder[] = "{schema}.";
enum { PLACEHOLDER = sizeof(placeholder) - 1 };

const char *
db_schema(const struct db *db)
{
	return db->schema_name;
}

size_t
db_put_schema(const struct db *db, struct buf *b, const char *at)
{
	if (strncmp(at, placeholder, PLACEHOLDER) != 0)
		return 0;
	if (db->schema_prefix != NULL)
		buf_str(b, db->schema_prefix);
	return PLACEHOLDER;
}

/* Returns an allocated copy of a statement in which each `{schema}.` is
 * replaced by the schema and a dot. */
static char *
fill_statement(const struct db *db, const char *sql, struct err *e)
{
	char *copy = NULL;
	const char *at;
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	while ((at = strstr(sql, placeholder)) != NULL) {
		buf_add(&b, sql, (size_t)(at - sql));
		sql = at + db_put_schema(db, &b, at);
	}
	buf_str(&b, sql);
	(void)buf_text(&b);
	if (buf_check(&b, e) == 0 && (copy = strdup(b.data)) == NULL)
		(void)err_nomem(e);
	buf_release(&b);
	return copy;
}

/* Does the same for all statements that have the placeholder. */
static int
fill_statements(struct db *db, struct err *e)
{
	const char *sql;

	if ((db->sql = calloc(SQL_COUNT, sizeof(*db->sql))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sql = db->driver->sql[i];
		if (sql == NULL || strstr(sql, placeholder) == NULL)
			continue;
		if ((db->sql[i] = fill_statement(db, sql, e)) == NULL)
			return -1;
	}
	return 0;
}

void
db_forget_schema(struct db *db)
{
	for (size_t i = 0; db->sql != NULL && i < SQL_COUNT; i++)
		free(db->sql[i]);
	free(db->sql);
	free(db->schema_name);
	free(db->schema_prefix);
	db->sql = NULL;
	db->schema_name = db->schema_prefix = NULL;
}

int
db_set_schema(struct db *db, const char *name, struct err *e)
{
	struct buf prefix;
	int rc;

	db_forget_schema(db);
	buf_init(&prefix, SIZE_MAX / 4);
	rc = db_quote_name(db, &prefix, name, strlen(name), e);
	buf_char(&prefix, '.');
	(void)buf_text(&prefix);
	if (rc == 0)
		rc = buf_check(&prefix, e);
	if (rc == 0 && ((db->schema_name = strdup(name)) == NULL ||
	    (db->schema_prefix = strdup(prefix.data)) == NULL))
		rc = err_nomem(e);
	buf_release(&prefix);
	if (rc == 0)
		rc = fill_statements(db, e);
	if (rc == -1)
		db_forget_schema(db);   /* so that a retry sets it again */
	return rc;
}

const char *
db_sql(const struct db *db, enum sql_id id)
{
	if (db->sql != NULL && db->sql[id] != NULL)
		return db->sql[id];
	return db->driver->sql[id];
}
