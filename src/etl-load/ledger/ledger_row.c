#include "loader.h"

#include "base/stop.h"
#include "control/checkpoints.h"
#include "control/control.h"
#include "control/ledger.h"
#include "ledger/complete.h"
#include "stream/run_report.h"

#include <inttypes.h>
#include <stdlib.h>

static struct ledger
make_ledger_entry(const struct loader *l)
{
	const struct stream *s = &l->stream;

	/* `appends` in the ledger (table etl_loads) tells etl-run that it must
	 * not repeat a failed run. A second run would read all records again
	 * and insert them twice if two things are true: the mode inserts a
	 * record each time that it is read, and the load moves no
	 * checkpoint. */
	bool appends = !l->mode->repeatable && (s->passive ||
	    (s->checkpoint == NULL && !s->replay));

	return (struct ledger){ .stream_id = s->id,
		.target = loader_get_name(l), .run = l->run,
		.batch = s->batches, .seq = (int64_t)s->last.seq,
		.kept = -1, .appends = appends };
}

/* Reads the stream's row of the ledger (table etl_loads) into *row, and the
 * loader's counts that are stored in this row into *sums. */
static int
read_ledger_row(struct loader *l, struct ledger_row *row, struct sums *sums,
    struct err *e)
{
	struct ledger g = make_ledger_entry(l);
	struct buf counts;
	int rc;

	buf_init(&counts, SIZE_MAX / 2);
	rc = ledger_read(l->db, &g, row, &counts, e);
	*sums = (struct sums){ 0 };
	if (rc == 0 && counts.len > 0)
		rc = ledger_parse_counts(sums, counts.data, counts.len, e);
	buf_release(&counts);
	return rc;
}

int
stream_read_counts(struct loader *l, struct sums *sums, struct err *e)
{
	struct ledger_row row;
	uint64_t tries = 0;

	while (read_ledger_row(l, &row, sums, e) == -1)
		if (batch_recover(l, &tries, e) == -1)
			return -1;
	l->stream.kept = row.kept;
	return 0;
}

/* Fails if --no-checkpoint was given to the run that loaded the first part of
 * the stream and not to this run, or the other way round. A part that is loaded
 * with --no-checkpoint may write old values over newer ones, because it does
 * not check whether another run has moved the checkpoint. The checkpoint must
 * then not move past these values. */
static int
check_same_option(const struct stream *s, const struct ledger_row *row,
    struct err *e)
{
	if (s->replay || stream_has_checkpoint(s) == (row->version > 0))
		return 0;
	return row->version == 0 ?
	    err_set(e, ERR_CONFIG, false, "the first part of this stream (up "
		"to mark %" PRId64 ") was loaded with --no-checkpoint: load "
		"the rest with it too", row->seq) :
	    err_set(e, ERR_CONFIG, false, "the first part of this stream (up "
		"to mark %" PRId64 ") was loaded without --no-checkpoint: "
		"load the rest without it too", row->seq);
}

/* Called if the ledger (table etl_loads) shows that the first part of the
 * stream is loaded. Sets up the loader to skip this part. If the part was
 * loaded in the same run of etl-run (or both loads are outside etl-run), the
 * loader continues with the counts that the ledger stores. If another run
 * loaded the part, the loader counts its records as skipped. */
static int
start_skipping(struct loader *l, const struct ledger_row *row,
    const struct sums *sums, struct err *e)
{
	struct stream *s = &l->stream;

	if (check_same_option(s, row, e) == -1)
		return -1;
	s->skipping = true;
	s->skip_seq = (uint64_t)row->seq;
	s->expected = row->version;
	s->known = row->version > 0;
	l->sums = row->own ? *sums :
	    (struct sums){ .in = sums->in, .skipped = sums->in };
	return 0;
}

/* Sets s->expected to the version that the stored checkpoint has at the start
 * of the load. Each move of a checkpoint adds 1 to its version. If a mark of
 * the stream contains the version that etl-extract has read, note_version()
 * later sets s->expected to that version. */
static int
read_checkpoint(struct loader *l, struct err *e)
{
	struct stream *s = &l->stream;
	char *value;

	if (s->known || !stream_has_checkpoint(s))
		return 0;
	if (checkpoint_read(l->db, s->checkpoint, &value, &s->expected,
	    e) == -1)
		return -1;
	s->has_stored_value = value != NULL;
	free(value);
	return 0;
}

/* Reads the stream's row of the ledger (table etl_loads). If an earlier loader
 * lost the answer to a COMMIT and gave up, it closed this row, so that the
 * server could not do the COMMIT later. A closed row is opened again, because
 * the user loads the stream again. */
static int
open_ledger_row(struct loader *l, struct ledger_row *row, struct sums *sums,
    struct err *e)
{
	struct ledger g = make_ledger_entry(l);

	if (read_ledger_row(l, row, sums, e) == -1)
		return -1;
	if (!row->taken)
		return 0;
	g.batch = row->batch;
	if (ledger_reopen(l->db, &g, e) == -1)
		return -1;
	return read_ledger_row(l, row, sums, e);
}

static int
report_load(struct loader *l, struct err *e)
{
	struct ledger g = make_ledger_entry(l);
	const struct run_report_load load = { .id = g.stream_id,
		.target = g.target, .appends = g.appends };

	return stage_report_load(l->stage, &load, e);
}

/* Sets s->kept: how many rejects of the loaded part are stored or in files. If
 * another run has loaded this part, subtracts the rejects of the loader itself,
 * because the counts of the loader begin at 0 in each run. */
static void
set_kept_rejects(struct stream *s, const struct ledger_row *row,
    const struct sums *sums)
{
	s->kept = !row->there ? 0 : row->kept == -1 ? -1 :
	    row->kept - (row->own ? 0 : (int64_t)sums->rejected);
}

int
stream_resume(struct loader *l, struct err *e)
{
	struct stream *s = &l->stream;
	struct ledger_row row;
	struct sums sums;
	uint64_t tries = 0;

	l->unknown = false;
	while (control_ensure_tables(l->db, l->o->control_schema, true,
	    e) == -1 || open_ledger_row(l, &row, &sums, e) ==
	    -1 || read_checkpoint(l, e) == -1)
		if (batch_recover(l, &tries, e) == -1)
			return -1;
	l->control = true;
	s->batches = row.batch;
	s->loaded = row.ended;
	s->loaded_in = sums.in;
	set_kept_rejects(s, &row, &sums);
	if (report_load(l, e) == -1)
		return -1;
	if (row.taken)
		return err_set(e, ERR_RETRY, false, "another loader has just "
		    "failed while it loaded this stream: run the command "
		    "again");
	if (!row.ended && complete_check_begin(l, e) == -1)
		return -1;
	/* A mode that needs a complete stream loads also the part that an
	 * earlier run has loaded in another mode, because it first deletes the
	 * rows of this part. */
	return s->segments && row.seq > 0 && !row.ended &&
	    (!l->mode->complete || s->by_file) ?
	    start_skipping(l, &row, &sums, e) : 0;
}

/* Handles r, the result of ledger_record(), which updates the stream's row of
 * the ledger (table etl_loads) in the open transaction. Returns 1: the row was
 * updated, and the caller moves the checkpoint next; 0: an earlier try has
 * committed this batch, although the answer to its COMMIT was lost; -1 with *e:
 * the update failed, or another loader works on the same stream. */
static int
take_ledger_result(const struct loader *l, enum ledger_result r, struct err *e)
{
	switch (r) {
	case LEDGER_ROW_MATCHED:
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
	case LEDGER_ROW_CLOSED:
		return err_set(e, ERR_RETRY, false, "another loader has failed "
		    "while it loaded this stream: run the command again");
	default:
		return -1;
	}
}

/* Moves the stored checkpoint, and stores the files that are done. */
static int
move_checkpoint(struct loader *l, struct err *e)
{
	const struct stream *s = &l->stream;
	struct checkpoint_move m = { .name = s->checkpoint,
		.expected = s->expected, .moves = s->value != NULL,
		.value = s->value, .validators = s->validators,
		.seq = (int64_t)s->value_seq,
		.run = l->run };

	if (!stream_has_checkpoint(s))
		return 0;
	return checkpoint_move(l->db, &m, e) == CHECKPOINT_MOVED ?
	    stream_store_done(l, e) : -1;
}

/* Counts also the reject lines of the loader itself that are no dead letters:
 * they were written to a file or to file descriptor 3 before the commit of the
 * batch. */
int64_t
stream_count_kept(const struct loader *l)
{
	bool own_to_file = stage_reject_way(l->stage) != REJECT_TO_STREAM;

	return l->stream.kept == -1 ? -1 : l->stream.kept +
	    (int64_t)(l->rejects.kept +
	    (own_to_file ? loader_sum_batch(l).rejected : 0));
}

int
stream_advance(struct loader *l, bool ended, struct err *e)
{
	const struct stream *s = &l->stream;
	struct sums sums = loader_sum_batch(l);
	struct ledger g = make_ledger_entry(l);
	enum ledger_result r;
	struct buf counts;
	int rc;

	buf_init(&counts, SIZE_MAX / 2);
	sums_add(&sums, &l->sums);
	ledger_put_counts(&counts, l, &sums);
	g.counts = buf_text(&counts);
	g.ended = ended;
	g.kept = stream_count_kept(l);
	if (stream_has_checkpoint(s))
		g.version = s->expected + (s->value != NULL);
	r = buf_check(&counts, e) == -1 ? LEDGER_FAILED :
	    ledger_record(l->db, &g, e);
	buf_release(&counts);
	if ((rc = take_ledger_result(l, r, e)) == 1) {
		/* The answer to the COMMIT of an earlier try may have been
		 * lost. But that COMMIT was not done: it would have changed the
		 * ledger row, and ledger_record() would not have found the row
		 * as it was. The server cannot do it later either, because this
		 * transaction has changed the row. */
		l->unknown = false;
		if (move_checkpoint(l, e) == -1)
			return -1;
	}
	return rc;
}

int
stream_lock(const struct loader *l, struct db *db, struct err *e)
{
	const struct stream *s = &l->stream;
	const struct ledger g = make_ledger_entry(l);
	const struct checkpoint_move m = { .name = s->checkpoint,
		.expected = s->expected, .run = l->run };

	if (take_ledger_result(l, ledger_lock(db, &g, e), e) != 1)
		return -1;
	return !stream_has_checkpoint(s) ||
	    checkpoint_move(db, &m, e) == CHECKPOINT_MOVED ? 0 : -1;
}

int
stream_close_row(struct loader *l, struct err *e)
{
	struct ledger g = make_ledger_entry(l);
	enum ledger_result r;

	/* If the connection is lost, connect once more; but not after a signal
	 * that asks the program to stop, since connecting can take long. */
	if ((r = ledger_close(l->db, &g, e)) == LEDGER_FAILED &&
	    db_fault(l->db)->lost && stop_signal() == 0 &&
	    db_reopen(l->db, e) == 0)
		r = ledger_close(l->db, &g, e);
	return r == LEDGER_FAILED ? -1 : r == LEDGER_DONE;
}
