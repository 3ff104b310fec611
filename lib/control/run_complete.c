#include "control/run_complete.h"

#include "control/run_counts.h"
#include "control/run_texts.h"

#include <stdlib.h>
#include <string.h>

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

int
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
