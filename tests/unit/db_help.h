/* For tests of lib/db: each test runs on a SQLite file of its own and on a
 * schema of its own in the PostgreSQL database that the environment names.
 * Without a PostgreSQL server (see with-pg.sh) the tests fail.
 * Owns: struct env, which setup creates and teardown removes. */
#ifndef DB_HELP_H
#define DB_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* needs these four */
#include <cmocka.h>

#include "base/errval.h"
#include "base/hash.h"
#include "db/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct env {
	enum db_kind kind;
	char dir[64], name[64], url[160];
	struct db *db;
	struct err e;
};

/* Runs call, which returns -1 on failure; then prints the message and fails. */
#define OK(env, call) do { \
	if ((call) == -1) { \
		print_error("%s: %s [%s]\n", #call, (env)->e.msg, \
		    (env)->db != NULL ? db_fault((env)->db)->sqlstate : ""); \
		fail(); \
	} \
} while (0)

static inline void
admin(const char *verb, const char *name, const char *more)
{
	struct err e = { 0 };
	struct db *db;
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "%s SCHEMA %s %s", verb,
	    name, more);
	if (db_open(&db, "postgresql://", &e) == -1) {
		print_error("%s\n", e.msg);
		fail();
	}
	if (db_script(db, sql, &e) == -1)
		print_error("%s: %s\n", sql, e.msg);
	db_close(db);
}

static inline int
env_setup(void **state, enum db_kind kind)
{
	struct env *v = calloc(1, sizeof(*v));

	assert_non_null(v);
	v->kind = kind;
	(void)snprintf(v->name, sizeof(v->name), "etl_unit_");
	random_hex(v->name + strlen(v->name), 12);
	if (kind == DB_POSTGRESQL)
		admin("CREATE", v->name, "");   /* fails without a server */
	(void)snprintf(v->dir, sizeof(v->dir), "/tmp/etl-db.XXXXXX");
	assert_non_null(mkdtemp(v->dir));
	if (kind == DB_SQLITE)
		(void)snprintf(v->url, sizeof(v->url), "sqlite:%s/t.db",
		    v->dir);
	else
		(void)snprintf(v->url, sizeof(v->url), "postgresql://?options="
		    "-csearch_path%%3D%s", v->name);
	OK(v, db_open(&v->db, v->url, &v->e));
	*state = v;
	return 0;
}

static inline int
setup_sqlite(void **state)
{
	return env_setup(state, DB_SQLITE);
}

static inline int
setup_postgresql(void **state)
{
	return env_setup(state, DB_POSTGRESQL);
}

static inline int
teardown(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	struct env *v = *state;
	char path[96];

	db_close(v->db);
	if (v->kind == DB_POSTGRESQL)
		admin("DROP", v->name, "CASCADE");
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/t.db%s", v->dir,
		    tails[i]);
		(void)unlink(path);
	}
	(void)rmdir(v->dir);
	free(v);
	return 0;
}

#define ON_SQLITE(f) \
	{ "sqlite: " #f, f, setup_sqlite, teardown, NULL }
#define ON_POSTGRESQL(f) \
	{ "postgresql: " #f, f, setup_postgresql, teardown, NULL }
#define ON_BOTH(f) ON_SQLITE(f), ON_POSTGRESQL(f)

/* Returns the first column of the first row, or -1 if there is no row. */
static inline int64_t
number(struct env *v, const char *sql)
{
	int64_t n = -1;

	OK(v, db_query_int(v->db, sql, NULL, 0, -1, &n, &v->e));
	return n;
}

/* Returns it as text ("(null)" for NULL), which the caller frees. */
static inline char *
word(struct env *v, const char *sql)
{
	struct db_rows *r;
	struct db_value c;
	char *copy = NULL;
	int rc;

	OK(v, db_query(v->db, &r, sql, NULL, 0, &v->e));
	OK(v, rc = db_next(r, &v->e));
	if (rc == 1) {
		c = db_column(r, 0);
		copy = c.type == DB_NULL ? strdup("(null)") :
		    c.type == DB_INT ? malloc(24) : strndup(c.p, c.len);
		assert_non_null(copy);
		if (c.type == DB_INT)
			(void)snprintf(copy, 24, "%" PRId64, c.i);
	}
	db_end(r);
	return copy;
}

static inline void
check_word(struct env *v, const char *sql, const char *want)
{
	char *have = word(v, sql);

	assert_non_null(have);
	assert_string_equal(have, want);
	free(have);
}

static inline void
script(struct env *v, const char *sql)
{
	OK(v, db_script(v->db, sql, &v->e));
}

#endif
