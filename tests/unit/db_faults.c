/* Tests of lib/db: which errors are faults of the record or are retried. */
#include "db_help.h"

#include "base/clock.h"
#include "base/stop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void
second(struct env *v, struct db **db)
{
	OK(v, db_open(db, v->url, &v->e));
}

static void
check_fault(struct env *v, const char *sql, const char *state,
    const char *column, const char *constraint)
{
	const struct db_fault *f = db_fault(v->db);

	assert_int_equal(db_run(v->db, sql, NULL, 0, NULL, &v->e), -1);
	if (!f->data || v->e.code != ERR_DATA || v->e.transient)
		print_error("%s: %s\n", sql, v->e.msg);
	assert_true(f->data);
	assert_false(f->again);
	assert_int_equal(v->e.code, ERR_DATA);
	assert_false(v->e.transient);
	assert_string_equal(f->sqlstate,
	    v->kind == DB_SQLITE ? "" : state);
	assert_string_equal(f->column, column);
	if (constraint != NULL)
		assert_string_equal(f->constraint, constraint);
}

static void
bad_values_are_faults_of_the_record(void **state)
{
	struct env *v = *state;
	bool lite = v->kind == DB_SQLITE;

	script(v, "CREATE TABLE p (id bigint PRIMARY KEY);"
	    "CREATE TABLE t (a bigint NOT NULL, b text UNIQUE, "
	    "c bigint, d bigint CONSTRAINT positive CHECK (d > 0), "
	    "e bigint REFERENCES p, UNIQUE (a, c));"
	    "INSERT INTO t (a, b, c) VALUES (1, 'x', 1)");
	check_fault(v, "INSERT INTO t (b) VALUES ('y')", "23502", "a", NULL);
	check_fault(v, "INSERT INTO t (a, b) VALUES (2, 'x')", "23505",
	    lite ? "b" : "", lite ? "t.b" : "t_b_key");
	check_fault(v, "INSERT INTO t (a, c) VALUES (1, 1)", "23505", "",
	    lite ? "t.a, t.c" : "t_a_c_key");
	check_fault(v, "INSERT INTO t (a, d) VALUES (2, 0)", "23514", "",
	    "positive");
	check_fault(v, "INSERT INTO t (a, e) VALUES (2, 9)", "23503", "",
	    lite ? "" : "t_e_fkey");
	if (lite) {
		script(v, "CREATE TABLE s (a INTEGER) STRICT");
		check_fault(v, "INSERT INTO s VALUES ('x')", "", "a", "");
		script(v, "CREATE TABLE i (a INTEGER PRIMARY KEY)");
		check_fault(v, "INSERT INTO i VALUES ('x')", "", "", NULL);
		check_fault(v, "INSERT INTO i VALUES (json('{'))", "", "",
		    "");
		assert_string_equal(v->e.msg, "malformed JSON");
	} else {
		check_fault(v, "INSERT INTO p VALUES ('99999999999999999999')",
		    "22003", "", "");
		check_fault(v, "INSERT INTO t (a, c) SELECT 2, id::bigint "
		    "FROM (VALUES ('x')) AS q (id)", "22P02", "", "");
	}
}

static void
bad_statements_are_not_faults_of_the_record(void **state)
{
	struct env *v = *state;

	assert_int_equal(db_run(v->db, "INSERT INTO nope VALUES (1)", NULL, 0,
	    NULL, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
	assert_false(db_fault(v->db)->data);
	assert_non_null(strstr(v->e.msg, "nope"));
	assert_int_equal(db_script(v->db, "CREATE TABEL t (a int)", &v->e),
	    -1);
	assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
	assert_null(strchr(v->e.msg, '\n'));
}

static void
busy_is_retried(void **state)
{
	struct env *v = *state;
	struct db *other;

	second(v, &other);
	OK(v, db_begin(other, &v->e));
	script(v, "PRAGMA busy_timeout = 20");
	assert_int_equal(db_begin(v->db, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), 75);
	assert_true(db_fault(v->db)->again);
	assert_false(db_fault(v->db)->data);
	db_rollback(other);
	OK(v, db_begin(v->db, &v->e));
	db_rollback(v->db);
	db_close(other);
}

static void
bad_database_files_have_exit_codes(void **state)
{
	struct env *v = *state;
	struct db *db = NULL;
	char path[128], url[160];
	int fd;

	assert_int_equal(db_open(&db, "sqlite:/nowhere/at/all.db", &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_CREATE);
	(void)snprintf(path, sizeof(path), "%s/no.db", v->dir);
	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "this is no database at all; it is "
	    "a text that somebody left here, long enough to be a header "
	    "if it were one", 100), 100);
	(void)close(fd);
	assert_int_equal(db_open(&db, url, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
	assert_non_null(strstr(v->e.msg, "no.db"));
	(void)unlink(path);
}

static void
a_full_disk_is_not_retried(void **state)
{
	struct env *v = *state;

	script(v, "CREATE TABLE t (a); PRAGMA max_page_count = 3");
	assert_int_equal(db_run(v->db, "INSERT INTO t VALUES "
	    "(zeroblob(1000000))", NULL, 0, NULL, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_IO);
	assert_false(db_fault(v->db)->data);
	script(v, "PRAGMA query_only = on");
	assert_int_equal(db_run(v->db, "DELETE FROM t", NULL, 0, NULL,
	    &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_DENIED);
}

static void
copy_is_refused_on_sqlite(void **state)
{
	struct env *v = *state;

	assert_int_equal(db_copy_begin(v->db, "COPY", &v->e), -1);
	assert_int_equal(v->e.code, ERR_BUG);
}

/* A process that waits for a lock ends at once on SIGTERM. */
static void
a_stop_signal_ends_a_lock_wait(void **state)
{
	struct env *v = *state;
	int status, ready[2];
	int64_t begun;
	struct db *db;
	char byte;
	pid_t pid;

	script(v, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		struct err e;

		stop_init();
		if (read(ready[0], &byte, 1) != 1 ||
		    db_open(&db, v->url, &e) == -1)
			_exit(9);
		if (db_run(db, "UPDATE t SET a = a", NULL, 0, NULL, &e) == 0)
			_exit(8);
		_exit(err_exit_code(&e) == 75 ? 0 : 7);
	}
	second(v, &db);
	OK(v, db_begin(db, &v->e));
	OK(v, db_script(db, "UPDATE t SET a = a", &v->e));
	assert_int_equal(write(ready[1], "x", 1), 1);
	(void)usleep(300000);
	begun = clock_ms();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(clock_ms() - begun < 1500);
	db_close(db);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

/* With RETURNING, SQLite returns the row first and commits at the next step, so
 * the failed commit comes after the row. */
static void
a_failed_commit_is_reported(void **state)
{
	struct env *v = *state;
	int64_t n = 0;

	script(v, "CREATE TABLE p (id bigint PRIMARY KEY);"
	    "CREATE TABLE c (id bigint REFERENCES p "
	    "DEFERRABLE INITIALLY DEFERRED)");
	assert_int_equal(db_query_int(v->db,
	    "INSERT INTO c VALUES (7) RETURNING id", NULL, 0, 0, &n, &v->e),
	    -1);
	OK(v, db_query_int(v->db, "SELECT count(*) FROM c", NULL, 0, 9, &n,
	    &v->e));
	assert_int_equal(n, 0);
	if (v->kind == DB_SQLITE)       /* undoes one statement only */
		return;
	OK(v, db_begin(v->db, &v->e));
	assert_int_equal(db_run(v->db, "SELECT 1 / 0", NULL, 0, NULL, &v->e),
	    -1);
	assert_int_equal(db_commit(v->db, &v->e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(bad_values_are_faults_of_the_record),
		ON_BOTH(bad_statements_are_not_faults_of_the_record),
		ON_SQLITE(busy_is_retried),
		ON_SQLITE(bad_database_files_have_exit_codes),
		ON_SQLITE(a_full_disk_is_not_retried),
		ON_SQLITE(copy_is_refused_on_sqlite),
		ON_BOTH(a_stop_signal_ends_a_lock_wait),
		ON_BOTH(a_failed_commit_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
