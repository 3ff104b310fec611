#include "control/control.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "control/letters.h"
#include "db/db.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Two programs may try to create the schema at the same time. So each first
 * takes the lock of the control tables, and then creates the schema only if it
 * still does not exist. */
static int
create_schema(struct db *db, const char *name, struct err *e)
{
	struct db_value v = db_text(name);
	int64_t present = 0;
	struct buf sql;
	int rc = -1;

	buf_init(&sql, SIZE_MAX / 4);
	buf_str(&sql, "CREATE SCHEMA ");
	if (db_quote_name(db, &sql, name, strlen(name), e) == -1)
		goto out;
	(void)buf_text(&sql);
	if (buf_check(&sql, e) == -1 || db_begin(db, e) == -1)
		goto out;
	if (db_run(db, db_sql(db, SQL_CONTROL_LOCK), NULL, 0, NULL,
	    e) == 0 &&
	    db_query_int(db, db_sql(db, SQL_CONTROL_SCHEMA_PRESENT), &v, 1, 0,
	    &present, e) == 0 &&
	    (present > 0 || db_script(db, sql.data, e) == 0) &&
	    db_commit(db, e) == 0)
		rc = 0;
	else {
		err_prefix(e, "%s", name);
		db_rollback(db);
	}
out:
	buf_release(&sql);
	return rc;
}

static int
refuse_table(struct db *db, const struct db_rows *r, struct err *e)
{
	const char *table = db_column(r, 2).p, *owner = db_column(r, 4).p;

	if (db_column(r, 3).i == 1)
		return err_set(e, ERR_DENIED, false, "the control table %s.%s "
		    "has a trigger whose function belongs to the role %s, "
		    "which could run its own commands as your role: drop the "
		    "trigger, or name another schema with --control-schema",
		    db_schema(db), table, owner);
	return err_set(e, ERR_DENIED, false, "the control table %s.%s belongs "
	    "to the role %s, which could run its own commands as your role: "
	    "drop the table, or change its owner to your role, or name another "
	    "schema with --control-schema", db_schema(db), table, owner);
}

/* Uses the row that the statement control_owners has returned. Calls
 * db_set_schema() if the schema exists and no earlier call has set it. Fails if
 * the row names a table that belongs to another role. */
static int
set_schema(struct db *db, const struct db_rows *r, bool *present, struct err *e)
{
	*present = db_column(r, 1).i != 0;
	if (db_column(r, 0).type != DB_NULL && db_schema(db) == NULL &&
	    db_set_schema(db, db_column(r, 0).p, e) == -1)
		return -1;
	return db_column(r, 2).type == DB_NULL ? 0 : refuse_table(db, r, e);
}

/* Sets the schema if it exists, and fails if a control table belongs to another
 * role. `name` may be NULL. A single statement finds the schema and reads the
 * owners of its tables: this saves a round trip to the server at each start of
 * a program. */
static int
check_owners(struct db *db, const char *name, bool renamed_too, bool *present,
    struct err *e)
{
	struct db_value v[] = { db_text(name), DB_I(renamed_too) };
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_CONTROL_OWNERS), v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		rc = set_schema(db, r, present, e);
	db_end(r);
	return rc;
}

static int
create_missing_schema(
    struct db *db, const char *name, bool creates_missing_schema, struct err *e)
{
	if (name == NULL)
		return err_set(e, ERR_CONFIG, false, "%s: no schema of the "
		    "search_path exists, so there is no place for the control "
		    "tables: name a schema with --control-schema", db_name(db));
	if (!creates_missing_schema)
		return err_set(e, ERR_CONFIG, false, "%s has no schema %s, "
		    "which --control-schema or ETL_CONTROL_SCHEMA names",
		    db_name(db), name);
	return create_schema(db, name, e) == -1 ? -1 :
	    db_set_schema(db, name, e);
}

/* Returns the value of ETL_CONTROL_SCHEMA, or NULL if it is not set or
 * empty. */
static const char *
schema_from_env(void)
{
	const char *name = getenv("ETL_CONTROL_SCHEMA");

	return name != NULL && *name != '\0' ? name : NULL;
}

/* Finds the schema and calls db_set_schema(), unless an earlier call has done
 * so. Then checks the owner of each control table and of the functions of its
 * triggers. Allowed owners are the current role, a role of which it is a
 * member, and the owner of the database. Any other owner could have its own
 * commands executed as the current role, so the call fails with ERR_DENIED.
 * *present is false if there is no table etl_control. With SQLite, which has no
 * schemas and no roles, *present is always true. */
static int
control_use_schema(struct db *db, const char *name, bool creates_missing_schema,
    bool *present, struct err *e)
{
	*present = true;
	if (db_kind(db) == DB_SQLITE)
		return name == NULL ? 0 : err_set(e, ERR_USAGE, false,
		    "--control-schema: %s is an SQLite file, which has no "
		    "schemas: leave the option out", db_name(db));
	if (db_schema(db) != NULL)
		name = db_schema(db);
	else if (name == NULL)
		name = schema_from_env();
	else if (*name == '\0')
		name = NULL;
	if (check_owners(db, name, false, present, e) == -1)
		return -1;
	return db_schema(db) != NULL ? 0 :
	    create_missing_schema(db, name, creates_missing_schema, e);
}

/* Repeats only the check of the owners, after the schema was found. If
 * renamed_too is true, also checks the tables of another tool that
 * old_tables_rename() has renamed. */
static int
control_check_owners(struct db *db, bool renamed_too, struct err *e)
{
	bool ignored;

	return db_kind(db) == DB_SQLITE ? 0 :
	    check_owners(
	    db, db_schema(db), renamed_too, &ignored, e);
}

struct old_tables {
	bool runs, letters;     /* the old table exists */
};

enum { PAGE = 500, COLUMNS = 8 };

/* Stage and code of the rows that are copied from another tool's table
 * dead_letters, which does not have these columns. */
static const char unknown[] = "unknown";

static const char *const run_columns[COLUMNS] = { "id", "started_at",
	"completed_at", "status", "records_extracted", "records_loaded",
	"errors", "error_message" };
static const char *const letter_columns[COLUMNS] = { "id", "pipeline_run_id",
	"raw_data", "error_message", "created_at", NULL };

/* Sets *exists to true if another tool has created a table of this name. Fails
 * if that table lacks one of `columns`, which will be copied. Also fails if it
 * has the column `ours`: etl itself has then created it. */
static int
find_old_table(struct db *db, const char *name, const char *const *columns,
    const char *ours, bool *exists, struct err *e)
{
	struct db_value v[] = { db_text(name), db_text(db_schema(db)) };
	size_t params = db_schema(db) != NULL ? 2 : 1;
	bool has[COLUMNS] = { false }, own = false;
	struct db_rows *r;
	int rc;

	*exists = false;
	if (db_query(db, &r, db_sql(db, SQL_CONTROL_COLUMNS), v, params,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		*exists = true;
		own |= strcmp(db_column(r, 0).p, ours) == 0;
		for (size_t i = 0; i < COLUMNS && columns[i] != NULL; i++)
			if (strcmp(db_column(r, 0).p, columns[i]) == 0)
				has[i] = true;
	}
	db_end(r);
	if (rc == 0 && own)
		return err_set(e, ERR_CONFIG, false, "%s: the table exists, "
		    "but etl_control, which holds its version, does not: "
		    "restore etl_control, or rename the table", name);
	for (size_t i = 0; rc == 0 && *exists && i < COLUMNS &&
	    columns[i] != NULL; i++)
		if (!has[i])
			rc = err_set(e, ERR_CONFIG, false, "%s: a table of "
			    "this name exists, but it is not a table of etl: "
			    "it has no column %s; rename it", name,
			    columns[i]);
	return rc;
}

static int
old_tables_rename(struct old_tables *o, struct db *db, struct err *e)
{
	*o = (struct old_tables){ false, false };
	if (find_old_table(db, "pipeline_runs", run_columns, "renewed_at",
	    &o->runs, e) == -1 ||
	    find_old_table(db, "dead_letters", letter_columns, "reject_id",
	    &o->letters, e) == -1)
		return -1;
	if (o->runs &&
	    db_script(db, db_sql(db, SQL_CONTROL_RENAME_OLD_RUNS), e) == -1)
		return -1;
	if (o->letters &&
	    db_script(db, db_sql(db, SQL_CONTROL_RENAME_OLD_LETTERS), e) == -1)
		return -1;
	return 0;
}

/* Appends the member "id" of a reject line as reject_id_record() computes it:
 * the SHA-256 of pipeline (here empty), stage and record bytes. If the old row
 * has no record bytes, its row number is hashed, too; otherwise all such rows
 * would get the same id and be stored as a single row. */
static int
append_reject_id(
    struct buf *b, const struct db_value *raw, int64_t id, struct err *e)
{
	struct hash *h = hash_new();
	char hex[HASH_HEX];

	if (h == NULL)
		return err_nomem(e);
	hash_add(h, "", 1);
	hash_add(h, unknown, sizeof(unknown));
	hash_add(h, raw->len > 0 ? raw->p : "", raw->len);
	hash_add(h, "", 1);
	if (raw->len == 0)
		hash_add(h, &id, sizeof(id));
	hash_finish(h, hex);
	json_put_text(b, "id", hex);
	return 0;
}

/* Appends a row of the other tool's dead_letters as a reject line, the JSON
 * form in which stages write rejected records (etl-record(5)). */
static int
append_reject_line(struct buf *b, const struct db_rows *r, struct err *e)
{
	struct db_value raw = db_column(r, 1), text = db_column(r, 2);
	struct db_value at = db_column(r, 3);
	int64_t id = db_column(r, 0).i;
	const char *p = raw.len > 0 ? raw.p : "";

	buf_str(b, "{\"@etl\":\"reject\",\"v\":1");
	if (append_reject_id(b, &raw, id, e) == -1)
		return -1;
	buf_printf(b, ",\"occurrence\":\"before-etl/%" PRId64 "\"", id);
	json_put_text(b, "stage", unknown);
	json_put_text(b, "code", unknown);
	json_put_member(
	    b, "message", text.p, utf8_valid_length(text.p, text.len));
	if (at.type == DB_TEXT)
		json_put_member(b, "at", at.p, at.len);
	if (utf8_valid_length(p, raw.len) == raw.len)
		json_put_member(b, "raw", p, raw.len);
	else {
		buf_str(b, ",\"raw_base64\":\"");
		base64_put(b, p, raw.len);
		buf_char(b, '"');
	}
	buf_char(b, '}');
	return buf_check(b, e);
}

/* Up to 500 rows of the other tool's table dead_letters, converted into reject
 * lines (etl-record(5)) in one buffer. */
struct page {
	struct buf text;
	size_t at[PAGE + 1];    /* where each line starts */
	int64_t run[PAGE];      /* pipeline_runs.id of each line, or 0 */
	int64_t last;           /* id of the last row that was read */
	size_t n;
};

/* Reads the next PAGE letters of the old table, as reject lines. */
static int
read_letter_page(struct page *p, struct db *db, struct err *e)
{
	struct db_value from = DB_I(p->last);
	struct db_rows *r;
	int rc;

	p->n = 0;
	buf_clear(&p->text);
	if (db_query(db, &r, db_sql(db, SQL_CONTROL_READ_OLD_LETTERS), &from, 1,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && p->n < PAGE) {
		p->at[p->n] = p->text.len;
		p->last = db_column(r, 0).i;
		p->run[p->n] = db_column(r, 4).i;
		if (append_reject_line(&p->text, r, e) == -1) {
			rc = -1;
			break;
		}
		p->at[++p->n] = p->text.len;
	}
	db_end(r);
	return rc == -1 ? -1 : 0;
}

/* Stores the reject lines in the table dead_letters. All lines of one call of
 * letters_store() must belong to the same run, so each call gets a group of
 * neighbouring lines of one run. */
static int
store_letter_page(const struct page *p, struct db *db, struct err *e)
{
	struct letter_text lines[PAGE];
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		lines[n].p = p->text.data + p->at[i];
		lines[n++].len = p->at[i + 1] - p->at[i];
		if (i + 1 < p->n && p->run[i + 1] == p->run[i])
			continue;
		if (letters_store(db, lines, n, p->run[i], NULL, e) == -1)
			return -1;
		n = 0;
	}
	return 0;
}

/* Stores the letters of the old table as rejects, page by page. */
static int
store_old_letters(struct db *db, struct err *e)
{
	struct page p = { .last = INT64_MIN };
	int rc;

	buf_init(&p.text, SIZE_MAX / 4);
	do {
		rc = read_letter_page(&p, db, e);
		if (rc == 0)
			rc = store_letter_page(&p, db, e);
	} while (rc == 0 && p.n > 0);
	buf_release(&p.text);
	return rc;
}

static int
old_tables_copy(const struct old_tables *o, struct db *db, struct err *e)
{
	int rc = 0;

	if (o->runs)
		rc = db_script(db, db_sql(db, SQL_CONTROL_COPY_OLD_RUNS), e);
	if (rc == 0 && o->letters)
		rc = store_old_letters(db, e);
	if (rc == 0 || e->transient)
		return rc;
	e->code = ERR_CONFIG;
	err_prefix(e, "cannot copy the older tables pipeline_runs and "
	    "dead_letters into the control tables; rename them and try again");
	return -1;
}

/* steps[n] is the SQL script that migrates the control tables (pipeline_runs,
 * dead_letters and others) from version n to n + 1. Version 0 means that no
 * tables exist. To add a control table, add a step: raise CONTROL_VERSION,
 * write a statement control_N in both sql/DB/control.sql, add it here, and
 * change the version in tests/etl-dlq/migrate.t and in man/etl.7. */
static const enum sql_id steps[CONTROL_VERSION] = { SQL_CONTROL_1,
    SQL_CONTROL_2, SQL_CONTROL_3, SQL_CONTROL_4, SQL_CONTROL_5,
    SQL_CONTROL_6, SQL_CONTROL_7 };

static int
read_version(struct db *db, int64_t *version, struct err *e)
{
	return db_query_int(db, db_sql(db, SQL_CONTROL_VERSION), NULL, 0, 0,
	    version, e);
}

/* Fails if a newer etl has created or changed the tables. */
static int
check_not_newer(struct db *db, int64_t version, struct err *e)
{
	if (version <= CONTROL_VERSION)
		return 0;
	return err_set(e, ERR_CONFIG, false, "%s: its control tables have "
	    "version %" PRId64 ", but this program knows only versions up to "
	    "%d: use a newer etl", db_name(db), version, CONTROL_VERSION);
}

static int
lock_tables(struct db *db, struct err *e)
{
	if (db_run(db, db_sql(db, SQL_CONTROL_LOCK), NULL, 0, NULL, e) == 0)
		return 0;
	if (strcmp(db_fault(db)->sqlstate, "55P03") == 0)
		err_prefix(e, "cannot create or migrate the control tables, "
		    "because another session keeps the advisory lock 6648940: "
		    "pg_locks shows this session");
	return -1;
}

/* Brings the control tables to the present version, or creates them. The caller
 * has begun a transaction. */
static int
migrate_tables(struct db *db, struct err *e)
{
	struct old_tables old = { false, false };
	struct db_value schema = db_text(db_schema(db));
	int64_t present, version = 0;

	if (lock_tables(db, e) == -1 ||
	    db_query_int(db, db_sql(db, SQL_CONTROL_PRESENT), &schema,
	    db_schema(db) != NULL ? 1 : 0, 0, &present, e) == -1)
		return -1;
	if (present == 0 && old_tables_rename(&old, db, e) == -1)
		return -1;
	/* Another role may have created tables since the last check. No command
	 * of this transaction may read a table before it is checked. */
	if (control_check_owners(db, present == 0, e) == -1 ||
	    (present > 0 && read_version(db, &version, e) == -1) ||
	    check_not_newer(db, version, e) == -1)
		return -1;
	for (; version < CONTROL_VERSION; version++)
		if (db_script(db, db_sql(db, steps[version]), e) == -1)
			return -1;
	return old_tables_copy(&old, db, e);
}

/* Sets *version to 0 if there are no tables. On SQLite `present` is always
 * true; if the tables are missing there, the query fails with ERR_CONFIG. */
static int
find_version(struct db *db, bool present, int64_t *version, struct err *e)
{
	struct err first;

	*version = 0;
	if (!present || read_version(db, version, &first) == 0 ||
	    first.code == ERR_CONFIG)
		return 0;
	*e = first;
	return -1;
}

int
control_ensure_tables(struct db *db, const char *schema,
    bool creates_missing_schema, struct err *e)
{
	int64_t version;
	bool present;

	if (control_use_schema(db, schema, creates_missing_schema, &present,
	    e) == -1 ||
	    find_version(db, present, &version, e) == -1)
		return -1;
	/* The usual case: the tables exist and need no migration. */
	if (version >= CONTROL_VERSION)
		return check_not_newer(db, version, e);
	if (db_begin(db, e) == -1)
		return -1;
	if (migrate_tables(db, e) == 0 && db_commit(db, e) == 0)
		return 0;
	err_prefix(e, "control tables");
	db_rollback(db);
	return -1;
}

/* If rc is not 0, closes the database and sets *db to NULL. */
static int
close_failed(int rc, struct db **db)
{
	if (rc == 0)
		return 0;
	db_close(*db);
	*db = NULL;
	return -1;
}

int
control_open(struct db **db, const char *url, const char *schema,
    bool creates_missing, struct err *e)
{
	bool present;
	int rc;

	*db = NULL;
	rc = (creates_missing ? db_open : db_open_existing)(db, url, e);
	if (rc == 0)
		rc = control_use_schema(*db, schema, creates_missing, &present,
		    e);
	return close_failed(rc, db);
}

int
control_open_tables(struct db **db, const char *url, const char *schema,
    bool creates_missing, struct err *e)
{
	int rc;

	*db = NULL;
	rc = (creates_missing ? db_open : db_open_existing)(db, url, e);
	if (rc == 0)
		rc = control_ensure_tables(*db, schema, creates_missing,
		    e);
	return close_failed(rc, db);
}

int
control_limit_idle(struct db *db, struct err *e)
{
	return db_run(db, db_sql(db, SQL_CONTROL_LIMIT_IDLE), NULL, 0, NULL, e);
}

enum { NUMBER_DIGITS = 18 };

int64_t
parse_row_number(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > NUMBER_DIGITS || strspn(text, "0123456789") != n)
		return 0;
	return strtoll(text, NULL, 10);
}

/* Sets *out to the row whose id starts with this text. Leaves *out as it is if
 * there is none. Fails if there are several. */
static int
find_by_prefix(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e)
{
	struct db_value v = db_text(id);
	struct db_rows *r;
	int n = 0, rc;

	if (db_query(db, &r, db_sql(db, k->by_prefix), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		*out = db_column(r, 0).i;
		n++;
	}
	db_end(r);
	if (rc == 0 && n > 1)
		return err_set(e, ERR_USAGE, false, "%s: the ids of several "
		    "%s start with this: give more of the id", id, k->many);
	return rc;
}

int
find_row_by_id(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e)
{
	struct db_value v = DB_I(parse_row_number(id));

	*out = 0;
	if (v.i > 0 && db_query_int(db, db_sql(db, k->by_number), &v, 1, 0, out,
	    e) == -1)
		return -1;
	if (*out == 0 && *id != '\0' && strspn(id, k->digits) == strlen(id) &&
	    find_by_prefix(db, k, id, out, e) == -1)
		return -1;
	if (*out != 0)
		return 0;
	return err_set(e, ERR_LIMIT, false, "%s: no such %s in %s", id,
	    k->one, db_name(db));
}
