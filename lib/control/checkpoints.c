#include "control/checkpoints.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int
checkpoint_check_name(const char *name, size_t len, struct err *e)
{
	const char *why = len == 0 ? "empty" :
	    len > CHECKPOINT_NAME ? "longer than 512 bytes" :
	    memchr(name, '\0', len) != NULL ? "with a NUL in it" :
	    utf8_valid_length(name, len) != len ? "not UTF-8" : NULL;

	if (why == NULL)
		return 0;
	return err_set(e, ERR_USAGE, false, "the name of the checkpoint is %s: "
	    "give a name of 1 to 512 bytes of UTF-8", why);
}

static int
check_name_string(const char *name, struct err *e)
{
	return checkpoint_check_name(name, strlen(name), e);
}

/* Checks that a stored checkpoint value is NULL or a UTF-8 text. It can be
 * something else: a user may have written the row by hand, and SQLite stores a
 * value of any type in any column. */
static int
check_stored_value(const struct db_value *v, const char *name, struct err *e)
{
	if (v->type == DB_NULL || (v->type == DB_TEXT &&
	    memchr(v->p, '\0', v->len) == NULL &&
	    utf8_valid_length(v->p, v->len) == v->len))
		return 0;
	return err_set(e, ERR_CONFIG, false, "checkpoint %s: its stored value "
	    "is not a text: set it again with etl-checkpoint set", name);
}

/* Sets *value and *version to those of the row. *value stays NULL if the row
 * has none. */
static int
copy_stored_value(struct db_rows *r, const char *name, char **value,
    int64_t *version, struct err *e)
{
	struct db_value v = db_column(r, 0);

	*version = db_column(r, 1).i;
	if (check_stored_value(&v, name, e) == -1)
		return -1;
	if (v.type == DB_NULL)
		return 0;
	*value = strndup(v.p, v.len);
	return *value == NULL ? err_nomem(e) : 0;
}

int
checkpoint_read(struct db *db, const char *name, char **value,
    int64_t *version, struct err *e)
{
	struct db_value v = db_text(name);
	struct db_rows *r;
	int rc;

	*value = NULL;
	*version = 0;
	if (check_name_string(name, e) == -1 || db_query(db, &r,
	    db_sql(db, SQL_CHECKPOINT_READ), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		rc = copy_stored_value(r, name, value, version, e);
	db_end(r);
	return rc;
}

int
checkpoint_validators(struct db *db, const char *name, char **validators,
    struct err *e)
{
	struct db_value v = db_text(name);
	struct db_rows *r;
	int rc;

	*validators = NULL;
	if (db_query(db, &r, db_sql(db, SQL_CHECKPOINT_READ_VALIDATORS), &v, 1,
	    e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		v = db_column(r, 0);
		if (v.type == DB_TEXT &&
		    (*validators = strndup(v.p, v.len)) == NULL)
			rc = err_nomem(e);
	}
	db_end(r);
	return rc == -1 ? -1 : 0;
}

int
checkpoint_set(struct db *db, const char *name, const char *value,
    struct err *e)
{
	struct db_value v[] = { db_text(name), db_text(value) };

	if (check_name_string(name, e) == -1)
		return -1;
	return db_run(db, db_sql(db, SQL_CHECKPOINT_SET), v, 2, NULL, e);
}

int
checkpoint_clear(struct db *db, const char *name, struct err *e)
{
	struct db_value v = db_text(name);
	int64_t changed = 0;

	if (check_name_string(name, e) == -1 || db_run(db,
	    db_sql(db, SQL_CHECKPOINT_CLEAR), &v, 1, &changed, e) == -1)
		return -1;
	if (changed == 1)
		return db_run(
		    db, db_sql(db, SQL_FILES_FORGET), &v, 1, NULL, e);
	return err_set(e, ERR_LIMIT, false, "%s: no such checkpoint in %s",
	    name, db_name(db));
}

struct checkpoints {
	struct db_rows *rows;
};

int
checkpoints_open(struct checkpoints **out, struct db *db, struct err *e)
{
	struct checkpoints *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_nomem(e);
	if (db_query(db, &l->rows, db_sql(db, SQL_CHECKPOINT_LIST), NULL, 0,
	    e) == -1) {
		free(l);
		return -1;
	}
	*out = l;
	return 0;
}

/* Returns the text of column i, or NULL if it is no text. */
static const char *
column_text(const struct checkpoints *l, size_t i)
{
	struct db_value v = db_column(l->rows, i);

	return v.type == DB_TEXT ? v.p : NULL;
}

int
checkpoints_next(struct checkpoints *l, struct checkpoint *c, struct err *e)
{
	int rc = db_next(l->rows, e);
	struct db_value value;

	if (rc != 1)
		return rc;
	*c = (struct checkpoint){ .name = column_text(l, 0),
	    .value = column_text(l, 1),
	    .version = db_column(l->rows, 2).i, .seq = db_column(l->rows, 3).i,
	    .run = column_text(l, 4),
	    .updated_at = column_text(l, 5) };
	if (c->name == NULL)
		return err_set(e, ERR_CONFIG, false, "etl_checkpoints: a row "
		    "has a name that is not a text: correct or delete the row "
		    "where typeof(name) <> 'text'");
	value = db_column(l->rows, 1);
	return check_stored_value(&value, c->name, e) == -1 ? -1 : 1;
}

void
checkpoints_close(struct checkpoints *l)
{
	if (l == NULL)
		return;
	db_end(l->rows);
	free(l);
}

/* Sets the error for a checkpoint that another process has changed: its stored
 * version is not the expected one. The message has both versions. */
static enum checkpoint_result
set_race_error(struct db *db, const struct checkpoint_move *m, struct err *e)
{
	struct db_value v = db_text(m->name);
	int64_t version;

	if (db_query_int(db, db_sql(db, SQL_CHECKPOINT_VERSION), &v, 1, 0,
	    &version, e) == -1)
		return CHECKPOINT_FAILED;
	(void)err_set(e, ERR_RETRY, false, "checkpoint %s: its version is %"
	    PRId64 ", but %" PRId64 " was expected: another run or "
	    "etl-checkpoint has changed it since this run started, or "
	    "etl-extract and etl-load use different databases: give both the "
	    "same --db, and etl-extract no --state", m->name,
	    version, m->expected);
	return CHECKPOINT_LOST;
}

/* Keeps other programs from creating the checkpoint before this transaction
 * ends: inserts its row and deletes it again. Until the transaction ends, the
 * unique index makes another INSERT of the same name wait. */
static int
lock_missing_name(struct db *db, const struct checkpoint_move *m,
    int64_t *was_missing, struct err *e)
{
	struct db_value none = db_text(NULL), v[] = { db_text(m->name), none,
	    DB_I(0), none, none };

	if (db_run(db, db_sql(db, SQL_CHECKPOINT_INSERT), v, 5, was_missing,
	    e) == -1)
		return -1;
	return *was_missing == 0
		   ? 0
		   : db_run(db, db_sql(db, SQL_CHECKPOINT_DELETE_PLACEHOLDER),
			 v, 1, NULL, e);
}

/* Inserts the row if the expected version is 0, else changes it. *changed_rows
 * is 0 if the stored version is not the expected one. */
static int
store_move(struct db *db, const struct checkpoint_move *m,
    int64_t *changed_rows, struct err *e)
{
	bool first = m->expected == 0;
	struct db_value v[] = { db_text(m->name), db_text(m->value),
	    DB_I(first ? 1 : m->expected), DB_I(m->seq), db_text(m->run) };

	if (db_run(db, db_sql(db, first ? SQL_CHECKPOINT_INSERT :
	    SQL_CHECKPOINT_MOVE), v, 5, changed_rows, e) == -1)
		return -1;
	if (*changed_rows == 0 || (first && m->validators == NULL))
		return 0;
	v[1] = db_text(m->validators);
	return db_run(db, db_sql(db, SQL_CHECKPOINT_STORE_VALIDATORS), v, 2,
	    NULL, e);
}

enum checkpoint_result
checkpoint_move(struct db *db, const struct checkpoint_move *m,
    struct err *e)
{
	struct db_value v[] = { db_text(m->name), DB_I(m->expected) };
	int64_t found = 0;      /* 0: the stored version is not the expected
	                         * one */
	int rc;

	if (check_name_string(m->name, e) == -1)
		return CHECKPOINT_FAILED;
	if (m->moves)
		rc = store_move(db, m, &found, e);
	else if (m->expected == 0)
		rc = lock_missing_name(db, m, &found, e);
	else
		rc = db_query_int(db, db_sql(db, SQL_CHECKPOINT_LOCK), v, 2, 0,
		    &found, e);
	if (rc == -1)
		return CHECKPOINT_FAILED;
	return found == 1 ? CHECKPOINT_MOVED : set_race_error(db, m, e);
}
