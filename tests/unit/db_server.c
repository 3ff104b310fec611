/* Tests of lib/db: faults of a PostgreSQL server and of connections to it. */
#include "db_help.h"

#include <sys/wait.h>

enum { BLOCK = 1 << 16 };

static void
second(struct env *v, struct db **db)
{
	OK(v, db_open(db, v->url, &v->e));
}

static void
lock_both(struct db *db, int first, struct err *e)
{
	char sql[80];

	(void)snprintf(sql, sizeof(sql), "SET deadlock_timeout = '200ms'; "
	    "BEGIN; UPDATE t SET a = a WHERE a = %d", first);
	if (db_script(db, sql, e) == -1)
		_exit(9);
	/* Wait until both processes have locked their first row. */
	if (db_run(db, "SELECT pg_advisory_lock_shared(1)", NULL, 0, NULL,
	    e) == -1)
		_exit(9);
}

/* Returns 1 if this process is the victim of the deadlock, 0 if it is not. */
static int
lock_second(struct db *db, int which, struct err *e)
{
	char sql[64];

	(void)snprintf(sql, sizeof(sql), "UPDATE t SET a = a WHERE a = %d",
	    which);
	if (db_script(db, sql, e) == 0)
		return 0;
	return strcmp(db_fault(db)->sqlstate, "40P01") == 0 &&
	    db_fault(db)->again && e->transient && err_exit_code(e) == 75 ? 1 :
	    9;
}

static void
deadlocks_are_retried(void **state)
{
	struct env *v = *state;
	struct db *mine;
	int status, victims;
	char byte = 0;
	int ready[2];
	pid_t pid;

	script(v, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); "
	    "SELECT pg_advisory_lock(1)");
	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		struct err e;

		if (db_open(&mine, v->url, &e) == -1)
			_exit(9);
		if (write(ready[1], "x", 1) != 1)
			_exit(9);
		lock_both(mine, 2, &e);
		_exit(lock_second(mine, 1, &e));
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	second(v, &mine);
	OK(v, db_script(mine, "SET deadlock_timeout = '200ms'; BEGIN; "
	    "UPDATE t SET a = a WHERE a = 1", &v->e));
	while (number(v, "SELECT count(*) FROM pg_locks JOIN pg_database AS d "
	    "ON d.oid = database WHERE NOT granted AND objid = 1 AND "
	    "locktype = 'advisory' AND datname = current_database()") == 0)
		(void)usleep(10000);
	script(v, "SELECT pg_advisory_unlock(1)");
	victims = lock_second(mine, 2, &v->e);
	db_rollback(mine);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(victims + WEXITSTATUS(status), 1);
	db_close(mine);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void
lock_timeouts_are_retried(void **state)
{
	struct env *v = *state;
	struct db *other;

	script(v, "CREATE TABLE t (a int)");
	second(v, &other);
	OK(v, db_script(other, "BEGIN; LOCK TABLE t", &v->e));
	script(v, "SET lock_timeout = '20ms'");
	assert_int_equal(db_script(v->db, "SELECT * FROM t", &v->e), -1);
	assert_string_equal(db_fault(v->db)->sqlstate, "55P03");
	assert_true(db_fault(v->db)->again);
	assert_int_equal(err_exit_code(&v->e), 75);
	db_close(other);
}

static void
end_session(struct env *v, struct db_value pid)
{
	struct db *other;

	second(v, &other);
	OK(v, db_run(other, "SELECT pg_terminate_backend($1, 5000)", &pid, 1,
	    NULL, &v->e));
	db_close(other);
}

/* The connection is lost in the middle of a COPY and while rows are read. */
static void
lost_connections_are_reported(void **state)
{
	struct env *v = *state;
	char *block = malloc(BLOCK);
	struct db_value pid;
	struct db_rows *r;
	int rc = 0;

	assert_non_null(block);
	memset(block, 'x', BLOCK);
	block[BLOCK - 1] = '\n';
	script(v, "CREATE TABLE t (a text)");
	pid = DB_I(number(v, "SELECT pg_backend_pid()"));
	OK(v, db_copy_begin(v->db, "COPY t FROM STDIN", &v->e));
	OK(v, db_copy_data(v->db, block, BLOCK, &v->e));
	end_session(v, pid);
	for (int i = 0; i < 100 && rc == 0; i++)
		rc = db_copy_data(v->db, block, BLOCK, &v->e);
	if (rc == 0)
		rc = db_copy_end(v->db, NULL, &v->e);
	assert_int_equal(rc, -1);
	assert_true(db_fault(v->db)->lost);
	assert_int_equal(err_exit_code(&v->e), 75);
	free(block);

	OK(v, db_reopen(v->db, &v->e));
	assert_int_equal(number(v, "SELECT count(*) FROM t"), 0);
	pid = DB_I(number(v, "SELECT pg_backend_pid()"));
	OK(v, db_query(v->db, &r, "SELECT repeat('x', 1000) "
	    "FROM generate_series(1, 100000)", NULL, 0, &v->e));
	assert_int_equal(db_next(r, &v->e), 1);
	end_session(v, pid);
	while ((rc = db_next(r, &v->e)) == 1)
		continue;
	db_end(r);
	assert_int_equal(rc, -1);
	assert_true(db_fault(v->db)->lost);
}

static void
lost_connections_can_be_reopened(void **state)
{
	struct env *v = *state;
	struct db_value pid;

	script(v, "CREATE TABLE t (a int)");
	pid = DB_I(number(v, "SELECT pg_backend_pid()"));
	assert_int_equal(number(v, "SELECT 7"), 7);
	OK(v, db_begin(v->db, &v->e));
	script(v, "INSERT INTO t VALUES (1)");
	end_session(v, pid);
	assert_int_equal(db_commit(v->db, &v->e), -1);
	assert_true(db_fault(v->db)->lost);
	assert_true(db_fault(v->db)->again);
	assert_false(db_fault(v->db)->data);
	assert_int_equal(err_exit_code(&v->e), 75);
	db_rollback(v->db);
	assert_int_equal(db_run(v->db, "SELECT 7", NULL, 0, NULL, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), 75);
	OK(v, db_reopen(v->db, &v->e));
	assert_int_equal(number(v, "SELECT 7"), 7);
	assert_int_equal(number(v, "SELECT count(*) FROM t"), 0);
}

static void
refused_connections_have_exit_codes(void **state)
{
	static const struct {
		const char *url;
		int status;
	} c[] = {
		{ "postgresql:///etl_no_such_database", ERR_CONFIG },
		{ "postgresql://localhost:1/x?connect_timeout=2", 75 },
		{ "postgresql:///postgres?user=etl_nobody", ERR_DENIED },
		{ "postgresql:///x?host=/nowhere", 75 },
		{ "postgresql://localhost:99999/x", ERR_CONFIG },
		{ "service=etl_no_such_service", ERR_CONFIG },
	};
	struct db *db;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		assert_int_equal(db_open(&db, c[i].url, &e), -1);
		if (err_exit_code(&e) != c[i].status)
			print_error("%s: %s\n", c[i].url, e.msg);
		assert_int_equal(err_exit_code(&e), c[i].status);
		assert_null(strchr(e.msg, '\n'));
	}
}

/* The server rolls back at the COMMIT of a failed transaction: an error. */
static void
failed_transactions_never_commit(void **state)
{
	struct env *v = *state;

	OK(v, db_begin(v->db, &v->e));
	assert_int_equal(db_script(v->db, "SELECT 1/0", &v->e), -1);
	assert_string_equal(db_fault(v->db)->sqlstate, "22012");
	assert_int_equal(db_commit(v->db, &v->e), -1);
	db_rollback(v->db);
}

static void
changed_tables_are_retried(void **state)
{
	static const char sql[] = "SELECT * FROM t";
	struct env *v = *state;

	script(v, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
	OK(v, db_run(v->db, sql, NULL, 0, NULL, &v->e));
	script(v, "ALTER TABLE t ADD b int");
	/* Only now the statement is prepared, as it runs again. */
	OK(v, db_run(v->db, sql, NULL, 0, NULL, &v->e));
	script(v, "ALTER TABLE t ADD c int");
	assert_int_equal(db_run(v->db, sql, NULL, 0, NULL, &v->e), -1);
	assert_true(db_fault(v->db)->again);
	assert_int_equal(err_exit_code(&v->e), 75);
	OK(v, db_run(v->db, sql, NULL, 0, NULL, &v->e));
}

static void
copy_reports_the_line_of_an_error(void **state)
{
	struct env *v = *state;
	const struct db_fault *f = db_fault(v->db);
	int64_t rows = 0;

	script(v, "CREATE TABLE t (a int, b text)");
	OK(v, db_copy_begin(v->db, "COPY t FROM STDIN", &v->e));
	OK(v, db_copy_data(v->db, "1\tx\n2", 5, &v->e));
	OK(v, db_copy_data(v->db, "\ty\n", 3, &v->e));
	OK(v, db_copy_end(v->db, &rows, &v->e));
	assert_int_equal(rows, 2);

	OK(v, db_begin(v->db, &v->e));
	OK(v, db_copy_begin(v->db, "COPY t FROM STDIN", &v->e));
	OK(v, db_copy_data(v->db, "1\tx\nbad\ty\n", 10, &v->e));
	assert_int_equal(db_copy_end(v->db, &rows, &v->e), -1);
	assert_true(f->data);
	assert_int_equal(f->line, 2);
	assert_string_equal(f->column, "a");
	assert_string_equal(f->sqlstate, "22P02");
	db_rollback(v->db);

	OK(v, db_begin(v->db, &v->e));
	OK(v, db_copy_begin(v->db, "COPY t FROM STDIN", &v->e));
	OK(v, db_copy_data(v->db, "1\tgiven up\n", 11, &v->e));
	db_rollback(v->db);
	assert_int_equal(number(v, "SELECT count(*) FROM t"), 2);
}

static void
a_script_may_copy_to_stdout_only(void **state)
{
	struct env *v = *state;

	(void)alarm(20);
	script(v, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2);"
	    "COPY t TO STDOUT; INSERT INTO t VALUES (3)");
	assert_int_equal(number(v, "SELECT count(*) FROM t"), 3);
	assert_int_equal(db_script(v->db, "COPY t FROM STDIN; "
	    "INSERT INTO t VALUES (4)", &v->e), -1);
	assert_int_equal(v->e.code, ERR_CONFIG);
	assert_false(v->e.transient || db_fault(v->db)->again);
	assert_non_null(strstr(v->e.msg, "COPY ... FROM STDIN"));
	assert_int_equal(number(v, "SELECT count(*) FROM t"), 3);
	(void)alarm(0);
}

/* After a wait for a lock, a statement must see rows committed meanwhile. */
static void
transactions_are_read_committed(void **state)
{
	struct env *v = *state;

	script(v, "SET default_transaction_isolation = 'serializable'");
	OK(v, db_begin(v->db, &v->e));
	check_word(v, "SHOW transaction_isolation", "read committed");
	db_rollback(v->db);
}

static void
sessions_use_utc_and_utf8(void **state)
{
	struct env *v = *state;

	assert_int_equal(setenv("PGTZ", "Asia/Tokyo", 1), 0);
	assert_int_equal(setenv("PGCLIENTENCODING", "LATIN1", 1), 0);
	OK(v, db_reopen(v->db, &v->e));
	check_word(v, "SHOW TimeZone", "UTC");
	check_word(v, "SHOW client_encoding", "UTF8");
	assert_int_equal(unsetenv("PGTZ"), 0);
	assert_int_equal(unsetenv("PGCLIENTENCODING"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_POSTGRESQL(deadlocks_are_retried),
		ON_POSTGRESQL(lock_timeouts_are_retried),
		ON_POSTGRESQL(lost_connections_are_reported),
		ON_POSTGRESQL(lost_connections_can_be_reopened),
		ON_POSTGRESQL(refused_connections_have_exit_codes),
		ON_POSTGRESQL(failed_transactions_never_commit),
		ON_POSTGRESQL(changed_tables_are_retried),
		ON_POSTGRESQL(copy_reports_the_line_of_an_error),
		ON_POSTGRESQL(a_script_may_copy_to_stdout_only),
		ON_POSTGRESQL(transactions_are_read_committed),
		ON_POSTGRESQL(sessions_use_utc_and_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
