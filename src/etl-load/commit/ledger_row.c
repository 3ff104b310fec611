#include "loader.h"

#include "base/stop.h"
#include "control/checkpoints.h"
#include "control/control.h"
#include "control/ledger.h"

#include <inttypes.h>
#include <stdlib.h>

static struct ledger
ledger_of(const struct loader *l)
{
	const struct stream *s = &l->stream;

	/* etl-run must not repeat a run whose stream appends and has no
	 * checkpoint to start after: it would add the rows twice. */
	bool appends = !l->target.keyed && (s->passive ||
	    (s->checkpoint == NULL && !s->replay));

	return (struct ledger){ .stream_id = s->id,
		.target = l->target.table->full, .run = l->run,
		.batch = s->batches, .seq = (int64_t)s->last.seq,
		.appends = appends };
}

/* Reads the stream's row, and *sums: the loader's counts in it. */
static int
read_row(struct loader *l, struct ledger_row *row, struct sums *sums,
    struct err *e)
{
	struct ledger g = ledger_of(l);
	struct buf counts;
	int rc;

	buf_init(&counts, SIZE_MAX / 2);
	rc = ledger_read(l->db, &g, row, &counts, e);
	*sums = (struct sums){ 0 };
	if (rc == 0 && counts.len > 0)
		rc = counts_read(sums, counts.data, counts.len, e);
	buf_release(&counts);
	return rc;
}

int
stream_read_counts(struct loader *l, struct sums *sums, struct err *e)
{
	struct ledger_row row;
	uint64_t tries = 0;

	while (read_row(l, &row, sums, e) == -1)
		if (loader_reconnect(l, &tries, e) == -1)
			return -1;
	return 0;
}

/* Either all batches of a stream move the checkpoint, or none does. If the
 * first half was loaded with --no-checkpoint, its rejects were not stored,
 * and the checkpoint must not pass them. */
static int
check_no_checkpoint(const struct stream *s, const struct ledger_row *row,
    struct err *e)
{
	const char *way = row->version > 0 ? "without" : "with";

	if (s->replay || stream_has_checkpoint(s) == (row->version > 0))
		return 0;
	return err_set(e, ERR_CONFIG, false, "the first part of this stream "
	    "(up to mark %" PRId64 ") was loaded %s --no-checkpoint: load the "
	    "rest %s it too", row->seq, way, way);
}

/* The ledger says that the first part of the stream is loaded. If this run did
 * that, its counts go on; if another run did, they are in that run's row, and
 * this run counts the records as skipped. */
static int
resume_after(struct loader *l, const struct ledger_row *row,
    const struct sums *sums, struct err *e)
{
	struct stream *s = &l->stream;

	if (check_no_checkpoint(s, row, e) == -1)
		return -1;
	s->skipping = true;
	s->skip_seq = (uint64_t)row->seq;
	s->expected = row->version;
	s->known = row->version > 0;
	l->sums = row->own ? *sums :
	    (struct sums){ .in = sums->in, .skipped = sums->in };
	return 0;
}

/* Expects the checkpoint's present version, until a mark of the stream says
 * which version its source has read. */
static int
read_checkpoint_version(struct loader *l, struct err *e)
{
	struct stream *s = &l->stream;
	char *value;

	if (s->known || !stream_has_checkpoint(s))
		return 0;
	if (checkpoint_read(l->db, s->checkpoint, &value, &s->expected,
	    e) == -1)
		return -1;
	free(value);
	return 0;
}

/* Reads the stream's row. If an earlier loader gave the stream up, its row is
 * closed: open it again, since the user loads the stream again. */
static int
open_row(struct loader *l, struct ledger_row *row, struct sums *sums,
    struct err *e)
{
	struct ledger g = ledger_of(l);

	if (read_row(l, row, sums, e) == -1)
		return -1;
	if (!row->taken)
		return 0;
	g.batch = row->batch;
	if (ledger_reopen(l->db, &g, e) == -1)
		return -1;
	return read_row(l, row, sums, e);
}

int
stream_find_row(struct loader *l, struct err *e)
{
	struct stream *s = &l->stream;
	struct ledger_row row;
	struct sums sums;
	uint64_t tries = 0;

	l->unknown = false;
	while (control_ensure(l->db, e) == -1 ||
	    open_row(l, &row, &sums, e) == -1 ||
	    read_checkpoint_version(l, e) == -1)
		if (loader_reconnect(l, &tries, e) == -1)
			return -1;
	l->control = true;
	s->batches = row.batch;
	s->loaded = row.ended;
	s->loaded_in = sums.in;
	if (row.taken)
		return err_set(e, ERR_RETRY, false, "another loader has just "
		    "given up loading this stream: run the command again");
	return s->segments && row.seq > 0 && !row.ended ?
	    resume_after(l, &row, &sums, e) : 0;
}

/* 1 the row has moved, go on to the checkpoint; 0 this batch was committed
 * before; -1. */
static int
check_ledger_result(struct loader *l, enum ledger_result r, struct err *e)
{
	switch (r) {
	case LEDGER_SET:
		return 1;
	case LEDGER_DONE:
		if (l->unknown)
			return 0;
		return err_set(e, ERR_RETRY, false, "another loader has just "
		    "loaded the same batch of this stream: nothing of it was "
		    "loaded twice; run the command again to load the rest");
	case LEDGER_AHEAD:
		return err_set(e, ERR_RETRY, false, "another loader is loading "
		    "the same stream: run the command again when it has ended");
	case LEDGER_TAKEN:
		return err_set(e, ERR_RETRY, false, "another loader has given "
		    "up loading this stream: run the command again");
	default:
		return -1;
	}
}

bool
stream_has_checkpoint(const struct stream *s)
{
	return s->checkpoint != NULL && !s->passive;
}

static int
move_checkpoint(struct loader *l, struct err *e)
{
	const struct stream *s = &l->stream;
	struct checkpoint_move m = { .name = s->checkpoint,
		.expected = s->expected, .moves = s->value != NULL,
		.value = s->value, .seq = (int64_t)s->value_seq,
		.run = l->run };

	if (!stream_has_checkpoint(s))
		return 0;
	return checkpoint_move(l->db, &m, e) == CHECKPOINT_MOVED ? 0 : -1;
}

int
stream_move_row(struct loader *l, bool ended, struct err *e)
{
	const struct stream *s = &l->stream;
	struct sums sums = l->sums;
	struct ledger g = ledger_of(l);
	enum ledger_result r;
	struct buf counts;
	int rc;

	buf_init(&counts, SIZE_MAX / 2);
	sums_add(&sums, &l->outcome.sums);
	counts_put(&counts, l, &sums);
	g.counts = buf_text(&counts);
	g.ended = ended;
	if (stream_has_checkpoint(s))
		g.version = s->expected + (s->value != NULL);
	r = buf_check(&counts, e) == -1 ? LEDGER_FAILED :
	    ledger_move(l->db, &g, e);
	buf_release(&counts);
	if ((rc = check_ledger_result(l, r, e)) == 1) {
		/* If the COMMIT whose answer was lost had been done, the row
		 * could not have moved. Now it can never be done: it would
		 * find the row moved. */
		l->unknown = false;
		if (move_checkpoint(l, e) == -1)
			return -1;
	}
	return rc;
}

int
stream_give_up(struct loader *l, struct err *e)
{
	struct ledger g = ledger_of(l);
	enum ledger_result r;

	/* After a signal to stop, do not wait for a server again. */
	if ((r = ledger_close_row(l->db, &g, e)) == LEDGER_FAILED &&
	    db_fault(l->db)->lost && stop_signal() == 0 &&
	    db_reopen(l->db, e) == 0)
		r = ledger_close_row(l->db, &g, e);
	return r == LEDGER_FAILED ? -1 : r == LEDGER_DONE;
}
