/* Tests of the control tables, the rows of runs, and the ledger (etl_loads). */
#include "db_help.h"

#include "base/buf.h"
#include "control/control.h"
#include "control/ledger.h"
#include "control/runs.h"

#include <sys/wait.h>

enum { RACERS = 8 };

static const char counts[] = "[{\"stage\":\"extract\",\"in\":0,\"out\":95,"
    "\"dropped\":0,\"rejected\":5,\"aside\":1},{\"stage\":\"transform\","
    "\"in\":95,\"out\":90,\"dropped\":3,\"rejected\":2},{\"stage\":\"load\","
    "\"in\":90,\"inserted\":50,\"updated\":20,\"unchanged\":10,"
    "\"superseded\":4,\"skipped\":0,\"deleted\":2,\"rejected\":4}]";

static void
start(struct env *v, const char *run, const char *host)
{
	struct run r = { .run = run, .pipeline = "posts", .host = host,
	    .attempt = 1 };

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	OK(v, run_insert(v->db, &r, &v->e));
	assert_int_not_equal(r.row, 0);
}

static int
complete(struct env *v, const char *run, bool ok, const char *message,
    struct run_end *end)
{
	const struct run_outcome o = { .script_ok = ok,
		.texts = { .message = message, .log = "log\n" } };

	return run_complete(v->db, run, &o, end, NULL, &v->e);
}

static enum ledger_result
move(struct env *v, const struct ledger *l)
{
	enum ledger_result rc;

	OK(v, db_begin(v->db, &v->e));
	OK(v, rc = ledger_record(v->db, l, &v->e));
	if (rc == LEDGER_ROW_MATCHED)
		OK(v, db_commit(v->db, &v->e));
	else
		db_rollback(v->db);
	return rc;
}

static void
control_tables_are_created_once(void **state)
{
	struct env *v = *state;
	pid_t pid[RACERS];
	int go[2], status;
	char byte;

	assert_int_equal(pipe(go), 0);
	for (int i = 0; i < RACERS; i++) {
		if ((pid[i] = fork()) != 0)
			continue;
		struct err e;
		struct db *db;

		(void)close(go[1]);
		if (db_open(&db, v->url, &e) == -1)
			_exit(2);
		if (read(go[0], &byte, 1) != 0)
			_exit(3);
		_exit(control_ensure_tables(db, NULL, true, &e) == -1);
	}
	(void)usleep(100000);
	(void)close(go[0]);
	(void)close(go[1]);
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(number(v, "SELECT count(*) FROM etl_control"), 1);
	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	script(v, "UPDATE etl_control SET version = 99");
	assert_int_equal(control_ensure_tables(v->db, NULL, true, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
	assert_non_null(strstr(v->e.msg, "99"));
}

static void
half_created_tables_are_rolled_back(void **state)
{
	struct env *v = *state;

	script(v, "CREATE TABLE etl_loads (mine int)");
	assert_int_equal(control_ensure_tables(v->db, NULL, true, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
	assert_non_null(strstr(v->e.msg, "etl_loads"));
	script(v, "DROP TABLE etl_loads");
	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
}

static void
a_run_with_ended_streams_succeeds(void **state)
{
	struct env *v = *state;
	struct ledger l = { "s1", "posts", "r1", 0, 1, true, true, counts,
	    0, -1 };
	struct run_end end;
	int64_t row;

	start(v, "r1", "h");
	OK(v, db_begin(v->db, &v->e));
	OK(v, control_limit_idle(v->db, &v->e));
	OK(v, run_fence(v->db, "r1", &row, &v->e));
	assert_int_equal(row, 1);
	OK(v, db_commit(v->db, &v->e));
	OK(v, run_renew(v->db, "r1", &v->e));
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	l.stream_id = "s2";
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	OK(v, complete(v, "r1", true, NULL, &end));
	assert_true(end.success);
	assert_true(end.appended);
	assert_int_equal(end.streams, 2);
	assert_int_equal(end.ended, 2);
	assert_int_equal(end.extracted, 200);
	assert_int_equal(end.loaded, 144);
	assert_int_equal(end.unchanged, 20);
	assert_int_equal(end.dropped, 6);
	assert_int_equal(end.rejected, 22);
	check_word(v, "SELECT status FROM pipeline_runs", "success");
	assert_int_equal(number(v, "SELECT errors FROM pipeline_runs"), 22);
	assert_int_equal(number(v, "SELECT count(completed_at) FROM "
	    "pipeline_runs WHERE error_message IS NULL AND log IS NULL"), 1);
	check_word(v, "SELECT stages FROM pipeline_runs",
	    "[{\"stage\":\"extract\",\"in\":0,\"out\":190,\"dropped\":0,"
	    "\"rejected\":10,\"aside\":2},{\"stage\":\"transform\","
	    "\"in\":190,\"out\":180,\"dropped\":6,\"rejected\":4},"
	    "{\"stage\":\"load\",\"in\":180,\"rejected\":8,"
	    "\"inserted\":100,\"updated\":40,\"unchanged\":20,"
	    "\"superseded\":8,\"skipped\":0,\"deleted\":4}]");

	/* A run that has ended cannot be changed. */
	assert_int_equal(run_fence(v->db, "r1", &row, &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), 75);
	assert_int_equal(complete(v, "r1", false, "x", &end), -1);
	assert_int_equal(err_exit_code(&v->e), 75);
	check_word(v, "SELECT status FROM pipeline_runs", "success");
}

static void
a_run_with_a_failure_fails(void **state)
{
	struct env *v = *state;
	struct ledger l = { "s1", "posts", "r1", 0, 0, true, false, counts,
	    0, -1 };
	struct run_end end;

	start(v, "r1", "h");
	OK(v, complete(v, "r1", false, "etl-extract: 404", &end));
	assert_false(end.success);
	check_word(v, "SELECT error_message FROM pipeline_runs",
	    "etl-extract: 404");
	check_word(v, "SELECT log FROM pipeline_runs", "log\n");
	assert_int_equal(number(v, "SELECT errors FROM pipeline_runs"), 1);
	assert_int_equal(number(v, "SELECT count(stages) "
	    "FROM pipeline_runs"), 0);

	start(v, "r2", "h");
	l.run = "r2";
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	l.stream_id = "s2";
	l.target = "users";
	l.ended = false;
	l.counts = "no JSON";
	if (v->kind == DB_SQLITE)
		l.counts = "{}";
	else
		l.counts = "[7]";
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	OK(v, complete(v, "r2", true, "cut", &end));
	assert_false(end.success);
	assert_false(end.appended);
	assert_int_equal(end.ended, 1);
	check_word(v, "SELECT error_message FROM pipeline_runs "
	    "WHERE run = 'r2'", "cut; loaded only in part: users; "
	    "loaded completely: posts");
	check_word(v, "SELECT status FROM pipeline_runs WHERE run = 'r2'",
	    "failed");

	/* A run without a loader succeeds if its script succeeds. */
	start(v, "r3", "h");
	OK(v, complete(v, "r3", true, NULL, &end));
	assert_true(end.success);
}

/* A run is completed whatever bytes a stage has written to stderr. */
static void
any_error_message_can_be_stored(void **state)
{
	struct env *v = *state;
	struct run_end end;
	char *message = malloc(100001);

	assert_non_null(message);
	start(v, "r1", "h");
	OK(v, complete(v, "r1", false, "a\xff\xc3\xa9\xc3", &end));
	check_word(v, "SELECT error_message FROM pipeline_runs",
	    "a?\xc3\xa9?");
	start(v, "r2", "h");
	memset(message, 'x', 100000);
	memcpy(message + 32767, "\xc3\xa9", 2);
	message[100000] = '\0';
	OK(v, complete(v, "r2", false, message, &end));
	assert_int_equal(number(v, "SELECT length(error_message) "
	    "FROM pipeline_runs WHERE run = 'r2'"), 32767);
	free(message);
}

/* Runs on the host "here" are alive, others if they were renewed. */
static bool
is_alive(const struct run *self, const struct run *other, bool is_fresh)
{
	return is_fresh || strcmp(self->host, other->host) == 0;
}

static void
runs_of_killed_processes_are_abandoned(void **state)
{
	struct env *v = *state;
	struct ledger l = { "s1", "posts", "r1", 0, 0, true, false, counts,
	    0, -1 };
	struct run self = { .run = "r9", .host = "here", .attempt = 1,
	    .pid = 9, .pipeline = "other" };
	int64_t n, row;

	start(v, "r1", "gone");
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	start(v, "r2", "gone");
	start(v, "r3", "here");
	script(v, v->kind == DB_SQLITE ? "UPDATE pipeline_runs SET "
	    "renewed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', "
	    "'-601 seconds')" : "UPDATE pipeline_runs SET "
	    "renewed_at = now() - interval '601 s'");
	assert_int_equal(
	    run_take_lease(v->db, &self, is_alive, NULL, &n, &v->e), 0);
	assert_int_equal(n, 0);
	assert_int_not_equal(self.row, 0);
	self.run = "r8";
	self.pipeline = "posts";
	assert_int_equal(
	    run_take_lease(v->db, &self, is_alive, NULL, &n, &v->e), 1);
	assert_int_equal(v->e.code, ERR_RETRY);
	assert_non_null(strstr(
	    v->e.msg, "already running on the host here (run r3, "));
	assert_int_equal(n, 2);
	assert_int_equal(self.row, 0);
	assert_int_equal(number(v, "SELECT count(*) FROM pipeline_runs "
	    "WHERE status = 'abandoned' AND run IN ('r1', 'r2')"), 2);
	assert_int_equal(number(v, "SELECT records_loaded "
	    "FROM pipeline_runs WHERE run = 'r1'"), 72);
	assert_int_equal(run_fence(v->db, "r1", &row, &v->e), -1);
	OK(v, run_fence(v->db, "r3", &row, &v->e));
}

/* Two etl-runs that both found no other run cannot both insert a row. */
static void
a_pipeline_has_one_running_row(void **state)
{
	struct env *v = *state;
	struct run r = { .run = "r1", .pipeline = "posts", .host = "here",
	    .attempt = 1, .pid = 1 };
	struct run_end end;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	OK(v, run_insert(v->db, &r, &v->e));
	assert_int_not_equal(r.row, 0);
	r.run = "r2";
	OK(v, run_insert(v->db, &r, &v->e));
	assert_int_equal(r.row, 0);
	OK(v, complete(v, "r1", true, NULL, &end));
	OK(v, run_insert(v->db, &r, &v->e));
	assert_int_not_equal(r.row, 0);
}

static void
the_ledger_reports_each_case(void **state)
{
	struct env *v = *state;
	struct ledger l = { "s", "t", NULL, 0, 1, false, false, "[]", 0,
	    -1 };
	struct ledger_row row;
	struct buf b;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	OK(v, ledger_read(v->db, &l, &row, NULL, &v->e));
	assert_false(row.there);
	assert_int_equal(row.batch, 0);
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	assert_int_equal(move(v, &l), LEDGER_DONE);
	l.seq = 7;
	assert_int_equal(move(v, &l), LEDGER_AHEAD);
	l.batch = 1;
	l.seq = 0;
	l.counts = "[{\"stage\":\"load\",\"in\":1}]";
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	assert_int_equal(move(v, &l), LEDGER_DONE);
	l.batch = 0;
	assert_int_equal(move(v, &l), LEDGER_AHEAD);
	l.batch = 2;
	l.ended = true;
	l.seq = 3;
	l.version = 5;
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	buf_init(&b, 4096);
	OK(v, ledger_read(v->db, &l, &row, &b, &v->e));
	assert_int_equal(row.batch, 3);
	assert_int_equal(row.seq, 3);
	assert_int_equal(row.version, 5);
	assert_true(row.ended);
	assert_true(row.own);
	assert_string_equal(buf_text(&b), l.counts);
	buf_release(&b);
	l.run = "another";
	OK(v, ledger_read(v->db, &l, &row, NULL, &v->e));
	assert_false(row.own);
	l.batch = 9;
	OK(v, db_begin(v->db, &v->e));
	assert_int_equal(ledger_record(v->db, &l, &v->e), LEDGER_FAILED);
	assert_int_equal(err_exit_code(&v->e), 75);
	db_rollback(v->db);
}

static void
a_closed_ledger_row_cannot_move(void **state)
{
	struct env *v = *state;
	struct ledger l = { "s", "t", NULL, 0, 1, false, false, "[]", 0,
	    -1 };
	struct ledger_row row;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	assert_int_equal(ledger_close(v->db, &l, &v->e), LEDGER_ROW_MATCHED);
	assert_int_equal(ledger_close(v->db, &l, &v->e), LEDGER_ROW_CLOSED);
	assert_int_equal(move(v, &l), LEDGER_ROW_CLOSED);
	l.target = "u";
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
	assert_int_equal(ledger_close(v->db, &l, &v->e), LEDGER_DONE);
	l.batch = 1;
	assert_int_equal(ledger_close(v->db, &l, &v->e), LEDGER_ROW_MATCHED);
	assert_int_equal(ledger_close(v->db, &l, &v->e), LEDGER_ROW_CLOSED);
	assert_int_equal(move(v, &l), LEDGER_ROW_CLOSED);
	/* The stream can go on, but not a loader that missed the change. */
	OK(v, ledger_reopen(v->db, &l, &v->e));
	OK(v, ledger_reopen(v->db, &l, &v->e));
	OK(v, ledger_read(v->db, &l, &row, NULL, &v->e));
	assert_false(row.taken);
	assert_int_equal(row.batch, 3);
	assert_int_equal(move(v, &l), LEDGER_AHEAD);
	l.seq = 0;
	assert_int_equal(move(v, &l), LEDGER_AHEAD);
	l.batch = row.batch;
	assert_int_equal(move(v, &l), LEDGER_ROW_MATCHED);
}

/* run_complete() waits for a loader that is committing, and counts its rows. */
static void
completing_waits_for_a_commit(void **state)
{
	struct env *v = *state;
	struct ledger l = { "s1", "posts", "r1", 0, 0, true, false, counts,
	    0, -1 };
	struct run_end end;
	struct db *loader;
	int status, go[2];
	int64_t row;
	pid_t pid;
	char byte;

	start(v, "r1", "h");
	assert_int_equal(pipe(go), 0);
	/* Fork first: a SQLite connection must not be open over fork(). */
	if ((pid = fork()) == 0) {
		struct err e;
		struct db *db;

		if (read(go[0], &byte, 1) != 1 || control_open(&db, v->url,
		    NULL, true, &e) == -1)
			_exit(2);
		_exit(run_complete(db, "r1",
		    &(struct run_outcome){ .script_ok = true }, &end, NULL,
		    &e) == -1 || end.loaded != 72 || !end.success);
	}
	OK(v, control_open(&loader, v->url, NULL, true, &v->e));
	OK(v, db_begin(loader, &v->e));
	OK(v, run_fence(loader, "r1", &row, &v->e));
	assert_int_equal(write(go[1], "x", 1), 1);
	(void)usleep(300000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	OK(v, ledger_record(loader, &l, &v->e));
	OK(v, db_commit(loader, &v->e));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	db_close(loader);
	(void)close(go[0]);
	(void)close(go[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(control_tables_are_created_once),
		ON_BOTH(half_created_tables_are_rolled_back),
		ON_BOTH(a_run_with_ended_streams_succeeds),
		ON_BOTH(a_run_with_a_failure_fails),
		ON_BOTH(any_error_message_can_be_stored),
		ON_BOTH(runs_of_killed_processes_are_abandoned),
		ON_BOTH(a_pipeline_has_one_running_row),
		ON_BOTH(the_ledger_reports_each_case),
		ON_BOTH(a_closed_ledger_row_cannot_move),
		ON_BOTH(completing_waits_for_a_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
