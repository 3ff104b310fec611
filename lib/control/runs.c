#include "control/runs.h"

#include "base/buf.h"
#include "base/text.h"
#include "control/run_counts.h"

#include <string.h>

enum { MESSAGE_BYTES = 32768, TEXTS = 3 };

/* The values that are written into the row of a run in pipeline_runs when the
 * run is completed or abandoned. */
struct ending {
	struct run_end out;
	struct run_counts run_counts;
	struct buf stages, message;
	struct buf done;        /* tables whose stream was loaded to its last
	                         * line, the mark `end` */
	struct buf open;        /* tables whose stream was loaded only in
	                         * part */
	struct buf ascii[TEXTS];
};

static void
ending_init(struct ending *n)
{
	*n = (struct ending){ .out = { 0 } };
	buf_init(&n->stages, SIZE_MAX / 4);
	buf_init(&n->message, SIZE_MAX / 4);
	buf_init(&n->done, SIZE_MAX / 4);
	buf_init(&n->open, SIZE_MAX / 4);
	for (int i = 0; i < TEXTS; i++)
		buf_init(&n->ascii[i], SIZE_MAX / 4);
}

static void
ending_release(struct ending *n)
{
	run_counts_release(&n->run_counts);
	buf_release(&n->stages);
	buf_release(&n->message);
	buf_release(&n->done);
	buf_release(&n->open);
	for (int i = 0; i < TEXTS; i++)
		buf_release(&n->ascii[i]);
}

int
run_start(struct db *db, struct run *r, struct err *e)
{
	struct db_value v[] = { db_text(r->pipeline), db_text(r->run),
	    DB_I(r->attempt), db_text(r->retry_of), db_text(r->host),
	    db_text(r->traceparent) };

	return db_int(db, db_sql(db, SQL_RUN_START), v, 6, 0, &r->row, e);
}

int
run_set_renewed_at_if_running(struct db *db, const char *run, struct err *e)
{
	struct db_value v = db_text(run);

	return db_run(db, db_sql(db, SQL_RUN_RENEW), &v, 1, NULL, e);
}

static int
find_running_row_or_fail(struct db *db, enum sql_id sql, const char *run,
    int64_t *row, struct err *e)
{
	struct db_value v = db_text(run);

	if (db_int(db, db_sql(db, sql), &v, 1, 0, row, e) == -1)
		return -1;
	if (*row == 0)
		return err_set(e, ERR_RETRY, false, "run %s has ended or was "
		    "abandoned: its row in pipeline_runs is not in status "
		    "running", run);
	return 0;
}

int
run_lock_if_running(struct db *db, const char *run, int64_t *row, struct err *e)
{
	return find_running_row_or_fail(db, SQL_RUN_FENCE, run, row, e);
}

static int
add_ledger_row_to_ending(struct ending *n, struct db_rows *r, struct err *e)
{
	struct db_value target = db_column(r, 0), counts = db_column(r, 2);
	bool ended = db_column(r, 1).i != 0;
	struct buf *list = ended ? &n->done : &n->open;

	n->out.streams++;
	n->out.ended += ended;
	n->out.appended |= db_column(r, 3).i != 0;
	if (list->len > 0)
		buf_str(list, ", ");
	buf_add(list, target.p, target.len);
	if (counts.type != DB_TEXT ||
	    run_counts_add(&n->run_counts, counts.p, counts.len, e) == 0)
		return 0;
	/* Ignore counts of the row that cannot be parsed (ERR_PEER). If they
	 * were a failure, the end of the run could never be written, and its
	 * row would stay in status running. */
	return e->code == ERR_PEER ? 0 : -1;
}

static int
read_ledger_rows(
    struct ending *n, struct db *db, const char *run, struct err *e)
{
	struct db_value v = db_text(run);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_RUN_LOADS), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = add_ledger_row_to_ending(n, r, e)) == -1)
			break;
	db_end(r);
	return rc;
}

static void
set_end_counts(struct ending *n)
{
	struct run_end *out = &n->out;
	const struct run_counts *t = &n->run_counts;

	out->extracted = t->extracted;
	out->loaded = run_counts_sum(t, COUNT_INSERTED) +
	    run_counts_sum(t, COUNT_UPDATED) + run_counts_sum(t, COUNT_DELETED);
	out->unchanged = run_counts_sum(t, COUNT_UNCHANGED);
	out->dropped = run_counts_sum(t, COUNT_DROPPED);
	out->rejected = run_counts_sum(t, COUNT_REJECTED);
	out->superseded = run_counts_sum(t, COUNT_SUPERSEDED);
	out->skipped = run_counts_sum(t, COUNT_SKIPPED);
}

/* Appends a text that may hold any bytes, because it may be a program's stderr.
 * A long text is cut, and "?" is written for each byte that is not UTF-8. */
static void
append_cut_and_as_utf8(struct buf *b, const char *given)
{
	size_t n = strnlen(given, MESSAGE_BYTES), good;

	while (n > 0) {
		good = utf8_valid_length(given, n);
		buf_add(b, given, good);
		if (good == n)
			return;
		if (n - good > 3 || given[n] == '\0')
			buf_char(b, '?');
		given += good + 1;
		n -= good + 1;
	}
}

static void
compose_message(struct ending *n, const char *given)
{
	struct buf *b = &n->message;

	if (given != NULL)
		append_cut_and_as_utf8(b, given);
	if (n->out.success)
		return;
	if (n->open.len > 0)
		buf_printf(b, "%sloaded only in part: %s",
		    b->len > 0 ? "; " : "", buf_text(&n->open));
	if (n->done.len > 0)
		buf_printf(b, "%sloaded completely: %s",
		    b->len > 0 ? "; " : "", buf_text(&n->done));
}

/* If the database's encoding cannot hold all characters, writes the texts in
 * ASCII, with escapes. Otherwise the UPDATE could fail, and the row would stay
 * in status running. */
static int
escape_texts_if_encoding_is_limited(
    struct ending *n, struct db *db, const char *texts[TEXTS], struct err *e)
{
	int limited = db_encoding_lacks_characters(db, e);

	for (int i = 0; i < TEXTS && limited == 1; i++)
		if (texts[i] != NULL) {
			text_escape_non_ascii(
			    &n->ascii[i], texts[i], strlen(texts[i]));
			texts[i] = buf_text(&n->ascii[i]);
			if (buf_check(&n->ascii[i], e) == -1)
				return -1;
		}
	return limited == -1 ? -1 : 0;
}

static int
update_row_at_run_end(struct ending *n, struct db *db, const char *run,
    const char *status, const char *log, struct err *e)
{
	const struct run_end *out = &n->out;
	const char *texts[TEXTS] = { NULL, NULL, out->success ? NULL : log };

	run_counts_put_json(&n->stages, &n->run_counts);
	if (n->message.len > 0)
		texts[0] = buf_text(&n->message);
	if (out->streams > 0)
		texts[1] = buf_text(&n->stages);
	if (buf_check(&n->stages, e) == -1 ||
	    buf_check(&n->message, e) == -1 ||
	    buf_check(&n->done, e) == -1 || buf_check(&n->open, e) == -1 ||
	    escape_texts_if_encoding_is_limited(n, db, texts, e) == -1)
		return -1;
	struct db_value v[] = { db_text(run), db_text(status),
	    db_text(texts[0]), DB_I(out->extracted), DB_I(out->loaded),
	    DB_I(out->unchanged), DB_I(out->dropped), DB_I(out->rejected),
	    db_text(texts[1]), db_text(texts[2]) };

	return db_run(db, db_sql(db, SQL_RUN_END), v, 10, NULL, e);
}

/* Locks the run's row in pipeline_runs before it reads the run's counts from
 * the table etl_loads. The lock waits for a COMMIT that etl-load has already
 * sent. Later etl-load cannot commit, because it checks that the row is in
 * status running. So the counts are final. */
static int
lock_row_and_write_run_end(struct ending *n, struct db *db, const char *run,
    bool script_ok, bool abandoned, const struct run_texts *texts,
    struct err *e)
{
	const char *status = "abandoned";
	int64_t row;

	if (db_run(db, db_sql(db, SQL_RUN_WAIT_LIMIT), NULL, 0, NULL, e) ==
		-1 ||
	    find_running_row_or_fail(db, SQL_RUN_LOCK, run, &row, e) == -1 ||
	    read_ledger_rows(n, db, run, e) == -1)
		return -1;
	set_end_counts(n);
	if (!abandoned) {
		n->out.success = script_ok &&
		    n->out.ended == n->out.streams;
		status = n->out.success ? "success" : "failed";
	}
	compose_message(n, texts->message);
	return update_row_at_run_end(n, db, run, status, texts->log, e);
}

static int
end_run_in_transaction(struct db *db, const char *run, bool script_ok,
    bool abandoned, const struct run_texts *texts, struct run_end *out,
    struct err *e)
{
	struct ending n;
	int rc = -1;

	ending_init(&n);
	if (db_begin(db, e) == -1)
		goto out;
	rc = lock_row_and_write_run_end(
	    &n, db, run, script_ok, abandoned, texts, e);
	if (rc == 0) {
		*out = n.out;
		rc = db_commit(db, e);
	}
	if (rc == -1)
		db_rollback(db);
out:
	ending_release(&n);
	return rc;
}

int
run_complete(struct db *db, const char *run, bool script_ok,
    const struct run_texts *texts, struct run_end *out, struct err *e)
{
	return end_run_in_transaction(db, run, script_ok, false, texts, out, e);
}

/* A stale run is in status running although its etl-run has probably exited.
 * Sets *run to the uuid of the oldest stale run of this pipeline, or to "" if
 * no run is stale. */
static int
find_oldest_stale_run(struct db *db, const char *pipeline, const char *host,
    struct buf *run, struct err *e)
{
	struct db_value v[] = { db_text(pipeline), db_text(host) };
	struct db_rows *r;
	int rc;

	buf_clear(run);
	if (db_query(db, &r, db_sql(db, SQL_RUN_LIST_STALE), v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		buf_add(run, db_column(r, 0).p, db_column(r, 0).len);
	db_end(r);
	return rc == -1 ? -1 : buf_check(run, e);
}

int
run_abandon_stale(struct db *db, const char *pipeline, const char *host,
    int64_t *n, struct err *e)
{
	const struct run_texts why = {
		.message = "etl-run ended before it had completed this run"
	};
	struct run_end end;
	struct buf run;
	int rc;

	*n = 0;
	buf_init(&run, SIZE_MAX / 4);
	while ((rc = find_oldest_stale_run(db, pipeline, host, &run, e)) == 0 &&
	    run.len > 0) {
		rc = end_run_in_transaction(
		    db, buf_text(&run), false, true, &why, &end, e);
		/* Ignore ERR_RETRY: another process has set the status
		 * abandoned for the same run at the same time. */
		if (rc == -1 && e->code != ERR_RETRY)
			break;
		*n += rc == 0;
	}
	buf_release(&run);
	return rc;
}
