#include "control/runs.h"

#include "base/buf.h"
#include "base/text.h"
#include "control/run_counts.h"

#include <string.h>

enum { MESSAGE_BYTES = 32768, WORDS = 3 };

/* What is to be known of a run before its row can be completed. */
struct ending {
	struct run_end out;
	struct run_counts run_counts;
	struct buf stages, message, done;       /* done: streams complete */
	struct buf open;                        /* streams that are not */
	struct buf ascii[WORDS];
};

static void
ending_init(struct ending *n)
{
	*n = (struct ending){ .out = { 0 } };
	buf_init(&n->stages, SIZE_MAX / 4);
	buf_init(&n->message, SIZE_MAX / 4);
	buf_init(&n->done, SIZE_MAX / 4);
	buf_init(&n->open, SIZE_MAX / 4);
	for (int i = 0; i < WORDS; i++)
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
	for (int i = 0; i < WORDS; i++)
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
run_renew(struct db *db, const char *run, struct err *e)
{
	struct db_value v = db_text(run);

	return db_run(db, db_sql(db, SQL_RUN_RENEW), &v, 1, NULL, e);
}

static int
row_of(struct db *db, enum sql_id sql, const char *run, int64_t *row,
    struct err *e)
{
	struct db_value v = db_text(run);

	if (db_int(db, db_sql(db, sql), &v, 1, 0, row, e) == -1)
		return -1;
	if (*row == 0)
		return err_set(e, ERR_RETRY, false, "run %s is over: its row "
		    "does not say running any more", run);
	return 0;
}

int
run_fence(struct db *db, const char *run, int64_t *row, struct err *e)
{
	return row_of(db, SQL_RUN_FENCE, run, row, e);
}

static int
load_add(struct ending *n, struct db_rows *r, struct err *e)
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
	/* Counts that cannot be read must not keep the run open for good. */
	return e->code == ERR_PEER ? 0 : -1;
}

static int
loads_read(struct ending *n, struct db *db, const char *run, struct err *e)
{
	struct db_value v = db_text(run);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_RUN_LOADS), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = load_add(n, r, e)) == -1)
			break;
	db_end(r);
	return rc;
}

static void
counts_set(struct ending *n)
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

/* What somebody wrote to stderr: whole characters, and not without end. */
static void
message_take(struct buf *b, const char *given)
{
	size_t n = strnlen(given, MESSAGE_BYTES), good;

	while (n > 0) {
		good = utf8_span(given, n);
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
message_set(struct ending *n, const char *given)
{
	struct buf *b = &n->message;

	if (given != NULL)
		message_take(b, given);
	if (n->out.success)
		return;
	if (n->open.len > 0)
		buf_printf(b, "%sloaded only in part: %s",
		    b->len > 0 ? "; " : "", buf_text(&n->open));
	if (n->done.len > 0)
		buf_printf(b, "%scomplete nevertheless: %s",
		    b->len > 0 ? "; " : "", buf_text(&n->done));
}

/* Words that the database cannot hold must not leave the row running. */
static int
words_fit(struct ending *n, struct db *db, const char *words[WORDS],
    struct err *e)
{
	int narrow = db_narrow(db, e);

	for (int i = 0; i < WORDS && narrow == 1; i++)
		if (words[i] != NULL) {
			text_ascii(&n->ascii[i], words[i], strlen(words[i]));
			words[i] = buf_text(&n->ascii[i]);
			if (buf_check(&n->ascii[i], e) == -1)
				return -1;
		}
	return narrow == -1 ? -1 : 0;
}

static int
row_write(struct ending *n, struct db *db, const char *run,
    const char *status, const char *log, struct err *e)
{
	const struct run_end *out = &n->out;
	const char *words[WORDS] = { NULL, NULL, out->success ? NULL : log };

	run_counts_put(&n->stages, &n->run_counts);
	if (n->message.len > 0)
		words[0] = buf_text(&n->message);
	if (out->streams > 0)
		words[1] = buf_text(&n->stages);
	if (buf_check(&n->stages, e) == -1 ||
	    buf_check(&n->message, e) == -1 ||
	    buf_check(&n->done, e) == -1 || buf_check(&n->open, e) == -1 ||
	    words_fit(n, db, words, e) == -1)
		return -1;
	struct db_value v[] = { db_text(run), db_text(status),
	    db_text(words[0]), DB_I(out->extracted), DB_I(out->loaded),
	    DB_I(out->unchanged), DB_I(out->dropped), DB_I(out->rejected),
	    db_text(words[1]), db_text(words[2]) };

	return db_run(db, db_sql(db, SQL_RUN_END), v, 10, NULL, e);
}

/* The row is locked before the ledger is read: it waits for a COMMIT in
 * flight, and the new status refuses later ones. */
static int
end_in(struct ending *n, struct db *db, const char *run, bool script_ok,
    bool abandoned, const struct run_words *words, struct err *e)
{
	const char *status = "abandoned";
	int64_t row;

	if (db_run(db, db_sql(db, SQL_RUN_WAIT_LIMIT), NULL, 0, NULL, e) ==
		-1 ||
	    row_of(db, SQL_RUN_LOCK, run, &row, e) == -1 ||
	    loads_read(n, db, run, e) == -1)
		return -1;
	counts_set(n);
	if (!abandoned) {
		n->out.success = script_ok &&
		    n->out.ended == n->out.streams;
		status = n->out.success ? "success" : "failed";
	}
	message_set(n, words->message);
	return row_write(n, db, run, status, words->log, e);
}

static int
run_finish(struct db *db, const char *run, bool script_ok, bool abandoned,
    const struct run_words *words, struct run_end *out, struct err *e)
{
	struct ending n;
	int rc = -1;

	ending_init(&n);
	if (db_begin(db, e) == -1)
		goto out;
	rc = end_in(&n, db, run, script_ok, abandoned, words, e);
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
    const struct run_words *words, struct run_end *out, struct err *e)
{
	return run_finish(db, run, script_ok, false, words, out, e);
}

/* The first stale run, or "". */
static int
stale_next(struct db *db, const char *pipeline, const char *host,
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
run_abandon(struct db *db, const char *pipeline, const char *host,
    int64_t *n, struct err *e)
{
	const struct run_words why = {
		.message = "its etl-run ended without completing it"
	};
	struct run_end end;
	struct buf run;
	int rc;

	*n = 0;
	buf_init(&run, SIZE_MAX / 4);
	while ((rc = stale_next(db, pipeline, host, &run, e)) == 0 &&
	    run.len > 0) {
		rc = run_finish(db, buf_text(&run), false, true, &why, &end,
		    e);
		/* Lost to another program that does the same: as well. */
		if (rc == -1 && e->code != ERR_RETRY)
			break;
		*n += rc == 0;
	}
	buf_release(&run);
	return rc;
}
