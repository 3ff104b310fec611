#include "create.h"

#include "base/text.h"
#include "db/table.h"
#include "history.h"
#include "sample.h"
#include "spec.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
add_option_columns(struct sample *s, struct err *e)
{
	const struct load_opts *o = s->o;
	const struct history_names names = s->mode->history ?
	    history_get_names(o) : (struct history_names){ NULL, NULL, NULL };
	const struct {
		const char *name;
		unsigned kind;
	} columns[] = {
		{ mapping_has_extra(o) ? o->extra : NULL,
		    KIND_OPTION_JSON },
		{ o->touch, KIND_OPTION_TIME }, { o->seen, KIND_OPTION_TIME },
		{ o->soft_delete, KIND_OPTION_TIME },
		{ names.from, KIND_OPTION_TIME },
		{ names.to, KIND_OPTION_TIME },
		{ names.current, KIND_OPTION_BOOL },
	};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (columns[i].name != NULL && sample_set_kinds(s,
		    columns[i].name, columns[i].kind, e) == -1)
			return -1;
	return 0;
}

static int
check_in_sample(const struct sample *s, const char *option, const char *name,
    size_t len, struct err *e)
{
	struct suggestion near = { 0 };
	struct buf typed, other;

	for (size_t i = 0, n; i < s->columns.n; i++) {
		const char *have = sample_get_name(s, i, &n);

		if (n == len && memcmp(have, name, n) == 0)
			return 0;
	}
	buf_init(&typed, SIZE_MAX / 4);
	buf_init(&other, SIZE_MAX / 4);
	buf_add(&typed, name, len);
	near.typed = buf_text(&typed);
	(void)err_set(e, ERR_CONFIG, false, "--create: no record of the sample "
	    "has the member \"%s\", which %s names", near.typed, option);
	for (size_t i = 0, n; i < s->columns.n; i++) {
		const char *have = sample_get_name(s, i, &n);

		buf_clear(&other);
		buf_add(&other, have, n);
		suggest_try(&near, buf_text(&other));
	}
	suggest_put(e, &near, "");
	buf_release(&typed);
	buf_release(&other);
	return -1;
}

static int
check_all_in_sample(const struct sample *s, const char *option,
    const char *list, struct err *e)
{
	const char *name;
	size_t len;

	while (name_list_next_trimmed(&list, &name, &len))
		if (check_in_sample(s, option, name, len, e) == -1)
			return -1;
	return 0;
}

/* Adds the columns that --columns and --map name: the table gets them even if
 * no record of the sample has a value for them. */
static int
add_named_columns(struct sample *s, struct err *e)
{
	const struct load_opts *o = s->o;
	const char *list = o->columns, *name;
	size_t len;

	while (name_list_next_trimmed(&list, &name, &len))
		if (sample_add_kinds(s, name, len, 0, e) == -1)
			return -1;
	for (size_t i = 0; i < o->map.n; i++) {
		name = o->map.v[i];
		len = (size_t)(strstr(name, "=/") - name);
		if (sample_add_kinds(s, name, len, 0, e) == -1)
			return -1;
	}
	return 0;
}

/* Adds the columns that options need to those of the sample. */
static int
create_add_columns(struct sample *s, struct err *e)
{
	const struct load_opts *o = s->o;

	if (s->mode->keyed && o->key == NULL)
		return err_set(e, ERR_CONFIG, false, "--create: table %s does "
		    "not exist: name the columns of its primary key with --key",
		    o->table);
	return add_named_columns(s, e) == -1 ||
	    add_option_columns(s, e) == -1 ||
	    check_all_in_sample(s, "--key", o->key, e) == -1 ||
	    check_all_in_sample(s, "--scope", o->scope, e) == -1 ||
	    check_all_in_sample(s, "--compare", o->compare, e) == -1 ||
	    check_all_in_sample(s, "--newer-by", o->newer_by, e) == -1 ?
	    -1 : 0;
}

/* Checks the names of the columns and their number. To SQLite two names are
 * equal if they differ only in the case of letters. */
static int
check_names(const struct sample *s, enum db_kind kind, struct err *e)
{
	const size_t most = max_columns(kind);
	const char *a, *b;
	size_t na, nb;

	if (s->columns.n > most)
		return err_set(e, ERR_CONFIG, false, "--create: the table "
		    "would have %zu columns, but the database allows %zu: "
		    "name the columns with --columns", s->columns.n, most);
	for (size_t i = 0; i < s->columns.n; i++) {
		a = sample_get_name(s, i, &na);
		if (kind == DB_POSTGRESQL && na >= 4 &&
		    memcmp(a, "etl.", 4) == 0)
			return err_set(e, ERR_CONFIG, false, "--create: "
			    "member \"%.*s\": etl-load uses names that begin "
			    "with etl. itself: name the columns with "
			    "--columns, or rename the member", (int)na, a);
		for (size_t k = 0; kind == DB_SQLITE && k < i; k++) {
			b = sample_get_name(s, k, &nb);
			if (na == nb && strncasecmp(a, b, na) == 0)
				return err_set(e, ERR_CONFIG, false,
				    "--create: the members \"%.*s\" and "
				    "\"%.*s\" differ only in case, and SQLite "
				    "takes both for one column: name one with "
				    "--columns, and the other with --map",
				    (int)nb, b, (int)na, a);
		}
	}
	return 0;
}

/* Returns the second column of the primary key, or NULL. In --mode scd2 a key
 * has several rows, so the start of their validity belongs to the primary key
 * too. */
static const char *
second_key_part(const struct sample *s)
{
	return s->mode->history ? history_get_names(s->o).from : NULL;
}

static int
put_definitions(struct buf *b, struct db *db, const struct sample *s,
    struct err *e)
{
	const char *from = second_key_part(s);
	enum db_kind kind = db_kind(db);

	for (size_t i = 0, n; i < s->columns.n; i++) {
		const char *name = sample_get_name(s, i, &n);
		bool key = name_list_has(s->o->key, name, n) ||
		    (from != NULL && strlen(from) == n &&
		    memcmp(from, name, n) == 0);

		buf_str(b, i == 0 ? "    " : ",\n    ");
		if (db_quote_name(db, b, name, n, e) == -1)
			return -1;
		buf_printf(b, " %s%s", sample_find_type(s, name, n,
			s->columns.v[i].value, kind),
		    key ? " NOT NULL" : "");
	}
	return 0;
}

static int
put_key_names(struct buf *b, struct db *db, const char *key, struct err *e)
{
	const char *name, *comma = "";
	size_t n;

	while (name_list_next_trimmed(&key, &name, &n)) {
		buf_str(b, comma);
		if (db_quote_name(db, b, name, n, e) == -1)
			return -1;
		comma = ", ";
	}
	return 0;
}

/* Appends a unique index that allows one current row for each key. In SQLite
 * the index needs a name; the schema then stands before this name, and not
 * before the name of the table. */
static int
put_current_index(struct buf *b, struct db *db,
    const struct sample *s, const struct table *t, struct err *e)
{
	const char *current = history_get_names(s->o).current;
	struct buf name;
	int rc = 0;

	buf_init(&name, SIZE_MAX / 4);
	buf_printf(&name, "%s_current", t->base);
	buf_str(b, "CREATE UNIQUE INDEX ");
	if (db_kind(db) == DB_SQLITE) {
		if (t->schema != NULL)
			rc = db_quote_name(
			    db, b, t->schema, strlen(t->schema), e);
		buf_str(b, t->schema != NULL ? "." : "");
		if (rc == 0)
			rc = db_quote_name(db, b, name.data, name.len, e);
		buf_str(b, " ON ");
		if (rc == 0)
			rc = db_quote_name(
			    db, b, t->base, strlen(t->base), e);
	} else {
		buf_printf(b, "ON %s", t->quoted);
	}
	buf_release(&name);
	buf_str(b, " (");
	if (rc == -1 || put_key_names(b, db, s->o->key, e) == -1)
		return -1;
	buf_str(b, ") WHERE ");
	if (db_quote_name(db, b, current, strlen(current), e) == -1)
		return -1;
	buf_str(b, ";\n");
	return 0;
}

static int
put_create_table(struct buf *b, struct db *db, const struct sample *s,
    const struct table *t, struct err *e)
{
	const char *from = second_key_part(s);

	buf_printf(b, "CREATE TABLE %s (\n", t->quoted);
	if (put_definitions(b, db, s, e) == -1)
		return -1;
	if (s->o->key != NULL) {
		buf_str(b, ",\n    PRIMARY KEY (");
		if (put_key_names(b, db, s->o->key, e) == -1)
			return -1;
		buf_str(b, from != NULL ? ", " : "");
		if (from != NULL &&
		    db_quote_name(db, b, from, strlen(from), e) == -1)
			return -1;
		buf_char(b, ')');
	}
	buf_str(b, "\n);\n");
	return s->mode->history ? put_current_index(b, db, s, t, e) : 0;
}

/* Refuses a temporary table: the database drops it at the end of the session,
 * and with it all loaded rows. */
static int
check_not_temp(const struct table *t, enum db_kind kind, struct err *e)
{
	const char *temp = kind == DB_SQLITE ? "temp" : "pg_temp";

	return t->schema == NULL || strcasecmp(t->schema, temp) != 0 ? 0 :
	    err_set(e, ERR_CONFIG, false, "a temporary table would be lost "
	    "when etl-load ends: leave %s. out of the name %s", t->schema,
	    t->name);
}

/* Refuses the name of a control table: the programs of etl would use such a
 * table as their own control table, and fail. PostgreSQL accepts the name with
 * a schema, because the control tables may be in another schema
 * (--control-schema). */
static int
check_not_control(const struct table *t, enum db_kind kind, struct err *e)
{
	static const char *const names[] = { "etl_control", "pipeline_runs",
		"dead_letters", "dead_letter_attempts", "etl_checkpoints",
		"etl_loads", "etl_files", "etl_before", "etl_before_runs",
		"etl_scopes" };

	if (kind == DB_POSTGRESQL && t->schema != NULL)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(t->base, names[i]) == 0)
			return err_set(e, ERR_CONFIG, false, "%s is the name "
			    "of a control table, which the programs make for "
			    "themselves: give the table another name",
			    t->name);
	return 0;
}

/* Appends CREATE TABLE and, for --mode scd2, CREATE UNIQUE INDEX. */
static int
create_put_sql(struct buf *b, struct db *db, const struct sample *s,
    struct err *e)
{
	struct table *t = NULL;
	int rc;

	if (check_names(s, db_kind(db), e) == -1 ||
	    table_new(&t, db, s->o->table, e) == -1)
		return -1;
	rc = check_not_temp(t, db_kind(db), e);
	if (rc == 0)
		rc = check_not_control(t, db_kind(db), e);
	if (rc == 0)
		rc = put_create_table(b, db, s, t, e);
	table_free(t);
	if (rc == -1)
		err_prefix(e, "--create");
	return rc == -1 ? -1 : buf_check(b, e);
}

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

int
target_open_absent(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e)
{
	*t = (struct target){ .touch = NO_COLUMN, .seen = NO_COLUMN,
		.soft_delete = NO_COLUMN, .newer_by = NO_COLUMN,
		.position = NO_COLUMN,
		.history = { .from = NO_COLUMN, .to = NO_COLUMN,
			.current = NO_COLUMN },
		.mapping = { .extra_column = NO_COLUMN } };
	return load_mode_choose(&t->mode, o, e) == -1 ? -1 :
	    table_new(&t->table, db, o->table, e);
}

static int
open_sink(void **self, struct db *db, const struct target *t, struct err *e)
{
	(void)db, (void)t, (void)e;
	*self = NULL;
	return 0;
}

/* Fails if the chunk has a record, because there is no table for it. */
static enum sink_result
apply_nothing(void *self, struct outcome *o, struct err *e)
{
	(void)self;
	for (size_t i = 0; i < o->chunk->n; i++)
		if (o->chunk->items[i].kind == ITEM_RECORD) {
			(void)err_bug(e, "a record came after the end of the "
			    "input");
			return SINK_FAILED;
		}
	return SINK_DONE;
}

static enum sink_result
settle_nothing(void *self, struct err *e)
{
	(void)self, (void)e;
	return SINK_DONE;
}

static void
do_nothing(void *self)
{
	(void)self;
}

const struct sink sink_absent = {
    .open = open_sink,
    .apply = apply_nothing,
    .settle = settle_nothing,
    .reset = do_nothing,
    .close = do_nothing,
};
