#include "load.h"

#include "base/clock.h"
#include "base/stop.h"
#include "db/control.h"
#include "db/ledger.h"
#include "loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LOOK_EVERY = 256,       /* lines between two looks at the clock */
	LARGE = 1 << 20         /* a line that is not held twice */
};

/* What the ledger knows of the stream. */
static int
stream_find(struct loader *l, struct err *e)
{
	uint64_t tries = 0;
	int64_t seq;

	l->committing = false;
	while (control_ensure(l->db, e) == -1 || ledger_read(l->db,
	    l->stream, l->target.table->name, &l->batches, &seq, &l->loaded,
	    e) == -1) {
		l->fault = *db_fault(l->db);
		if (loader_recover(l, &tries, e) == -1)
			return -1;
	}
	l->control = true;
	return 0;
}

static int
take_begin(struct loader *l, struct err *e)
{
	const struct mark *m = stage_stream(l->stage);

	if (m->lookback && !l->target.keyed)
		return err_set(e, ERR_CONFIG, false, "the stream reads again "
		    "what it has read before (--lookback): append would load "
		    "it twice, give --key");
	free(l->stream);
	if ((l->stream = strdup(m->id)) == NULL)
		return err_nomem(e);
	l->marked = true;
	l->whole = l->o->single || !l->target.keyed;
	sums_add(&l->totals, &l->sums);
	l->sums = (struct sums){ 0 };
	l->skipped = 0;
	return stream_find(l, e);
}

/* Everything that came was committed. */
static int
check_taken(const struct loader *l, struct err *e)
{
	uint64_t in = stage_counts(l->stage)->in;
	uint64_t taken = l->sums.in + l->skipped;

	if (taken == in)
		return 0;
	return err_set(e, ERR_BUG, false, "own counts do not add up: %llu "
	    "records read, %llu loaded or rejected", (unsigned long long)in,
	    (unsigned long long)taken);
}

static int
chunk_end(struct loader *l, struct err *e)
{
	return l->whole ? spool_spill(&l->spool, e) :
	    batch_commit(l, false, e);
}

static int
take_line(struct loader *l, enum item_kind kind, const struct line *line,
    struct err *e)
{
	if (l->loaded) {
		l->skipped += kind == ITEM_RECORD;
		return 0;
	}
	if (kind == ITEM_REJECT)
		l->upstream = true;
	if (l->spool.n > 0 && line->len > SPOOL_CHUNK &&
	    chunk_end(l, e) == -1)
		return -1;
	if (l->spool.total == 0)
		l->due = clock_ms() + (int64_t)l->o->flush;
	if (spool_add(&l->spool, kind, line, e) == -1)
		return -1;
	if (line->len > LARGE)
		stage_trim(l->stage);
	return spool_full(&l->spool, l->o->batch) ? chunk_end(l, e) : 0;
}

static int
take_mark(struct loader *l, const struct line *line, struct err *e)
{
	switch (stage_mark(l->stage)->kind) {
	case MARK_BEGIN:
		return take_begin(l, e);
	case MARK_REJECT:
		return take_line(l, ITEM_REJECT, line, e);
	case MARK_CHECKPOINT:
	case MARK_RESOLVE:
		return err_set(e, ERR_CONFIG, false, "line %llu: checkpoint "
		    "and resolve marks are not supported by this version",
		    (unsigned long long)line->number);
	case MARK_END:
		if (!l->loaded && batch_commit(l, true, e) == -1)
			return -1;
		return check_taken(l, e);
	default:
		return 0;
	}
}

/* How long to wait for the next line; 0 commits first. */
static int
time_left(const struct loader *l)
{
	int64_t left;

	if (l->spool.total == 0 || l->whole)
		return -1;
	if (stage_ready(l->stage) && l->spool.total % LOOK_EVERY != 0)
		return -1;
	left = l->due - clock_ms();
	return left <= 0 ? 0 : left < INT32_MAX ? (int)left : INT32_MAX;
}

/* The input is over: what of the tail may be committed, protocol.md 6. */
static int
take_end(struct loader *l, struct err *e)
{
	struct err cause = { 0 };

	if (!l->marked) {
		if (batch_commit(l, false, e) == -1 ||
		    stage_finish(l->stage, e) == -1)
			return -1;
		return check_taken(l, e);
	}
	if (stage_finish(l->stage, &cause) == 0)
		return 0;
	if (cause.code != ERR_LIMIT && !l->whole &&
	    batch_commit(l, false, e) == -1)
		return -1;
	if (l->whole)
		err_prefix(&cause, "nothing loaded");
	*e = cause;
	return -1;
}

static int
loop(struct loader *l, struct err *e)
{
	struct line line;
	int wait, rc = 0;

	while (rc == 0) {
		if ((wait = time_left(l)) == 0) {
			rc = batch_commit(l, false, e);
			continue;
		}
		switch (stage_next(l->stage, &line, wait, e)) {
		case STAGE_RECORD:
			rc = take_line(l, ITEM_RECORD, &line, e);
			break;
		case STAGE_MARK:
			rc = take_mark(l, &line, e);
			break;
		case STAGE_WAIT:
			break;
		case STAGE_END:
			return take_end(l, e);
		default:
			return -1;
		}
	}
	return rc;
}

static void
summary(const struct loader *l)
{
	struct sums t = l->totals;

	if (!l->o->verbose && !isatty(STDERR_FILENO))
		return;
	sums_add(&t, &l->sums);
	(void)fprintf(stderr, "etl-load: %s in %s: %llu in, %llu inserted, "
	    "%llu updated, %llu unchanged, %llu superseded, ",
	    l->target.table->name, db_name(l->db), (unsigned long long)t.in,
	    (unsigned long long)t.inserted, (unsigned long long)t.updated,
	    (unsigned long long)t.unchanged,
	    (unsigned long long)t.superseded);
	if (t.skipped > 0 || l->target.mode == LOAD_IGNORE)
		(void)fprintf(stderr, "%llu skipped, ",
		    (unsigned long long)t.skipped);
	(void)fprintf(stderr, "%llu rejected\n",
	    (unsigned long long)t.rejected);
	if (l->loaded)
		(void)fprintf(stderr, "etl-load: this stream was loaded "
		    "before: %llu records skipped\n",
		    (unsigned long long)l->skipped);
	else if (!l->marked)
		(void)fprintf(stderr, "etl-load: plain input: nothing says "
		    "whether it was complete or cut off\n");
}

int
load_run(const struct load_opts *o, const struct stdfd *fds, struct err *e)
{
	struct stage_conf conf = { .name = "load", .sink = true,
		.plain = o->plain, .rejects = o->rejects,
		.max_rejects = o->max_rejects,
		.max_record = o->max_record, .fds = fds };
	struct stage *s = NULL;
	struct loader l = { 0 };
	int rc;

	if (stage_open(&s, &conf, e) == -1)
		return -1;
	rc = loader_open(&l, o, s, e);
	if (rc == 0)
		rc = loop(&l, e);
	if (rc == 0)
		summary(&l);
	loader_close(&l);
	stage_close(s);
	return rc;
}
