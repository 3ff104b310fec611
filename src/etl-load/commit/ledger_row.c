#include "loader.h"

#include "base/stop.h"
#include "db/checkpoints.h"
#include "db/control.h"
#include "db/ledger.h"

#include <inttypes.h>
#include <stdlib.h>

static struct ledger
ledger_of(const struct loader *l)
{
	const struct stream *s = &l->stream;

	/* Done again, these would append again. */
	bool appends = !l->target.keyed && (s->passive ||
	    (s->checkpoint == NULL && !s->replay));

	return (struct ledger){ .stream_id = s->id,
		.target = l->target.table->full, .run = l->run,
		.batch = s->batches, .seq = (int64_t)s->last.seq,
		.appends = appends };
}

/* The loader's own counts as they are committed. */
static int
row_read(struct loader *l, struct ledger_row *row, struct sums *sums,
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
stream_counts(struct loader *l, struct sums *sums, struct err *e)
{
	struct ledger_row row;
	uint64_t tries = 0;

	while (row_read(l, &row, sums, e) == -1)
		if (loader_recover(l, &tries, e) == -1)
			return -1;
	return 0;
}

/* Each batch of segments moves the checkpoint, or none does. Were that to
 * change, it would pass letters that were not stored. */
static int
same_way(const struct stream *s, const struct ledger_row *row,
    struct err *e)
{
	const char *way = row->version > 0 ? "without" : "with";

	if (s->replay || stream_fenced(s) == (row->version > 0))
		return 0;
	return err_set(e, ERR_CONFIG, false, "this stream was loaded up to "
	    "mark %" PRId64 " %s --no-checkpoint: load the rest %s it",
	    row->seq, way, way);
}

/* Half of it was loaded before: by this run, whose counts go on, or by
 * another one, whose row has them already. */
static int
resume(struct loader *l, const struct ledger_row *row,
    const struct sums *sums, struct err *e)
{
	struct stream *s = &l->stream;

	if (same_way(s, row, e) == -1)
		return -1;
	s->skipping = true;
	s->skip_seq = (uint64_t)row->seq;
	s->expected = row->version;
	s->known = row->version > 0;
	l->sums = row->own ? *sums :
	    (struct sums){ .in = sums->in, .skipped = sums->in };
	return 0;
}

/* Until a mark says which version its source has seen, it is the one that is
 * there now. */
static int
fence_read(struct loader *l, struct err *e)
{
	struct stream *s = &l->stream;
	char *value;

	if (s->known || !stream_fenced(s))
		return 0;
	if (checkpoint_read(l->db, s->checkpoint, &value, &s->expected,
	    e) == -1)
		return -1;
	free(value);
	return 0;
}

/* A stream that was given up is loaded again, as someone asks for it. */
static int
row_open(struct loader *l, struct ledger_row *row, struct sums *sums,
    struct err *e)
{
	struct ledger g = ledger_of(l);

	if (row_read(l, row, sums, e) == -1)
		return -1;
	if (!row->taken)
		return 0;
	g.batch = row->batch;
	if (ledger_reopen(l->db, &g, e) == -1)
		return -1;
	return row_read(l, row, sums, e);
}

int
stream_find(struct loader *l, struct err *e)
{
	struct stream *s = &l->stream;
	struct ledger_row row;
	struct sums sums;
	uint64_t tries = 0;

	l->unknown = false;
	while (control_ensure(l->db, e) == -1 ||
	    row_open(l, &row, &sums, e) == -1 || fence_read(l, e) == -1)
		if (loader_recover(l, &tries, e) == -1)
			return -1;
	l->control = true;
	s->batches = row.batch;
	s->loaded = row.ended;
	s->loaded_in = sums.in;
	if (row.taken)
		return err_set(e, ERR_RETRY, false, "this stream's load was "
		    "just given up by another loader");
	return s->segments && row.seq > 0 && !row.ended ?
	    resume(l, &row, &sums, e) : 0;
}

/* 1 go on to the checkpoint, 0 it was committed, -1. */
static int
ledger_answer(struct loader *l, enum ledger_result r, struct err *e)
{
	switch (r) {
	case LEDGER_SET:
		return 1;
	case LEDGER_DONE:
		if (l->unknown)
			return 0;
		return err_set(e, ERR_RETRY, false, "another loader has just "
		    "loaded the same batch of this stream");
	case LEDGER_AHEAD:
		return err_set(e, ERR_RETRY, false, "another loader is loading "
		    "the same stream");
	case LEDGER_TAKEN:
		return err_set(e, ERR_RETRY, false, "this stream's load was "
		    "given up by another loader");
	default:
		return -1;
	}
}

bool
stream_fenced(const struct stream *s)
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

	if (!stream_fenced(s))
		return 0;
	return checkpoint_move(l->db, &m, e) == CHECKPOINT_MOVED ? 0 : -1;
}

int
stream_move(struct loader *l, bool ended, struct err *e)
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
	if (stream_fenced(s))
		g.version = s->expected + (s->value != NULL);
	r = buf_check(&counts, e) == -1 ? LEDGER_FAILED :
	    ledger_move(l->db, &g, e);
	buf_release(&counts);
	if ((rc = ledger_answer(l, r, e)) == 1) {
		/* Had the COMMIT before this one been done, this had failed;
		 * and it cannot be done any more. */
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

	/* Who was asked to end does not wait for a server. */
	if ((r = ledger_take(l->db, &g, e)) == LEDGER_FAILED &&
	    db_fault(l->db)->lost && stop_signal() == 0 &&
	    db_reopen(l->db, e) == 0)
		r = ledger_take(l->db, &g, e);
	return r == LEDGER_FAILED ? -1 : r == LEDGER_DONE;
}
