/* Tests of lib/db: values are stored and read back unchanged. */
#include "db_help.h"

#include "base/buf.h"

static void
parameters_are_bound_by_number(void **state)
{
	struct env *v = *state;
	struct db_value two[] = { DB_I(1), db_text("b") };
	int64_t changed = 0;

	script(v, "CREATE TABLE t (a bigint, b text, c bigint NOT NULL)");
	OK(v, db_run(v->db, "INSERT INTO t (b, a, c) VALUES ($2, $1, $1)",
	    two, 2, &changed, &v->e));
	assert_int_equal(changed, 1);
	assert_int_equal(number(v, "SELECT a + c FROM t WHERE b = 'b'"), 2);
	OK(v, db_run(v->db, "UPDATE t SET b = $1 WHERE a > 5", two, 1,
	    &changed, &v->e));
	assert_int_equal(changed, 0);

	/* A fault of an earlier call does not show in this one. */
	assert_int_equal(db_script(v->db, "INSERT INTO t (a) VALUES (1)",
	    &v->e), -1);
	db_rollback(v->db);
	assert_true(db_fault(v->db)->data);
	assert_int_equal(db_run(v->db, "SELECT $3", two, 2, NULL, &v->e), -1);
	assert_false(db_fault(v->db)->data);
}

static void
values_round_trip(void **state)
{
	static const char bytes[] = "\0\xff'\\x00\n\0";
	static const char text[] = "a'b\"c\\d\t\xc3\xa9\xf0\x9f\x98\x80";
	struct env *v = *state;
	struct db_value in[] = { DB_I(INT64_MIN),
	    { .type = DB_REAL, .r = 0.1 }, db_text(text),
	    db_bytes(bytes, sizeof(bytes) - 1), db_text(NULL), db_text(""),
	    db_bytes(NULL, 0) };
	struct db_rows *r;

	script(v, v->kind == DB_SQLITE ?
	    "CREATE TABLE t (a, b, c, d, e, f, g)" :
	    "CREATE TABLE t (a bigint, b float8, c text, d bytea, e text, "
	    "f text, g bytea)");
	OK(v, db_run(v->db, "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, "
	    "$7)", in, 7, NULL, &v->e));
	OK(v, db_query(v->db, &r, "SELECT * FROM t", NULL, 0, &v->e));
	assert_int_equal(db_next(r, &v->e), 1);
	assert_true(db_column(r, 0).i == INT64_MIN);
	assert_int_equal(db_column(r, 1).type, DB_REAL);
	assert_true(db_column(r, 1).r == 0.1);
	assert_int_equal(db_column(r, 2).len, sizeof(text) - 1);
	assert_memory_equal(db_column(r, 2).p, text, sizeof(text) - 1);
	assert_int_equal(db_column(r, 3).type, DB_BLOB);
	assert_int_equal(db_column(r, 3).len, sizeof(bytes) - 1);
	assert_memory_equal(db_column(r, 3).p, bytes, sizeof(bytes) - 1);
	assert_int_equal(db_column(r, 4).type, DB_NULL);
	assert_int_equal(db_column(r, 5).type, DB_TEXT);
	assert_int_equal(db_column(r, 5).len, 0);
	assert_int_equal(db_column(r, 6).type, DB_BLOB);
	assert_int_equal(db_column(r, 6).len, 0);
	assert_int_equal(db_column(r, 99).type, DB_NULL);
	assert_int_equal(db_next(r, &v->e), 0);
	db_end(r);
}

static void
nul_in_text_is_a_fault_of_the_record(void **state)
{
	struct env *v = *state;
	struct db_value bad = { .type = DB_TEXT, .p = "a\0b", .len = 3 };

	script(v, "CREATE TABLE t (a text)");
	assert_int_equal(db_run(v->db, "INSERT INTO t VALUES ($1)", &bad, 1,
	    NULL, &v->e), -1);
	assert_int_equal(v->e.code, ERR_DATA);
	assert_true(db_fault(v->db)->data);
}

/* While rows are read, other statements work, even the same one. */
static void
queries_can_be_nested(void **state)
{
	static const char sql[] = "SELECT a FROM t ORDER BY a";
	struct env *v = *state;
	struct db_rows *outer, *inner;
	struct db_value one;
	int64_t sum = 0, n;
	int rc;

	script(v, "CREATE TABLE t (a bigint)");
	OK(v, db_begin(v->db, &v->e));
	for (int i = 1; i <= 1000; i++) {
		one = DB_I(i);
		OK(v, db_run(v->db, "INSERT INTO t VALUES ($1)", &one, 1,
		    NULL, &v->e));
	}
	OK(v, db_commit(v->db, &v->e));
	OK(v, db_query(v->db, &outer, sql, NULL, 0, &v->e));
	while ((rc = db_next(outer, &v->e)) == 1) {
		sum += db_column(outer, 0).i;
		if (sum % 100 != 0)
			continue;
		OK(v, db_query(v->db, &inner, sql, NULL, 0, &v->e));
		assert_int_equal(db_next(inner, &v->e), 1);
		assert_int_equal(db_column(inner, 0).i, 1);
		db_end(inner);
		OK(v, db_query_int(v->db, "SELECT max(a) FROM t", NULL, 0, 0,
		    &n, &v->e));
		assert_int_equal(n, 1000);
	}
	OK(v, rc);
	db_end(outer);
	assert_int_equal(sum, 500500);
}

static void
many_statements_give_right_results(void **state)
{
	struct env *v = *state;
	char sql[64];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT %d", i % 150);
		assert_int_equal(number(v, sql), i % 150);
	}
}

static void
a_statement_returns_its_row(void **state)
{
	static const char sql[] = "INSERT INTO t (id, b) VALUES ($1, $2) "
	    "ON CONFLICT (id) DO UPDATE SET b = excluded.b "
	    "WHERE t.b IS DISTINCT FROM excluded.b RETURNING id, b";
	static const char lite[] = "INSERT INTO t (id, b) VALUES ($1, $2) "
	    "ON CONFLICT (id) DO UPDATE SET b = excluded.b "
	    "WHERE t.b IS NOT excluded.b RETURNING id, b";
	struct env *v = *state;
	struct db_value in[] = { DB_I(7), db_text("x") };
	struct db_rows *r;
	struct db_stmt *s;
	int64_t n;

	script(v, "CREATE TABLE t (id bigint PRIMARY KEY, b text)");
	OK(v, db_prepare(v->db, &s, v->kind == DB_SQLITE ? lite : sql,
	    &v->e));
	OK(v, db_begin(v->db, &v->e));
	OK(v, db_stmt_run(s, in, 2, &r, &n, &v->e));
	assert_non_null(r);
	assert_int_equal(n, 1);
	assert_int_equal(db_column(r, 0).i, 7);
	assert_string_equal(db_column(r, 1).p, "x");
	OK(v, db_stmt_run(s, in, 2, &r, &n, &v->e));
	assert_null(r);
	assert_int_equal(n, 0);
	in[1] = db_text("y");
	OK(v, db_stmt_run(s, in, 2, NULL, &n, &v->e));
	assert_int_equal(n, 1);
	OK(v, db_commit(v->db, &v->e));
	check_word(v, "SELECT b FROM t", "y");
	db_stmt_free(s);
}

static void
a_rollback_undoes_all_changes(void **state)
{
	struct env *v = *state;

	script(v, "CREATE TABLE t (a bigint PRIMARY KEY)");
	db_rollback(v->db);
	OK(v, db_begin(v->db, &v->e));
	script(v, "INSERT INTO t VALUES (1)");
	assert_int_equal(db_script(v->db, "INSERT INTO t VALUES (1)", &v->e),
	    -1);
	db_rollback(v->db);
	assert_int_equal(number(v, "SELECT count(*) FROM t"), 0);
	OK(v, db_begin(v->db, &v->e));
	script(v, "INSERT INTO t VALUES (1)");
	OK(v, db_commit(v->db, &v->e));
	OK(v, db_reopen(v->db, &v->e));
	assert_int_equal(number(v, "SELECT count(*) FROM t"), 1);
}

static void
identifiers_are_quoted(void **state)
{
	struct env *v = *state;
	char longest[65];
	struct buf b;

	buf_init(&b, 1024);
	OK(v, db_quote_name(v->db, &b, "a\"b.c", 5, &v->e));
	assert_string_equal(buf_text(&b), "\"a\"\"b.c\"");
	assert_int_equal(db_quote_name(v->db, &b, "", 0, &v->e), -1);
	assert_int_equal(db_quote_name(v->db, &b, "a\0b", 3, &v->e), -1);
	assert_int_equal(db_quote_name(v->db, &b, "\xff", 1, &v->e), -1);
	assert_int_equal(v->e.code, ERR_CONFIG);
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(db_quote_name(v->db, &b, longest, 63, &v->e), 0);
	assert_int_equal(db_quote_name(v->db, &b, longest, 64, &v->e),
	    v->kind == DB_SQLITE ? 0 : -1);
	buf_release(&b);
}

static void
bad_urls_and_passwords_in_urls_are_found(void **state)
{
	static const struct {
		const char *url;
		bool password;
	} c[] = {
		{ "postgresql://u:p@h/d", true },
		{ "postgres://u:p?a@h/d", true },
		{ "postgres://u:p#a@h/d", true },
		{ "postgres://u@h:5432/d", false },
		{ "postgresql://h:5432/d?a=b@c", false },
		{ "postgresql://h/d?user=u&password=x", true },
		{ "postgresql:///d", false },
		{ "host=h password = x", true }, { "host=h user=u", false },
		{ "sqlite:u:p@password=x", false },
	};
	static const char *const bad[] = { "mysql://u:secret@h/d", "sqlite:",
	    "etl.db", "postgresql://h/d?nonsense=1", "nonsense=1" };
	struct db *db = NULL;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		assert_int_equal(db_url_warning(c[i].url) != NULL,
		    c[i].password);
	assert_null(db_url_warning(NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(db_open(&db, bad[i], &e), -1);
		assert_int_equal(err_exit_code(&e), ERR_CONFIG);
		assert_null(strstr(e.msg, "secret"));
	}
	assert_null(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(parameters_are_bound_by_number),
		ON_BOTH(values_round_trip),
		ON_POSTGRESQL(nul_in_text_is_a_fault_of_the_record),
		ON_BOTH(queries_can_be_nested),
		ON_BOTH(many_statements_give_right_results),
		ON_BOTH(a_statement_returns_its_row),
		ON_BOTH(a_rollback_undoes_all_changes),
		ON_BOTH(identifiers_are_quoted),
		cmocka_unit_test(bad_urls_and_passwords_in_urls_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
