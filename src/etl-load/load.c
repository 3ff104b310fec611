#include "base/clock.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "base/text.h"
#include "commit.h"
#include "emit.h"
#include "images.h"
#include "load.h"
#include "loader.h"
#include "nested.h"
#include "open.h"
#include "plan.h"
#include "stream.h"
#include "stream/stage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Prints how many records were skipped because an earlier run had loaded
 * them. */
static void
print_skipped(const struct loader *l)
{
	const struct stream *s = &l->stream;

	if (l->passed > 0 || (l->totals.in > 0 && s->skipped > 0))
		err_printf("etl-load: %llu records were skipped: "
		    "they were loaded before\n",
		    (unsigned long long)l->passed + s->skipped);
	else if (s->loaded && l->totals.in == 0)
		err_printf("etl-load: this stream was loaded "
		    "before: its %llu records were skipped\n",
		    (unsigned long long)s->skipped);
	else if (s->skipped > 0)
		err_printf("etl-load: the first %llu records of "
		    "this stream were skipped: they were loaded before\n",
		    (unsigned long long)s->skipped);
}

static void
print_counts(const struct loader *l, const struct sums *t)
{
	err_printf("%llu in, %llu inserted, %llu updated, "
	    "%llu unchanged, %llu superseded, ",
	    (unsigned long long)t->in, (unsigned long long)t->inserted,
	    (unsigned long long)t->updated, (unsigned long long)t->unchanged,
	    (unsigned long long)t->superseded);
	if (t->skipped > 0 || l->mode->skips || l->o->newer_by != NULL)
		err_printf("%llu skipped, ",
		    (unsigned long long)t->skipped);
	if (l->mode->deletes)
		err_printf("%llu deleted, %llu missed, ",
		    (unsigned long long)t->deleted,
		    (unsigned long long)t->missed);
	err_printf("%llu rejected",
	    (unsigned long long)t->rejected);
	if (l->mode->removes)
		err_printf(", %llu removed",
		    (unsigned long long)t->removed);
	err_printf("\n");
}

/* Prints a line for each table, and then the start of the line with the
 * totals. */
static void
print_tables(const struct loader *l)
{
	for (size_t i = 0; i < l->ntables; i++) {
		err_printf("etl-load: table %s: ",
		    l->tables[i].target.table->name);
		print_counts(l, &l->tables[i].sums);
	}
	err_printf("etl-load: %zu table%s in %s: ", l->ntables,
	    l->ntables == 1 ? "" : "s", db_name(l->db));
}

/* Prints separate lines for the tables of --nested: their rows come from
 * elements of records, so the counts of records do not include them. */
static void
print_nested(const struct loader *l)
{
	for (size_t i = l->ntables; i < loader_count_tables(l); i++) {
		const struct sums *t = &l->tables[i].sums;

		err_printf("etl-load: table %s: %llu rows of %s "
		    "inserted, %llu old rows removed\n",
		    l->tables[i].target.table->name,
		    (unsigned long long)t->inserted,
		    l->nested_list.v[i - l->ntables].pointer,
		    (unsigned long long)t->removed);
	}
}

/* Prints the command that undoes the load. Inside etl-run, DATABASE_URL comes
 * from etl-run. The user's shell may not have this variable, so the command
 * gets the option --db. */
static void
print_undo(const struct loader *l)
{
	const char *url = l->o->db, *schema = l->o->control_schema;
	struct buf options;
	bool is_public;

	if (l->run != NULL && url == NULL)
		url = getenv("DATABASE_URL");
	if (l->run != NULL && schema == NULL)
		schema = getenv("ETL_CONTROL_SCHEMA");
	buf_init(&options, SIZE_MAX / 4);
	is_public = db_put_options(&options, url, schema);
	buf_str(&options, " --undo ");
	put_shell_word(&options, keep_before_get_run(l));
	buf_str(&options, " --table ");
	put_shell_word(&options, l->o->table);
	err_printf("etl-load: to undo this load%s: etl-load%s\n",
	    is_public ? "" : ", with its URL in DATABASE_URL",
	    buf_text(&options));
	buf_release(&options);
}

/* Prints nothing unless standard error is a terminal or -v is given. */
static void
print_report(const struct loader *l, struct sums t)
{
	if (!l->o->verbose && !isatty(STDERR_FILENO))
		return;
	if (l->list.n > 0)
		print_tables(l);
	else
		err_printf("etl-load: %s in %s: ",
		    l->tables[0].target.table->name, db_name(l->db));
	print_counts(l, &t);
	print_nested(l);
	if (l->o->keep_before)
		print_undo(l);
	print_skipped(l);
	if (!l->marked && !l->mode->complete)
		err_printf("etl-load: the input was plain NDJSON: "
		    "etl-load cannot tell whether it was complete\n");
}

/* Prints the counts if standard error is a terminal or -v is given, and a
 * warning if all records were rejected. */
static void
print_summary(const struct loader *l)
{
	struct sums t = l->totals;
	struct reject_tally all;

	sums_add(&t, &l->sums);
	print_report(l, t);
	all = (struct reject_tally){ .rejected = t.rejected, .seen = t.in,
		.ended = true, .plain = !l->marked };
	reject_warn_all("etl-load", stage_limit(l->stage), &all, l->causes);
}

/* Appends the columns of the primary key as "a,b"; false if there is none. */
static bool
put_primary_key(struct buf *b, const struct table *t)
{
	int place = 1;

	for (size_t i; (i = table_find_key(t, place)) < t->n;
	     place++) {
		if (place > 1)
			buf_char(b, ',');
		text_show(b, t->columns[i].name, strlen(t->columns[i].name));
	}
	return place > 1;
}

static void
suggest_key(const struct table *t, const char *violated)
{
	struct buf b;
	size_t at;

	buf_init(&b, 64 << 10);
	buf_printf(&b, "records were rejected because table %s already has "
	    "such a row (unique index: ", t->name);
	text_show(&b, violated, strlen(violated));
	buf_str(&b, "); to update that row instead, load with --key and the "
	    "columns of the index");
	at = b.len;
	buf_str(&b, ", for the primary key: --key ");
	if (!put_primary_key(&b, t))
		b.len = at;
	err_printf("etl-load: %s\n", buf_text(&b));
	buf_release(&b);
}

/* If a load without --key has rejects because the table already has rows with
 * the same unique key, the user probably wanted to update these rows. Prints
 * once how to do that. */
static void
suggest_upsert(const struct loader *l)
{
	if (l->o->key != NULL || l->o->mode != NULL || l->list.n > 0)
		return;
	for (size_t i = 0; i < l->ntables; i++)
		if (*l->tables[i].outcome.violated != '\0')
			suggest_key(l->tables[i].target.table,
			    l->tables[i].outcome.violated);
}

enum {
	CLOCK_EVERY = 256,      /* the clock is read every so many lines */
	CHUNK_LEAST = 1000,     /* records that a chunk has at least */
	LARGE = 1 << 20         /* bytes; the stage's copy of a longer line is
	                         * freed once the line is spooled */
};

/* Checks that each record of the stream was loaded, rejected or skipped because
 * an earlier run had loaded it. If one is missing, this program has a bug. */
static int
check_all_loaded(const struct loader *l, struct err *e)
{
	uint64_t in = stage_counts(l->stage)->in;
	uint64_t taken = l->sums.in + (l->stream.loaded ?
	    l->stream.skipped : 0);

	if (taken == in)
		return 0;
	return err_bug(e, "%llu records were read, but %llu were loaded or "
	    "rejected", (unsigned long long)in, (unsigned long long)taken);
}

/* Called at the end of a stream that an earlier run has loaded. Fails if the
 * stream has another number of records than in that earlier run. */
static int
check_same_stream(const struct loader *l, struct err *e)
{
	uint64_t in = stage_counts(l->stage)->in;

	if (in != l->stream.loaded_in)
		return err_set(e, ERR_PEER, false, "a stream of this id was "
		    "loaded before with %llu records, but this one has %llu: "
		    "its file was changed; --again loads it as a new stream",
		    (unsigned long long)l->stream.loaded_in,
		    (unsigned long long)in);
	return check_all_loaded(l, e);
}

/* If the batch is empty, sets l->batch.due: the time at which --flush requires
 * its commit. */
static void
note_due(struct loader *l)
{
	if (l->batch.spool.total == 0 && l->stream.nletters == 0 &&
	    !l->stream.last.open)
		l->batch.due = clock_ms() + (int64_t)l->o->flush;
}

/* Adds the line to the batch. Skips a line that an earlier run has loaded. When
 * the chunk is full (the part of the batch that is in memory), commits the
 * batch or, if that is allowed only at a boundary or at the end of the stream,
 * writes the chunk to a temporary file. */
static int
add_line(struct loader *l, enum item_kind kind, const struct line *line,
    struct err *e)
{
	uint64_t most = l->batch_limit;

	if (l->stream.loaded || l->stream.skipping) {
		l->stream.skipped += kind == ITEM_RECORD;
		return 0;
	}
	if (kind == ITEM_REJECT)
		l->upstream = true;
	note_due(l);
	if (spool_add(&l->batch.spool, kind, line, e) == -1)
		return -1;
	if (line->len > LARGE)
		stage_shrink(l->stage);
	/* A stream that is committed only at certain marks has chunks that are
	 * not small: many small chunks would be slow. */
	if (l->stream.segments && most < CHUNK_LEAST)
		most = CHUNK_LEAST;
	if (!spool_is_full(&l->batch.spool, most))
		return 0;
	return l->whole || l->stream.segments ?
	    spool_write_chunk(&l->batch.spool, e) : batch_commit(l, false, e);
}

/* Commits the last batch of the stream. Fails if a record of the stream has no
 * outcome. */
static int
commit_stream(struct loader *l, struct err *e)
{
	return complete_check_input(l, e) == -1 ||
	    batch_commit(l, true, e) == -1 ? -1 : check_all_loaded(l, e);
}

/* True if the batch must be committed at the boundary that was just read. */
static bool
batch_is_due(const struct loader *l)
{
	const struct stream *s = &l->stream;

	if (s->judged && !l->once)
		return s->nletters >= LATE_LETTERS_MAX;
	if (l->whole || !s->last.open)
		return false;
	return l->batch.spool.total + s->nletters >= l->batch_limit ||
	    clock_ms() >= l->batch.due;
}

/* Notes the boundary that was just read, and commits the batch if it is due. */
static int
handle_boundary(struct loader *l, struct err *e)
{
	const struct stream *s = &l->stream;
	bool ended = stage_last_mark(l->stage)->kind == MARK_END;

	if (s->loaded)
		return ended ? check_same_stream(l, e) : 0;
	note_due(l);
	if (stream_note_boundary(l, e) == -1)
		return -1;
	if (ended)
		return commit_stream(l, e);
	return batch_is_due(l) ? batch_commit(l, false, e) : 0;
}

/* Handles the mark that was just read. */
static int
take_mark(struct loader *l, const struct line *line, struct err *e)
{
	switch (stage_last_mark(l->stage)->kind) {
	case MARK_BEGIN:
		return stream_begin(l, e);
	case MARK_REJECT:
		return add_line(l, ITEM_REJECT, line, e);
	case MARK_CHECKPOINT:
	case MARK_RESOLVE:
	case MARK_END:
		return handle_boundary(l, e);
	case MARK_COLUMNS:
		return !l->o->evolve ? 0 : source_types_read(
		    &l->types, line->data, line->len, e);
	default:
		return 0;
	}
}

/* True if the loader may commit the batch before it reads another line: never
 * if everything must be in one transaction (l->whole). A stream with
 * checkpoints or a replay (l->stream.segments) may be committed only just after
 * a boundary (the mark `checkpoint`, `resolve` or `end`). */
static bool
may_commit_now(const struct loader *l)
{
	const struct boundary *last = &l->stream.last;

	if (l->whole)
		return false;
	return l->stream.segments ? last->open &&
	    last->at.total == l->batch.spool.total : l->batch.spool.total > 0;
}

/* Returns how many milliseconds the loader may wait for the next line: -1 means
 * without limit; 0 means that the loader must commit the batch before it reads
 * another line. */
static int
get_wait_ms(const struct loader *l)
{
	int64_t left;

	if (!may_commit_now(l))
		return -1;
	if (stage_is_ready(l->stage) && l->batch.spool.total % CLOCK_EVERY != 0)
		return -1;
	left = l->batch.due - clock_ms();
	return left <= 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX;
}

/* Called if the input ended too early. If the stream may be committed only at a
 * boundary (the mark `checkpoint`, `resolve` or `end`), commits the records
 * before the last boundary and drops the records after it. From any other input
 * commits all records that were read. */
static int
commit_to_boundary(struct loader *l, struct err *e)
{
	const struct boundary *last = &l->stream.last;

	if (l->stream.segments) {
		if (!last->open)
			return 0;
		if (spool_cut(&l->batch.spool, &last->at, e) == -1)
			return -1;
	}
	return batch_commit(l, false, e);
}

/* Called if the stream ended too early (*cause) and the commit of its last
 * records failed too (*e). If an earlier stage of the pipeline has reported a
 * failure with the mark `failed`, the exit code is the code in this mark, and
 * the message names both failures. If the stream just broke off, without the
 * mark `failed`, the error of the commit stays in *e. */
static int
set_commit_error(const struct loader *l, const struct err *cause, struct err *e)
{
	struct err own = *e;

	if (stage_last_mark(l->stage)->kind != MARK_FAILED)
		return -1;
	return err_set(e, cause->code, cause->transient, "%s; loading the "
	    "records that had come before failed too: %s", cause->msg,
	    own.msg);
}

/* Called at the end of the input. If the input is complete, commits the last
 * batch of plain input (a marked stream was committed at its mark `end`). If it
 * is not complete, commits the part that may be committed and fails with the
 * reason. That part is empty if too many records were rejected (ERR_LIMIT) or
 * if everything must be in one transaction (l->whole). */
static int
finish_input(struct loader *l, struct err *e)
{
	struct err cause = { 0 };

	if (stage_end(l->stage, &cause) == 0) {
		if (l->marked)          /* committed at the mark end */
			return 0;
		return commit_stream(l, e);
	}
	if ((cause.code != ERR_LIMIT && !l->whole &&
		commit_to_boundary(l, e) == -1) ||
	    stream_store_broken(l, e) == -1)
		return set_commit_error(l, &cause, e);
	if (l->whole && l->stream.batches == 0)
		err_prefix(&cause, "nothing %swas loaded",
		    l->totals.in > 0 ? "of the last stream " : "");
	*e = cause;
	return -1;
}

static int
read_stream(struct loader *l, struct err *e)
{
	struct line line;
	int wait, rc = 0;

	while (rc == 0) {
		if ((wait = get_wait_ms(l)) == 0) {
			rc = batch_commit(l, false, e);
			continue;
		}
		switch (stage_next(l->stage, &line, wait, e)) {
		case STAGE_RECORD:
			rc = add_line(l, ITEM_RECORD, &line, e);
			break;
		case STAGE_MARK:
			rc = take_mark(l, &line, e);
			break;
		case STAGE_WAIT:
			break;
		case STAGE_END:
			return finish_input(l, e);
		default:
			return -1;
		}
	}
	return rc;
}

int
load_run(const struct load_opts *o, const struct stdfd *fds, struct err *e)
{
	struct stage_conf conf = { .name = "load", .sink = true,
		.plain = o->plain,
		/* --again and --no-checkpoint move no checkpoint and resolve
		 * no letter. */
		.marked = o->marked || o->again || o->no_checkpoint,
		.rejects = o->plan ? NULL : o->rejects,
		.max_rejects = o->max_rejects,
		.max_record = o->max_record, .fds = fds };
	struct stage *s = NULL;
	struct loader l = { 0 };
	int rc;

	if (stage_open(&s, &conf, e) == -1) {
		stage_report_early(conf.name, e);
		return -1;
	}
	rc = loader_open(&l, o, s, e);
	if (rc == 0)
		rc = emit_open(&l, fds, e);
	if (rc == 0)
		rc = o->plan ? plan_print(&l, e) : read_stream(&l, e);
	if (rc == 0)
		rc = emit_finish(&l, e);
	if (rc == -1) {
		emit_write_failed(&l, e);
		stage_report_failed(s, e, l.batch.unknown);
	}
	if (rc == 0)
		keep_before_prune(&l);
	if (rc == 0 && !o->plan) {
		print_summary(&l);
		nested_warn_empty(&l);
		late_letters_warn(&l);
	}
	if (rc == 0 && !o->plan && l.absent)
		err_warnf("etl-load", "the input has no record, so --create "
		    "has not made table %s", o->table);
	suggest_upsert(&l);
	emit_close(&l);
	loader_close(&l);
	stage_close(s);
	return rc;
}
