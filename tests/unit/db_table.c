/* Tests of lib/db: the columns of a table, read from the database's catalog. */
#include "db_help.h"

#include "db/table.h"

static const struct column *
column(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return &t->columns[i];
	fail_msg("no column %s", name);
	return NULL;
}

static void
check_kind(const struct table *t, const char *name, enum column_kind kind)
{
	if (column(t, name)->kind != kind)
		fail_msg("%s is of kind %d, not %d", name,
		    (int)column(t, name)->kind, (int)kind);
}

static bool
unique(struct env *v, const struct table *t, const char *a, const char *b)
{
	size_t columns[2], n = 0;
	bool is;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->columns[i].name, a) == 0 ||
		    (b != NULL && strcmp(t->columns[i].name, b) == 0))
			columns[n++] = i;
	OK(v, table_check_unique(v->db, t, columns, n, &is, &v->e));
	return is;
}

static void
column_kinds_of_sqlite(void **state)
{
	struct env *v = *state;
	struct table *t;

	script(v, "CREATE TABLE Posts (id INTEGER PRIMARY KEY, "
	    "a SMALLINT NOT NULL, b VARCHAR(3) UNIQUE, c BOOLEAN, "
	    "d DATETIME DEFAULT 3, e JSON, f, g DECIMAL(3, 2), h BLOB, "
	    "i AS (a * 2), k DOUBLE PRECISION, l timestamptz, "
	    "UNIQUE (a, c), CHECK (a > 0));"
	    "CREATE UNIQUE INDEX half ON Posts (e) WHERE a > 1;"
	    "CREATE UNIQUE INDEX low ON Posts (lower(b), h)");
	OK(v, table_read(&t, v->db, "posts", "", &v->e));
	assert_string_equal(t->quoted, "\"main\".\"Posts\"");
	assert_int_equal(t->n, 12);
	check_kind(t, "id", COLUMN_INT);
	assert_int_equal(column(t, "id")->key, 1);
	assert_true(column(t, "id")->has_default);
	check_kind(t, "a", COLUMN_INT);
	assert_true(column(t, "a")->max == INT64_MAX);
	assert_true(column(t, "a")->not_null);
	assert_false(column(t, "a")->has_default);
	check_kind(t, "b", COLUMN_TEXT);
	check_kind(t, "c", COLUMN_BOOL);
	check_kind(t, "d", COLUMN_TIME);
	assert_true(column(t, "d")->has_default);
	check_kind(t, "e", COLUMN_JSON);
	check_kind(t, "f", COLUMN_ANY);
	check_kind(t, "g", COLUMN_NUMERIC);
	check_kind(t, "h", COLUMN_BYTES);
	assert_true(column(t, "i")->generated);
	check_kind(t, "k", COLUMN_REAL);
	check_kind(t, "l", COLUMN_TIME);
	assert_true(unique(v, t, "id", NULL));
	assert_true(unique(v, t, "b", NULL));
	assert_true(unique(v, t, "a", "c"));
	assert_false(unique(v, t, "a", NULL));
	assert_false(unique(v, t, "e", NULL));
	assert_false(unique(v, t, "b", "h"));
	table_free(t);

	script(v, "CREATE TABLE w (a TEXT PRIMARY KEY) WITHOUT ROWID;"
	    "ATTACH ':memory:' AS other; CREATE TABLE other.o (x);"
	    "CREATE VIEW s AS SELECT 1");
	OK(v, table_read(&t, v->db, "w", "", &v->e));
	assert_true(t->columns[0].not_null);
	assert_true(unique(v, t, "a", NULL));
	table_free(t);
	OK(v, table_read(&t, v->db, "other.o", "", &v->e));
	assert_string_equal(t->quoted, "\"other\".\"o\"");
	table_free(t);
}

static void
column_kinds_of_postgresql(void **state)
{
	struct env *v = *state;
	struct table *t;

	script(v, "CREATE DOMAIN d1 AS int DEFAULT 5;"
	    "CREATE DOMAIN d2 AS d1 NOT NULL CHECK (value > 0);"
	    "CREATE TYPE colour AS ENUM ('red');"
	    "CREATE TABLE posts (gone int, "
	    "id bigint GENERATED ALWAYS AS IDENTITY, a smallint NOT NULL, "
	    "b d2, c varchar(10), d text[], e jsonb, f json, "
	    "g timestamptz DEFAULT now(), h bytea, i bool, j uuid, "
	    "k int GENERATED ALWAYS AS (a * 2) STORED, l real, m colour, "
	    "n numeric(5, 2), o date, p char(3), q serial, "
	    "PRIMARY KEY (c, id), UNIQUE (a) DEFERRABLE, UNIQUE (b, a));"
	    "ALTER TABLE posts DROP gone;"
	    "CREATE UNIQUE INDEX half ON posts (k) WHERE a > 1;"
	    "CREATE UNIQUE INDEX low ON posts (lower(p), o);"
	    "CREATE UNIQUE INDEX more ON posts (o) INCLUDE (p)");
	OK(v, table_read(&t, v->db, "Posts", "", &v->e));
	assert_int_equal(t->n, 18);
	check_kind(t, "id", COLUMN_INT);
	assert_int_equal(column(t, "id")->key, 2);
	assert_true(column(t, "id")->has_default);
	assert_true(column(t, "id")->generated);
	assert_int_equal(column(t, "a")->max, INT16_MAX);
	assert_true(column(t, "a")->not_null);
	check_kind(t, "b", COLUMN_INT);
	assert_int_equal(column(t, "b")->min, INT32_MIN);
	assert_true(column(t, "b")->not_null);
	assert_true(column(t, "b")->has_default);
	check_kind(t, "c", COLUMN_TEXT);
	assert_int_equal(column(t, "c")->key, 1);
	assert_string_equal(column(t, "c")->type, "character varying(10)");
	check_kind(t, "d", COLUMN_ARRAY);
	check_kind(t, "e", COLUMN_JSON);
	check_kind(t, "f", COLUMN_JSON);
	check_kind(t, "g", COLUMN_TIME);
	assert_true(column(t, "g")->has_default);
	check_kind(t, "h", COLUMN_BYTES);
	check_kind(t, "i", COLUMN_BOOL);
	check_kind(t, "j", COLUMN_ANY);
	assert_true(column(t, "k")->generated);
	check_kind(t, "l", COLUMN_REAL);
	check_kind(t, "m", COLUMN_ANY);
	check_kind(t, "n", COLUMN_NUMERIC);
	check_kind(t, "o", COLUMN_TIME);
	check_kind(t, "p", COLUMN_TEXT);
	assert_true(column(t, "q")->has_default);
	assert_false(column(t, "q")->generated);
	assert_true(unique(v, t, "c", "id"));
	assert_true(unique(v, t, "a", "b"));
	assert_true(unique(v, t, "o", NULL));
	assert_false(unique(v, t, "a", NULL));
	assert_false(unique(v, t, "k", NULL));
	assert_false(unique(v, t, "o", "p"));
	table_free(t);
}

static void
table_names_are_parsed(void **state)
{
	static const char *const bad[] = { "", ".", "a.", ".a", "a.b.c",
	    "\"a", "\"a\"b", "a\"b" };
	struct env *v = *state;
	char name[128];
	struct table *t;

	script(v, "CREATE TABLE \"We.ird \"\"one\"\"\" (a int)");
	OK(v, table_read(&t, v->db, "\"We.ird \"\"one\"\"\"", "", &v->e));
	assert_non_null(strstr(t->quoted, ".\"We.ird \"\"one\"\"\""));
	table_free(t);
	(void)snprintf(name, sizeof(name), "%s.\"We.ird \"\"one\"\"\"",
	    v->kind == DB_SQLITE ? "main" : v->name);
	OK(v, table_read(&t, v->db, name, "", &v->e));
	assert_false(t->view);
	table_free(t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(table_read(&t, v->db, bad[i], "", &v->e), -1);
		assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
	}
	assert_int_equal(table_read(&t, v->db, "nope", "; why", &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
	assert_non_null(strstr(v->e.msg, "no such table: nope in "));
	assert_non_null(strstr(v->e.msg, "; why"));
	assert_int_equal(table_read(&t, v->db, "x.nope", "", &v->e), -1);
	script(v, "CREATE VIEW seen AS SELECT 1 AS a");
	OK(v, table_read(&t, v->db, "seen", "", &v->e));
	assert_true(t->view);
	table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SQLITE(column_kinds_of_sqlite),
		ON_POSTGRESQL(column_kinds_of_postgresql),
		ON_BOTH(table_names_are_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
