#include "base/stop.h"
#include "batch.h"
#include "control/checkpoints.h"
#include "control/control.h"
#include "control/ledger.h"
#include "control/letters.h"
#include "control/runs.h"
#include "json/write.h"
#include "loader.h"
#include "phase.h"
#include "stream.h"
#include "stream/run_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

	l->batch.unknown = false;
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
		if (l->batch.unknown)
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
	    (int64_t)(l->batch.rejects.kept +
	    (own_to_file ? loader_sum_batch(l).rejected : 0));
}

static bool
is_marked(const struct loader *l)
{
	return l->marked;
}

/* Updates the stream's row in the ledger, then the stored checkpoint, in the
 * open transaction. */
static int
stream_advance(struct loader *l, struct err *e)
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
	g.ended = l->batch.ended;
	g.kept = stream_count_kept(l);
	if (stream_has_checkpoint(s))
		g.version = s->expected + (s->value != NULL);
	r = buf_check(&counts, e) == -1 ? LEDGER_FAILED :
	    ledger_record(l->db, &g, e);
	buf_release(&counts);
	if ((rc = take_ledger_result(l, r, e)) != 1)
		return rc == 0 ? PHASE_WAS_COMMITTED : -1;
	/* The answer to the COMMIT of an earlier try may have been lost. But
	 * that COMMIT was not done: it would have changed the ledger row, and
	 * ledger_record() would not have found the row as it was. The server
	 * cannot do it later either, because this transaction has changed the
	 * row. */
	l->batch.unknown = false;
	return move_checkpoint(l, e);
}

const struct phase ledger_phase = {
	.wants = is_marked, .finish = stream_advance,
};

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

/* Makes the reject line of record number i. Does nothing if the record was not
 * refused. */
static int
make_reject_line(struct loader *l, size_t i, struct err *e)
{
	size_t table = l->list.n > 0 ? l->route.table_of[i] : 0;

	if (table == NO_TABLE)
		return route_make_line(&l->route, &l->batch.spool, i,
		    l->tables[0].outcome.ordinal, &l->batch.rejects, e);
	return outcome_make_line(
	    &l->tables[table].outcome, i, &l->batch.rejects, e);
}

int
rejects_make(struct loader *l, struct err *e)
{
	const struct spool *chunk = &l->batch.spool;
	struct line line;
	int rc = 0;

	for (size_t i = 0; i < l->ntables; i++)
		outcome_sort_rejects(&l->tables[i].outcome);
	for (size_t i = 0; i < chunk->n && rc == 0; i++) {
		if (chunk->items[i].kind == ITEM_REJECT) {
			line = spool_get_line(chunk, i);
			rc = reject_lines_add_sent(&l->batch.rejects, &line, e);
		} else {
			rc = make_reject_line(l, i, e);
		}
	}
	return rc;
}

/* True if the reject line is stored in the database as a dead letter; false if
 * it is written to a file or to file descriptor 3. A line that an earlier stage
 * has sent in the stream (ITEM_REJECT) is always stored. A line of the loader
 * itself is stored in a replay, and also in any other marked stream unless
 * --rejects is given or file descriptor 3 is open. */
static bool
is_letter(const struct loader *l, const struct item *it)
{
	return it->kind == ITEM_REJECT ||
	    stage_reject_way(l->stage) == REJECT_TO_STREAM;
}

/* Stores those reject lines of the chunk (the reject lines in memory) that are
 * dead letters. Returns 1: it stored some; 0: the chunk has none; -1 with *e.
 * If the chunk holds one large line alone, the bytes of the line may be freed
 * while it is stored: a later spool_rewind() reads the line from the temporary
 * file again. */
static int
store_chunk(struct loader *l, int64_t run_row, struct err *e)
{
	struct spool *s = &l->batch.rejects.spool;
	struct letter_text *v;
	size_t n = 0;
	int rc = 0;

	if (s->n == 1 && s->end > 0 && is_letter(l, &s->items[0])) {
		l->batch.rejects.kept++;
		return letters_add_line(
			   l->db, &s->data, run_row, NULL, e) == -1
			   ? -1
			   : 1;
	}
	if ((v = calloc(s->n + 1, sizeof(*v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < s->n; i++) {
		struct line line = spool_get_line(s, i);

		if (is_letter(l, &s->items[i]))
			v[n++] = (struct letter_text){ line.data, line.len };
	}
	if (n > 0)
		rc = letters_add(l->db, v, n, run_row, NULL, e);
	free(v);
	l->batch.rejects.kept += n;
	return rc == -1 ? -1 : n > 0;
}

static int
store_letters(struct loader *l, int64_t run_row, struct err *e)
{
	struct spool *s = &l->batch.rejects.spool;
	int more, any = 0, rc;

	if (s->total == 0)
		return 0;
	if (spool_rewind(s, e) == -1)
		return -1;
	while ((more = spool_next_chunk(s, e)) == 1) {
		if ((rc = store_chunk(l, run_row, e)) == -1)
			return -1;
		any |= rc;
	}
	return more == -1 ? -1 : any;
}

/* Returns the letters that the batch resolves, and the group of letters that
 * the mark `begin` of the replay names. A letter of another group cannot be
 * resolved by this replay. */
static struct letter_replays
get_replays(const struct loader *l)
{
	const struct mark *begin = stage_begin_mark(l->stage);
	struct letter_replays r = { .v = l->stream.letters,
		.n = l->stream.passive ? 0 : l->stream.nletters, .run = l->run,
		.of = { .target = loader_get_name(l) } };

	if (begin != NULL) {
		if (begin->target != NULL)
			r.of.target = begin->target;
		r.of.pipeline = begin->pipeline;
		r.of.stream = begin->stream;
		r.of.stage = begin->stage;
	}
	return r;
}

/* Stores those reject lines of the batch that are dead letters, in the open
 * transaction. Then resolves the letters that the batch replays. Begins the
 * part of the transaction that writes to the control tables: the locks of their
 * rows are held until the COMMIT. */
static int
rejects_store(struct loader *l, struct err *e)
{
	const struct letter_replays replays = get_replays(l);
	struct stream *s = &l->stream;
	int64_t run_row = 0;
	int any;

	if (l->control && control_limit_idle(l->db, e) == -1)
		return -1;
	if (l->run != NULL && run_fence(l->db, l->run, &run_row, e) == -1)
		return -1;
	if ((any = store_letters(l, run_row, e)) == -1)
		return -1;
	if (any == 0 && replays.n == 0)
		return 0;
	if (letters_finish(l->db, &replays, run_row, NULL, e) == -1)
		return -1;
	for (size_t i = 0; i < replays.n; i++)
		if (s->letters[i].lost)
			return err_set(e, ERR_RETRY, false, "letter %.12s was "
			    "changed by another command while this replay "
			    "ran, or etl-dlq reads another database than "
			    "etl-load, or the letter is not of the pipeline, "
			    "stream, stage and table of this replay: run the "
			    "replay again with the same --db for both",
			    s->letters[i].id);
	return 0;
}

const struct phase letters_phase = { .finish = rejects_store };

/* True if an earlier try of this batch has written the reject line of record
 * number `ordinal` of the batch to a file or to file descriptor 3. */
static bool
was_written(const struct batch *b, uint64_t ordinal)
{
	return ordinal / 8 < b->written.len &&
	    b->written.data[ordinal / 8] >> ordinal % 8 & 1;
}

/* Notes that the reject line of record number `ordinal` of the batch was
 * written to a file or to file descriptor 3, so that a further try of the batch
 * does not write it again. */
static int
mark_written(struct batch *b, uint64_t ordinal, struct err *e)
{
	unsigned char *bits;

	while (b->written.len <= ordinal / 8 && !b->written.failed)
		buf_char(&b->written, 0);
	if (buf_check(&b->written, e) == -1)
		return -1;
	bits = (unsigned char *)b->written.data;
	bits[ordinal / 8] |= (unsigned char)(1U << ordinal % 8);
	return 0;
}

/* Writes the reject lines that are not stored as dead letters to the file of
 * --rejects or to file descriptor 3. */
static int
rejects_write(struct loader *l, struct err *e)
{
	struct spool *s = &l->batch.rejects.spool;
	int more;

	if (s->total == 0)
		return 0;
	if (spool_rewind(s, e) == -1)
		return -1;
	while ((more = spool_next_chunk(s, e)) == 1)
		for (size_t i = 0; i < s->n; i++) {
			struct line line = spool_get_line(s, i);

			if (is_letter(l, &s->items[i]) ||
			    was_written(&l->batch, line.number))
				continue;
			if (stage_write_aside(l->stage, line.data, line.len,
			    e) == -1 ||
			    mark_written(&l->batch, line.number, e) == -1)
				return -1;
		}
	/* Each reject line has a number (its occurrence) that no other reject
	 * line of this process has. If the batch is tried again, its new reject
	 * lines must not get the numbers of the lines that are in the file
	 * already. So the next try starts after the last number. */
	l->batch.rejects.first_occurrence = stage_reject_who(l->stage)->n;
	return more;
}

const struct phase reject_lines_phase = { .finish = rejects_write };

/* Returns the number of the input line that held the rejected record, or 0 if
 * the reject line does not contain this number. */
static uint64_t
get_origin_line(const struct json *j)
{
	uint32_t origin = json_member_value(j, 0, "origin", 6), v = 0;

	if (origin != 0 && j->tok[origin].type == JSON_OBJECT)
		v = json_member_value(j, origin, "line", 4);
	return v != 0 && j->tok[v].type == JSON_NUMBER ?
	    strtoull(j->text + j->tok[v].at, NULL, 10) : 0;
}

static void
count_cause(struct loader *l, const struct line *line)
{
	struct json j = { 0 };
	struct json_fault f;
	struct buf code, message, raw;

	buf_init(&code, SIZE_MAX / 2);
	buf_init(&message, SIZE_MAX / 2);
	buf_init(&raw, SIZE_MAX / 2);
	if (json_scan(&j, line->data, line->len, 2, JSON_LAST, &f) == 0) {
		put_string_member(&code, &j, "code");
		put_string_member(&message, &j, "message");
		put_rejected_bytes(&raw, &j);
		causes_add(l->causes, buf_text(&code), buf_text(&message),
		    raw.data, raw.len, get_origin_line(&j));
	}
	json_release(&j);
	buf_release(&code);
	buf_release(&message);
	buf_release(&raw);
}

/* Ignores failures: the causes are needed only for messages, which just show
 * fewer causes then. */
void
rejects_count_causes(struct loader *l)
{
	struct spool *s = &l->batch.rejects.spool;
	struct err e;

	if (s->total == 0 || spool_rewind(s, &e) == -1)
		return;
	while (spool_next_chunk(s, &e) == 1)
		for (size_t i = 0; i < s->n; i++) {
			struct line line = spool_get_line(s, i);

			count_cause(l, &line);
		}
}

void
rejects_explain(struct loader *l, struct err *e)
{
	const struct err first = *e;
	struct buf b;

	rejects_count_causes(l);
	buf_init(&b, 64 << 10);
	causes_put(&b, l->causes, "\n  ", 2048);
	if (b.len > 0)
		(void)err_set(e, first.code, first.transient, "%s:\n  %s",
		    first.msg, buf_text(&b));
	buf_release(&b);
}
