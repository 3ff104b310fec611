#include "create/create_table.h"

#include "create/create_sql.h"
#include "table/target.h"

#include <string.h>

/* Opens the target only to check that the options fit the new table. */
static int
try_target(struct db *db, const struct load_opts *o, struct err *e)
{
	struct target t;
	int rc = target_open(&t, db, o, e);

	target_close(&t);
	return rc;
}

int
create_table(struct sample *s, struct db *db, struct buf *ddl, struct err *e)
{
	size_t at = ddl->len;

	if (create_add_columns(s, e) == -1 ||
	    create_put_sql(ddl, db, s, e) == -1)
		return -1;
	if (db_script(db, buf_text(ddl) + at, e) == 0)
		return try_target(db, s->o, e);
	if (e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	err_prefix(e, "--create: table %s", s->o->table);
	return -1;
}

/* Creates the table in a transaction of its own. */
static int
create_committed(struct sample *s, struct db *db, struct err *e)
{
	struct buf ddl;
	int rc = -1;

	buf_init(&ddl, SIZE_MAX / 4);
	if (db_begin(db, e) == 0) {
		rc = create_table(s, db, &ddl, e);
		if (rc == 0)
			rc = db_commit(db, e);
		if (rc == -1)
			db_rollback(db);
	}
	buf_release(&ddl);
	return rc;
}

/* If another program has made the table in the meantime, CREATE TABLE fails,
 * with several different errors. So any error counts as success if the table
 * exists now. */
static int
create_once(struct sample *s, struct db *db, struct err *e)
{
	struct err none;
	bool exists = false;

	if (create_committed(s, db, e) == 0)
		return 0;
	if (e->transient || db_fault(db)->lost ||
	    table_check_exists(db, s->o->table, &exists, &none) == -1)
		return -1;
	return exists ? 0 : -1;
}

static int
fail_no_columns(const struct sample *s, struct err *e)
{
	if (s->records == 0)
		return err_set(e, ERR_DATA, false, "--create: the first %d MiB "
		    "of the input have no record from which table %s could get "
		    "its columns: create the table yourself, or give --ddl "
		    "FILE",
		    SAMPLE_BYTES >> 20, s->o->table);
	return err_set(e, ERR_DATA, false, "--create: none of the first %llu "
	    "records is %s: table %s was not created; create it yourself, or "
	    "give --ddl FILE",
	    (unsigned long long)s->records, s->good == 0 && s->mode->changes ?
	    "a change with the members of a row" :
	    "a JSON object with members", s->o->table);
}

int
create_read_sample(struct sample *s, struct db *db, struct stage *stage,
    enum table_state *state, struct err *e)
{
	bool exists;

	if (table_check_exists(db, s->o->table, &exists, e) == -1 ||
	    (!exists && !s->read && sample_read(s, stage, e) == -1))
		return -1;
	*state = exists ? TABLE_EXISTS :
	    s->no_input ? TABLE_ABSENT : TABLE_MISSING;
	return *state == TABLE_MISSING &&
	    (s->good == 0 || s->columns.n == 0) ? fail_no_columns(s, e) : 0;
}

int
create_ensure_table(struct sample *s, struct db *db,
    struct stage *stage, bool *absent, struct err *e)
{
	enum table_state state;

	if (create_read_sample(s, db, stage, &state, e) == -1)
		return -1;
	*absent = state == TABLE_ABSENT;
	return state == TABLE_MISSING ? create_once(s, db, e) : 0;
}
