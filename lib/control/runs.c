#include "control/runs.h"

#include "base/buf.h"
#include "base/text.h"
#include "control/run_counts.h"
#include "db/db.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The columns of a row of pipeline_runs, in the order in which the SQL
 * statement run_row (sql/DIALECT/runs.sql) selects them. */
static const struct {
	const char *name;
	bool json;              /* the text is JSON: copy it as it is */
} columns[] = {
	{ "id", false }, { "started_at", false }, { "completed_at", false },
	{ "status", false }, { "records_extracted", false },
	{ "records_loaded", false }, { "errors", false },
	{ "error_message", false }, { "pipeline", false }, { "run", false },
	{ "attempt", false }, { "retry_of", false }, { "renewed_at", false },
	{ "dropped", false }, { "unchanged", false }, { "rejected", false },
	{ "host", false }, { "stages", true }, { "traceparent", false },
	{ "log", false }, { "script", false }, { "machine", false },
	{ "pid", false }, { "pid_started", false }, { "pid_namespace", false },
	{ "boot", false }, { "host_id", false },
};

static void
put_column(struct buf *out, const char *name, bool json,
    const struct db_value *v)
{
	if (v->type == DB_INT)
		json_put_int(out, name, v->i);
	else if (v->type != DB_TEXT)
		json_put_raw(out, name, "null", 4);
	else if (json)
		json_put_raw(out, name, v->p, v->len);
	else
		json_put_member(out, name, v->p, v->len);
}

int
run_put_json(struct db *db, const char *run, struct buf *out, struct err *e)
{
	struct db_value v = db_text(run);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_RUN_ROW), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		buf_char(out, '{');
		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]);
		    i++) {
			struct db_value c = db_column(r, i);

			put_column(out, columns[i].name, columns[i].json, &c);
		}
		buf_char(out, '}');
	} else if (rc == 0) {
		rc = err_set(e, ERR_RETRY, false, "run %s has no row in "
		    "pipeline_runs: another program has deleted it", run);
	}
	db_end(r);
	return rc == -1 ? -1 : buf_check(out, e);
}

enum { MESSAGE_BYTES = 32768 };

/* Appends a text of any bytes, for example what a program has written to
 * stderr. Cuts a long text, and writes "?" for each byte that is not UTF-8. */
static void
run_put_text(struct buf *b, const char *given)
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

/* If the database's encoding cannot hold all characters of Unicode, replaces
 * the n texts by texts in ASCII with escapes, and keeps these in `ascii`.
 * Without this the UPDATE could fail, and the row would stay in status
 * running. */
static int
run_escape_texts(struct buf *ascii, const char **texts, size_t n, struct db *db,
    struct err *e)
{
	int limited = db_lacks_unicode(db, e);

	for (size_t i = 0; i < n && limited == 1; i++)
		if (texts[i] != NULL) {
			text_put_ascii(&ascii[i], texts[i], strlen(texts[i]));
			texts[i] = buf_text(&ascii[i]);
			if (buf_check(&ascii[i], e) == -1)
				return -1;
		}
	return limited == -1 ? -1 : 0;
}

enum { TEXTS = 3, BUFFERS = 7 + TEXTS };

/* The values that are written into the row of a run in pipeline_runs when the
 * run is completed or abandoned. */
struct ending {
	struct run_end out;
	const struct run_outcome *how;
	struct run_counts run_counts;
	union {
		struct buf all[BUFFERS];
		struct {
			struct buf stages, message;
			struct buf done;        /* tables whose stream was
			                         * loaded to its last line, the
			                         * mark `end` */
			struct buf open;        /* tables whose stream was
			                         * loaded only in part */
			struct buf appended;    /* tables in `done` to which
			                         * rows were appended without a
			                         * checkpoint */
			struct buf failed;      /* streams that failed or did
			                         * not end */
			struct buf lost;        /* rejects that were kept
			                         * nowhere */
			struct buf ascii[TEXTS];
		};
	};
	bool *open_has_ended;   /* for each load of how->streams->open */
	bool incomplete;        /* a stream failed or did not end */
};

static const struct run_streams no_streams;

static const struct run_streams *
get_streams(const struct ending *n)
{
	return n->how->streams != NULL ? n->how->streams : &no_streams;
}

static int
ending_init(struct ending *n, const struct run_outcome *how, struct err *e)
{
	*n = (struct ending){ .how = how };
	for (size_t i = 0; i < BUFFERS; i++)
		buf_init(&n->all[i], SIZE_MAX / 4);
	n->open_has_ended = calloc(get_streams(n)->nopen + 1, sizeof(bool));
	return n->open_has_ended == NULL ? err_nomem(e) : 0;
}

static void
ending_release(struct ending *n)
{
	run_counts_release(&n->run_counts);
	for (size_t i = 0; i < BUFFERS; i++)
		buf_release(&n->all[i]);
	free(n->open_has_ended);
}

/* Appends the separator; nothing to an empty list. */
static void
put_separator(struct buf *b, const char *separator)
{
	if (b->len > 0)
		buf_str(b, separator);
}

/* Returns true if this is the ledger row of the load. */
static bool
is_load_row(const struct run_load *l, const struct db_value *id,
    const struct db_value *target)
{
	return l->stream_id != NULL && l->target != NULL &&
	    strlen(l->stream_id) == id->len &&
	    memcmp(l->stream_id, id->p, id->len) == 0 &&
	    strlen(l->target) == target->len &&
	    memcmp(l->target, target->p, target->len) == 0;
}

/* Returns true if this ledger row does not make the run fail: the row has
 * ended, or its load failed but was repeated with success. If the row has
 * ended, also notes this for its load, which has not reported its end. */
static bool
note_load_row(struct ending *n, const struct db_value *id,
    const struct db_value *target, bool ended)
{
	const struct run_streams *s = get_streams(n);

	for (size_t i = 0; i < s->nopen; i++)
		n->open_has_ended[i] |=
		    ended && is_load_row(&s->open[i], id, target);
	for (size_t i = 0; i < s->nrepeated; i++)
		if (is_load_row(&s->repeated[i], id, target))
			return true;
	return ended;
}

/* The number of rejects that were sent on in the stream and not written to a
 * file or descriptor 3. */
static int64_t
sum_sent_rejects(const struct run_counts *t)
{
	return run_counts_sum(t, COUNT_REJECTED) -
	    run_counts_sum(t, COUNT_ASIDE);
}

/* Appends the target of a ledger row to the list of lost rejects: its stages
 * have sent `sent` rejects into the stream, but only `kept` of them are
 * stored. */
static int
list_lost_rejects(struct ending *n, const struct db_value *json,
    const struct db_value *target, int64_t sent, int64_t kept, struct err *e)
{
	struct run_counts one = { 0 };
	int rc = run_counts_add_json(&one, json->p, json->len, e);

	n->out.lost_rejects += sent - kept;
	put_separator(&n->lost, ", ");
	buf_add(&n->lost, target->p, target->len);
	buf_printf(&n->lost, " (%lld of %lld", (long long)(sent - kept),
	    (long long)sent);
	for (size_t i = 0; i < one.n; i++)
		if (one.stages[i].count[COUNT_REJECTED] > 0)
			buf_printf(&n->lost, ", stage %s: %lld",
			    one.stages[i].name, (long long)
			    one.stages[i].count[COUNT_REJECTED]);
	buf_char(&n->lost, ')');
	run_counts_release(&one);
	return rc;
}

/* Adds the counts of a ledger row. If fewer rejects are stored as dead letters
 * or in files (`kept`) than were sent, lists how many are missing. Ignores
 * counts that cannot be parsed (ERR_PEER): if they made this call fail, the end
 * of the run could never be written, and its row would stay in status
 * running. */
static int
add_counts(struct ending *n, const struct db_value *json,
    const struct db_value *target, const struct db_value *kept, struct err *e)
{
	int64_t sent = -sum_sent_rejects(&n->run_counts);
	int rc = run_counts_add_json(&n->run_counts, json->p, json->len, e);

	sent += sum_sent_rejects(&n->run_counts);
	if (rc == 0 && kept->type == DB_INT && sent > kept->i)
		rc = list_lost_rejects(n, json, target, sent, kept->i, e);
	return rc == 0 || e->code == ERR_PEER ? 0 : -1;
}

static int
add_ledger_row(struct ending *n, struct db_rows *r, struct err *e)
{
	struct db_value target = db_column(r, 0), counts = db_column(r, 2),
	    id = db_column(r, 4), kept = db_column(r, 5);
	bool ended = db_column(r, 1).i != 0, appends = db_column(r, 3).i != 0;
	struct buf *list = ended ? &n->done : &n->open;

	n->out.streams++;
	n->out.ended += ended;
	n->out.appended |= appends;
	n->out.append_ended |= appends && ended;
	n->incomplete |= !note_load_row(n, &id, &target, ended);
	put_separator(list, ", ");
	buf_add(list, target.p, target.len);
	if (appends && ended) {
		put_separator(&n->appended, ", ");
		buf_add(&n->appended, target.p, target.len);
	}
	if (!ended)
		kept.type = DB_NULL;
	return counts.type != DB_TEXT ? 0 : add_counts(n, &counts, &target,
	    &kept, e);
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
		if ((rc = add_ledger_row(n, r, e)) == -1)
			break;
	db_end(r);
	return rc;
}

static void
fill_end_counts(struct ending *n)
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
	out->missed = run_counts_sum(t, COUNT_MISSED);
	out->removed = run_counts_sum(t, COUNT_REMOVED);
}

/* Lists the streams that failed, which a stage has reported, and the streams
 * that did not end, because they were loaded only in part. */
static void
list_failed_streams(struct ending *n)
{
	const struct run_streams *s = get_streams(n);

	if (s->failed != NULL)
		buf_str(&n->failed, s->failed);
	for (size_t i = 0; i < s->nopen; i++)
		if (!n->open_has_ended[i]) {
			put_separator(&n->failed, ", ");
			buf_printf(&n->failed, "%s (did not end)",
			    s->open[i].stream);
		}
	n->out.streams_failed = n->failed.len > 0 || n->incomplete;
	if (n->failed.len == 0 && n->incomplete && n->how->tolerates)
		buf_printf(&n->failed, "the load of %s (did not end)",
		    buf_text(&n->open));
	if (s->lost != NULL) {
		n->out.lost_rejects += s->lost_rejects;
		put_separator(&n->lost, ", ");
		buf_str(&n->lost, s->lost);
	}
}

/* Appends the streams that failed and the rejects that were lost: the reason
 * why the run fails although its script exited with 0, or what --tolerate
 * permits. */
static void
put_failures(struct buf *b, struct ending *n)
{
	if (n->failed.len > 0)
		buf_printf(b, "%s%s that failed%s: %s",
		    b->len > 0 ? "; " : "", get_streams(n)->nested_failed ?
		    "runs or streams" : "streams", n->out.success ?
		    " (--tolerate)" : "", buf_text(&n->failed));
	if (n->lost.len > 0)
		buf_printf(b, "%srejected records that no dead letter, file or "
		    "file descriptor 3 has: %s", b->len > 0 ? "; " : "",
		    buf_text(&n->lost));
}

/* Lists what was complete when the run was killed. Such a run is never a
 * success, even if all its streams have ended: its script may have had more to
 * do. */
static void
put_ended_streams(struct buf *b, struct ending *n)
{
	/* If a loader was killed before it read its input, it has reported
	 * nothing, and `unread` is set: it is not known whether all streams
	 * have ended. */
	if (n->out.streams > 0 && !n->out.streams_failed &&
	    !get_streams(n)->unread)
		buf_printf(b, "; all streams that %s have ended",
		    n->how->streams != NULL ? "it had begun" :
		    "are in its ledger rows");
	if (n->out.append_ended)
		buf_printf(b, "; the append to %s is complete: if the pipeline "
		    "is run again, it adds the same rows again",
		    buf_text(&n->appended));
}

static void
put_message(struct ending *n)
{
	const struct run_outcome *how = n->how;
	struct buf *b = &n->message;

	if (how->texts.message != NULL)
		run_put_text(b, how->texts.message);
	if (how->script_ok || how->abandoned)
		put_failures(b, n);
	if (n->out.success)
		return;
	if (n->open.len > 0)
		buf_printf(b, "%sloaded only in part: %s",
		    b->len > 0 ? "; " : "", buf_text(&n->open));
	if (n->done.len > 0)
		buf_printf(b, "%sloaded completely: %s",
		    b->len > 0 ? "; " : "", buf_text(&n->done));
	if (how->abandoned)
		put_ended_streams(b, n);
}

/* Fails if one of the texts could not be built. */
static int
check_texts(struct ending *n, struct err *e)
{
	for (size_t i = 0; i < BUFFERS; i++)
		if (buf_check(&n->all[i], e) == -1)
			return -1;
	return 0;
}

static int
update_run_row(struct ending *n, struct db *db, const char *run,
    const char *status, struct err *e)
{
	const struct run_end *out = &n->out;
	const char *texts[TEXTS] = { NULL, NULL, out->success ? NULL :
	    n->how->texts.log };

	run_counts_put_json(&n->stages, &n->run_counts);
	if (n->message.len > 0)
		texts[0] = buf_text(&n->message);
	if (out->streams > 0)
		texts[1] = buf_text(&n->stages);
	if (check_texts(n, e) == -1 ||
	    run_escape_texts(n->ascii, texts, TEXTS, db, e) == -1)
		return -1;
	struct db_value v[] = { db_text(run), db_text(status),
	    db_text(texts[0]), DB_I(out->extracted), DB_I(out->loaded),
	    DB_I(out->unchanged), DB_I(out->dropped), DB_I(out->rejected),
	    db_text(texts[1]), db_text(texts[2]) };

	return db_run(db, db_sql(db, SQL_RUN_END), v, 10, NULL, e);
}

/* Runs the statement `sql`, which is run_fence or run_lock. Both find and lock
 * the row of a run in status running. Fails with ERR_RETRY if no row is
 * found. */
static int
run_lock_row(struct db *db, enum sql_id sql, const char *run, int64_t *row,
    struct err *e)
{
	struct db_value v = db_text(run);

	if (db_query_int(db, db_sql(db, sql), &v, 1, 0, row, e) == -1)
		return -1;
	if (*row == 0)
		return err_set(e, ERR_RETRY, false, "run %s has ended or was "
		    "abandoned: its row in pipeline_runs is not in status "
		    "running; start the pipeline again", run);
	return 0;
}

/* Locks the run's row in pipeline_runs before it reads the counts from the
 * table etl_loads. If etl-load has already sent a COMMIT, taking the lock waits
 * for it. A COMMIT after that fails, because etl-load checks that the run is
 * still in status running. So the counts that are read are final. */
static int
finish_run(struct ending *n, struct db *db, const char *run, struct err *e)
{
	const struct run_outcome *how = n->how;
	struct run_end *out = &n->out;
	int64_t row;

	if (db_run(db, db_sql(db, SQL_RUN_WAIT_LIMIT), NULL, 0, NULL, e) ==
		-1 ||
	    run_lock_row(db, SQL_RUN_LOCK, run, &row, e) == -1 ||
	    read_ledger_rows(n, db, run, e) == -1)
		return -1;
	fill_end_counts(n);
	list_failed_streams(n);
	out->success = !how->abandoned && how->script_ok &&
	    (how->tolerates || !out->streams_failed) && out->lost_rejects == 0;
	put_message(n);
	return update_run_row(n, db, run, how->abandoned ? "abandoned" :
	    out->success ? "success" : "failed", e);
}

int
run_complete(struct db *db, const char *run, const struct run_outcome *o,
    struct run_end *out, struct buf *failed, struct err *e)
{
	struct ending n;
	int rc;

	rc = ending_init(&n, o, e);
	if (rc == -1 || (rc = db_begin(db, e)) == -1)
		goto out;
	rc = finish_run(&n, db, run, e);
	if (rc == 0 && failed != NULL) {
		buf_clear(failed);
		put_failures(failed, &n);
		rc = buf_check(failed, e);
	}
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

enum { TRIES = 20 };            /* to insert the row of a run */

int
run_insert(struct db *db, struct run *r, struct err *e)
{
	struct db_value v[] = { db_text(r->pipeline), db_text(r->run),
	    DB_I(r->attempt), db_text(r->retry_of), db_text(r->host),
	    db_text(r->traceparent), db_text(r->script),
	    db_text(r->machine), DB_I(r->pid), DB_I(r->pid_started),
	    db_text(r->pid_namespace), db_text(r->boot), db_text(r->host_id) };

	if (r->pid == 0)
		v[8] = v[9] = db_text(NULL);
	return db_query_int(
	    db, db_sql(db, SQL_RUN_START), v, 13, 0, &r->row, e);
}

int
run_last_script(struct db *db, const char *pipeline, struct buf *out,
    struct err *e)
{
	struct db_value v = db_text(pipeline);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_RUN_LAST_SCRIPT), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		buf_add(out, db_column(r, 0).p, db_column(r, 0).len);
	db_end(r);
	(void)buf_text(out);
	return rc == -1 ? -1 : buf_check(out, e);
}

int
run_renew(struct db *db, const char *run, struct err *e)
{
	struct db_value v = db_text(run);

	return db_run(db, db_sql(db, SQL_RUN_RENEW), &v, 1, NULL, e);
}

int
run_fence(struct db *db, const char *run, int64_t *row, struct err *e)
{
	return run_lock_row(db, SQL_RUN_FENCE, run, row, e);
}

static bool
is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Sets *e to the message for a pipeline that has another run. */
static void
refuse_second_run(const struct run *r, const struct run *other,
    const char *since, struct err *e)
{
	bool is_here = is_same(r->boot, other->boot) &&
	    is_same(r->pid_namespace, other->pid_namespace);
	const char *host = is_here ? NULL : other->host;
	char pid[32] = "";

	if (other->pid > 0)
		(void)snprintf(pid, sizeof(pid), " as process %" PRId64,
		    other->pid);
	(void)err_set(e, ERR_RETRY, true, "already running%s%s%.128s (run %.64s"
	    ", since %.32s): its row in pipeline_runs says so%s", pid,
	    host != NULL ? " on the host " : "", host != NULL ? host : "",
	    other->run, since != NULL ? since : "?", is_here ? "" : "; if that "
	    "run has died, this pipeline can run ten minutes after the time in "
	    "renewed_at");
}

/* Reads the oldest run of the pipeline in status running, and appends its uuid
 * to `stale` if it is not alive. If it is, returns 1 and says so in *e. */
static int
find_running(struct db *db, const struct run *r, run_is_alive *is_alive,
    struct buf *stale, struct err *e)
{
	struct db_value v = db_text(r->pipeline);
	struct db_rows *rows;
	int rc;

	buf_clear(stale);
	if (db_query(db, &rows, db_sql(db, SQL_RUN_LIST_RUNNING), &v, 1, e) ==
	    -1)
		return -1;
	if ((rc = db_next(rows, e)) == 1) {
		const struct run other = { .run = db_column(rows, 0).p,
			.host = db_column(rows, 3).p,
			.machine = db_column(rows, 4).p,
			.pid = db_column(rows, 5).i,
			.pid_started = db_column(rows, 6).i,
			.pid_namespace = db_column(rows, 7).p,
			.boot = db_column(rows, 8).p,
			.host_id = db_column(rows, 9).p };

		if (is_alive(r, &other, db_column(rows, 2).i != 0)) {
			refuse_second_run(r, &other, db_column(rows, 1).p, e);
		} else {
			buf_str(stale, other.run);
			rc = buf_check(stale, e);
		}
	}
	db_end(rows);
	(void)buf_text(stale);
	return rc == 1 && stale->len > 0 ? 0 : rc;
}

int
run_take_lease(struct db *db, struct run *r, run_is_alive *is_alive,
    const struct run_streams *streams, int64_t *n, struct err *e)
{
	struct run_outcome o = { .abandoned = true, .texts = {
	    .message = "etl-run ended before it had completed this run" } };
	struct run_end end;
	struct buf stale;
	int rc = 0, tries = 0;

	*n = 0;
	r->row = 0;
	buf_init(&stale, SIZE_MAX / 4);
	/* A row that another etl-run has inserted since the last look makes
	 * the insert do nothing. Then that run is judged too. */
	while (rc == 0 && r->row == 0) {
		rc = find_running(db, r, is_alive, &stale, e);
		if (rc == 0 && tries++ == TRIES)
			rc = err_set(e, ERR_RETRY, true, "other runs of this "
			    "pipeline keep starting");
		if (rc != 0)
			break;
		if (stale.len == 0) {
			rc = run_insert(db, r, e);
			continue;
		}
		o.streams = streams != NULL &&
		    strcmp(streams->run, buf_text(&stale)) == 0 ? streams :
		    NULL;
		rc = run_complete(db, buf_text(&stale), &o, &end, NULL, e);
		if (rc == 0) {
			++*n;
			tries = 0;
		} else if (e->code == ERR_RETRY) {
			/* Another process has set the status abandoned for the
			 * same run at the same time. */
			rc = 0;
		}
	}
	buf_release(&stale);
	return rc;
}

struct runs {
	int64_t id[USUAL_RUNS_MOST], rows[USUAL_RUNS_MOST];
	size_t n;
};

/* Adds the rows of one stream. A run may have loaded several streams; their
 * ledger rows come one after the other. */
static int
add_stream_rows(struct runs *r, int64_t id, const struct db_value *counts,
    struct err *e)
{
	static const enum run_count written[] = { COUNT_INSERTED,
	    COUNT_UPDATED, COUNT_UNCHANGED };
	struct run_counts t = { 0 };
	int rc = run_counts_add_json(&t, counts->p, counts->len, e);

	if (rc == 0 && (r->n == 0 || r->id[r->n - 1] != id)) {
		r->id[r->n] = id;
		r->rows[r->n++] = 0;
	}
	for (size_t i = 0; rc == 0 && i < 3; i++)
		r->rows[r->n - 1] += run_counts_sum(&t, written[i]);
	run_counts_release(&t);
	return rc;
}

static int
compare_rows(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double
compute_median(struct runs *r)
{
	size_t middle = r->n / 2;

	if (r->n == 0)
		return 0;
	qsort(r->rows, r->n, sizeof(r->rows[0]), compare_rows);
	return r->n % 2 == 1 ? (double)r->rows[middle] :
	    ((double)r->rows[middle - 1] + (double)r->rows[middle]) / 2;
}

int
usual_rows_read(struct usual_rows *u, struct db *db, const char *pipeline,
    const char *target, struct err *e)
{
	struct db_value v[] = { db_text(pipeline), db_text(target),
	    DB_I(USUAL_RUNS_MOST) };
	struct runs runs = { .n = 0 };
	struct db_rows *r;
	struct db_value counts;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_LEDGER_USUAL), v, 3, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		counts = db_column(r, 1);
		if (counts.type != DB_NULL && add_stream_rows(&runs,
		    db_column(r, 0).i, &counts, e) == -1) {
			rc = -1;
			break;
		}
	}
	db_end(r);
	*u = (struct usual_rows){ runs.n, compute_median(&runs) };
	return rc;
}
