#include "commit.h"

#include "base/datetime.h"
#include "base/stop.h"
#include "control/control.h"
#include "loader.h"
#include "nested.h"
#include "phase.h"
#include "stream.h"
#include "stream/stage.h"
#include "workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	EQUAL_KEYS_MAX = 500,
	GROWN = 25000,          /* records; together with a chunk and SQLite's
	                         * page cache they take less than 32 MiB */
	RECORDS_OF_PAGE = 8     /* that a batch has at least for each page that
	                         * it writes, if it is large enough */
};

/* Sets l->batch_limit for the next batch.
 * - If --batch is not given, the limit grows once a batch has written many
 *   pages of SQLite.
 * - The limit falls after a batch in which many records of one key were merged
 *   one by one, because the time for this grows with the square of their
 *   number. It rises again after batches with fewer such records. */
static void
batch_set_limit(struct loader *l)
{
	uint64_t pages = (uint64_t)db_count_pages(l->db), most = 0, full;

	/* SQLite writes each changed page as a whole at a commit. If the keys
	 * are in random order, nearly each record of a small batch changes a
	 * different page; in a larger batch several records share a page. */
	if (l->o->batch == BATCH_NOT_GIVEN &&
	    l->batch.spool.total >= l->full_batch &&
	    pages > l->batch.spool.total / RECORDS_OF_PAGE)
		l->full_batch = GROWN;
	full = l->full_batch;
	for (size_t i = 0; i < l->ntables; i++)
		if (l->tables[i].outcome.most_equal > most)
			most = l->tables[i].outcome.most_equal;
	if (most > EQUAL_KEYS_MAX)
		l->batch_limit = full < EQUAL_KEYS_MAX ? full : EQUAL_KEYS_MAX;
	else if (most <= EQUAL_KEYS_MAX / 2)
		l->batch_limit = l->batch_limit < full / 2 ?
		    2 * l->batch_limit : full;
}

/* The phases in the order of their calls, which is the same at each moment of a
 * load. A phase whose functions must not be neighbours has two entries. */
static const struct phase *const phases[] = {
	/* Locks come before the first change: those of other loads of the same
	 * tables, then those that keep the rows of images as they are. */
	&complete_lock_phase, &images_lock_phase,
	/* Rows that the load replaces or removes. A row that replace deletes is
	 * in an image. */
	&replace_phase, &mirror_phase,
	/* These read the rows as they are when all are written. */
	&expect_phase, &images_phase, &emit_phase,
	/* The elements of a chunk come after its records, and --evolve judges
	 * the rejects of both. The check opens the connections last. */
	&nested_phase, &evolve_phase, &workers_phase,
	/* What the transaction says about the batch: its dead letters, then the
	 * ledger, which ends a batch that was committed before. PostgreSQL
	 * swaps tables late, because this locks out all readers. */
	&letters_phase, &ledger_phase, &swap_phase, &xid_phase,
	/* Files come before the COMMIT: a line that is there twice is better
	 * than one that is lost. */
	&reject_lines_phase, &complete_phase,
};
enum { PHASES = sizeof(phases) / sizeof(phases[0]) };

static bool
is_wanted(const struct phase *p, const struct loader *l)
{
	return p->wants == NULL || p->wants(l);
}

int
phases_check(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < PHASES; i++)
		if (phases[i]->check != NULL && is_wanted(phases[i], l) &&
		    phases[i]->check(l, e) == -1)
			return -1;
	return 0;
}

/* Returns true if --evolve has noted a change of a table. */
static bool
loader_must_alter(const struct loader *l)
{
	bool any = false;

	for (size_t i = 0; i < l->ntables; i++)
		any |= evolve_has_changes(&l->tables[i].evolve);
	return any;
}

static bool
wants_evolve(const struct loader *l)
{
	return l->o->evolve;
}

/* With --evolve: examines the rejected records of the chunk, and notes how the
 * tables would have to be altered to accept them. */
static enum sink_result
loader_note_alters(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++)
		if (evolve_note_refused(&l->tables[i].evolve,
		    &l->tables[i].outcome, l->db, e) == -1)
			return SINK_FAILED;
	return SINK_DONE;
}

const struct phase evolve_phase = {
	.wants = wants_evolve, .chunk = loader_note_alters,
};

/* Makes the noted changes of the tables. The caller must then call
 * loader_reopen(). */
static int
loader_alter_tables(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++) {
		struct loaded_table *t = &l->tables[i];

		if (evolve_has_changes(&t->evolve) &&
		    evolve_alter_table(&t->evolve, l->db, t->target.table,
		    e) == -1)
			return -1;
	}
	return 0;
}

/* Makes the reject lines of the chunk. If a table has changed, or --evolve is
 * about to change it, makes none: the batch will be loaded again. */
static int
loader_make_rejects(struct loader *l, struct err *e)
{
	bool changed = loader_must_alter(l), refused = false;

	for (size_t i = 0; i < loader_count_tables(l); i++)
		refused |= l->tables[i].outcome.refused.n > 0;
	if (!changed && refused && tables_changed(l, &changed, e) == -1)
		return -1;
	return changed ? 0 : rejects_make(l, e);
}

static int
reopen_table(struct loader *l, struct loaded_table *t, struct err *e)
{
	struct reader *r = &t->outcome.reader;
	struct target new;

	/* If this fails, t->target stays: error messages take the name of the
	 * table from it. */
	if (loader_read_target(l, t, &new, e) == -1) {
		target_close(&new);
		return -1;
	}
	l->sink->close(t->self);
	t->self = NULL;
	target_close(&t->target);
	t->target = new;
	/* Forget these records: the table refused them before it was altered,
	 * so it may accept them now. */
	refusals_clear(&t->outcome.ending);
	reader_close(r);
	return reader_open(r, l->stage, &t->target, l->duplicates, e) == -1 ?
	    -1 : l->sink->open(&t->self, l->db, &t->target, e);
}

/* Reads the columns of the tables again, because one was altered. */
static int
loader_reopen(struct loader *l, struct err *e)
{
	workers_close(l);
	for (size_t i = 0; i < loader_count_tables(l); i++)
		if (reopen_table(l, &l->tables[i], e) == -1) {
			err_prefix(e, "the table was altered while the load "
			    "ran, and %s", loader_say_stored(l));
			return -1;
		}
	return workers_open(l, e);
}

/* Returns how many reject lines of earlier stages came in the stream. */
static uint64_t
tally_upstream(const struct loader *l)
{
	return l->stream.segments ? l->stream.last.seen :
	    stage_reject_lines(l->stage);
}

/* `in` is the number of records that reached the loader, `rejected` how many of
 * them it has rejected, and `upstream` the number of reject lines that came in
 * the stream. `ended` is true at the end of the stream. The records that
 * earlier stages have dropped before the last boundary (the mark `checkpoint`,
 * `resolve` or `end`) count as seen: if a filter has dropped 995 of 1,000
 * records, 3 rejects are 0.3% of the records and not most of the rest. */
static struct reject_tally
tally_make(const struct loader *l, uint64_t in, uint64_t rejected,
    uint64_t upstream, bool ended)
{
	const struct boundary *last = &l->stream.last;
	struct reject_tally t = { .rejected = rejected + upstream,
		.seen = in + upstream, .ended = ended, .plain = !l->marked };

	for (size_t i = 0; i < last->nstages; i++)
		t.seen += last->stages[i].dropped;
	return t;
}

struct reject_tally
tally_with_batch(const struct loader *l, bool ended)
{
	const struct sums t = loader_sum_batch(l);
	uint64_t upstream = tally_upstream(l);

	for (size_t i = 0; i < l->stream.last.nstages; i++)
		upstream += l->stream.last.stages[i].aside;
	return tally_make(l, l->sums.in + t.in,
	    l->sums.rejected + t.rejected, upstream, ended);
}

/* What the judges of a batch need. */
struct judge {
	struct loader *l;
	char (*rejected)[CLOCK_STAMP];  /* by letter: when its record was
	                                 * rejected; "" if that is not known */
	uint64_t ordinal;               /* of the chunk's first item */
};

static void
take_time(void *self, size_t i, const char *at)
{
	struct judge *j = self;

	(void)snprintf(j->rejected[i], sizeof(j->rejected[i]), "%s", at);
}

/* Returns the number of the letter that item number `ordinal` of the batch
 * belongs to. Returns the number of letters if it belongs to none. */
static size_t
find_letter(const struct stream *s, uint64_t ordinal)
{
	size_t from = 0, to = s->nletters, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (s->letter_ends[middle] > ordinal)
			to = middle;
		else
			from = middle + 1;
	}
	return from;
}

static bool
is_before(const char *one, const char *other)
{
	struct instant a, b;

	return instant_parse(&a, one, strlen(one)) &&
	    instant_parse(&b, other, strlen(other)) &&
	    instant_compare(&a, &b) < 0;
}

/* Called for a record that would change a row. The letter of the record stays
 * open unless the row was last written before the record was rejected. */
static void
judge_record(void *self, size_t item, const char *written)
{
	struct judge *j = self;
	struct stream *s = &j->l->stream;
	size_t i = find_letter(s, j->ordinal + item);

	if (i < s->nletters && (written == NULL ||
	    !is_before(written, j->rejected[i])))
		s->letters[i].stays = true;
}

struct letter_place {
	struct letter_replay *letter;
};

static int
compare_ids(const void *a, const void *b)
{
	const struct letter_place *x = a, *y = b;

	return strcmp(x->letter->id, y->letter->id);
}

/* A stream may send a letter several times. Then all of its records are loaded,
 * or none. */
static int
join_equal_letters(struct stream *s, struct err *e)
{
	size_t n = s->nletters, first = 0;
	struct letter_place *v = calloc(n + 1, sizeof(*v));
	bool stays = false;

	if (v == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		v[i].letter = &s->letters[i];
	qsort(v, n, sizeof(*v), compare_ids);
	for (size_t i = 0; i < n; i++) {
		stays |= v[i].letter->stays;
		if (i + 1 < n && compare_ids(&v[i], &v[i + 1]) == 0)
			continue;
		for (; first <= i; first++)
			v[first].letter->stays = stays;
		stays = false;
	}
	free(v);
	return 0;
}

/* Makes the items of the chunk records and rejects again, as they came. */
static void
show_all_items(struct spool *chunk)
{
	for (size_t i = 0; i < chunk->n; i++)
		if (chunk->items[i].kind == ITEM_LEFT_RECORD)
			chunk->items[i].kind = ITEM_RECORD;
		else if (chunk->items[i].kind == ITEM_LEFT_REJECT)
			chunk->items[i].kind = ITEM_REJECT;
}

static enum sink_result
judge_chunk(struct judge *j, struct err *e)
{
	struct loader *l = j->l;
	enum sink_result rc = SINK_DONE;

	show_all_items(&l->batch.spool);
	if (loader_start_chunk(l, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < l->ntables && rc == SINK_DONE; i++) {
		struct loaded_table *t = &l->tables[i];

		if (l->list.n > 0 && l->route.records[i] == 0)
			continue;
		rc = l->sink->late->find(t->self, &t->outcome,
		    l->nested != NULL, judge_record, j, e);
		t->outcome.begun = true;
	}
	for (size_t i = 0; i < l->ntables; i++)
		outcome_end_chunk(&l->tables[i].outcome);
	j->ordinal += l->batch.spool.n;
	return rc;
}

static enum sink_result
judge_chunks(struct judge *j, struct err *e)
{
	struct loader *l = j->l;
	enum sink_result rc = SINK_DONE;
	int more;

	for (size_t i = 0; i < l->ntables; i++)
		if (l->sink->late->lock(l->tables[i].self, e) == -1)
			return SINK_FAILED;
	if (letters_read_times(l->db, l->stream.letters, l->stream.nletters,
		take_time, j, e) == -1 ||
	    spool_rewind(&l->batch.spool, e) == -1)
		return SINK_FAILED;
	while ((more = spool_next_chunk(&l->batch.spool, e)) == 1)
		if ((rc = judge_chunk(j, e)) != SINK_DONE)
			return rc;
	return more == -1 ||
	    join_equal_letters(&l->stream, e) == -1 ? SINK_FAILED : SINK_DONE;
}

/* Locks the tables and sets `stays` of each letter of the batch. Called at the
 * start of the transaction. The sinks may have noted rejects and counts, which
 * the caller forgets. */
static enum sink_result
late_letters_judge(struct loader *l, struct err *e)
{
	struct stream *s = &l->stream;
	struct judge j = { .l = l };
	enum sink_result rc;

	for (size_t i = 0; i < s->nletters; i++)
		s->letters[i].stays = false;
	j.rejected = calloc(s->nletters + 1, sizeof(*j.rejected));
	if (j.rejected == NULL) {
		(void)err_nomem(e);
		return SINK_FAILED;
	}
	rc = judge_chunks(&j, e);
	free(j.rejected);
	return rc;
}

/* Called for each chunk before its records are loaded: the lines of letters
 * that stay open are neither records nor rejects then. Counts these records as
 * skipped. */
static void
late_letters_hide(struct loader *l)
{
	const struct stream *s = &l->stream;
	uint64_t ordinal = l->tables[0].outcome.ordinal;
	struct item *items = l->batch.spool.items;
	size_t letter;

	show_all_items(&l->batch.spool);
	for (size_t i = 0; i < l->batch.spool.n; i++) {
		letter = find_letter(s, ordinal + i);
		if (letter == s->nletters || !s->letters[letter].stays)
			continue;
		if (items[i].kind == ITEM_RECORD) {
			items[i].kind = ITEM_LEFT_RECORD;
			l->batch.left.in++;
			l->batch.left.skipped++;
		} else {
			/* It is kept: its letter stays open. */
			items[i].kind = ITEM_LEFT_REJECT;
			l->batch.rejects.kept++;
		}
	}
}

/* Called after the batch was committed: counts its letters that stay open. */
static void
late_letters_note(struct loader *l)
{
	const struct stream *s = &l->stream;

	for (size_t i = 0; i < s->nletters; i++) {
		const char *id = s->letters[i].id;

		if (!s->letters[i].stays ||
		    (i > 0 && strcmp(s->letters[i - 1].id, id) == 0))
			continue;
		if (l->stay_open++ == 0)
			(void)snprintf(
			    l->one_open, sizeof(l->one_open), "%s", id);
	}
}

void
late_letters_warn(const struct loader *l)
{
	const bool one = l->stay_open == 1;
	char why[256] = "may be newer";
	const char *touch = "give --touch and a column with the time at which "
	    "a row was written, or ";

	if (l->stay_open == 0)
		return;
	if (l->o->touch != NULL) {
		(void)snprintf(why, sizeof(why), "were not written before the "
		    "letter%s, as the column of --touch (%.64s) says",
		    one ? "" : "s", l->o->touch);
		touch = "";
	}
	err_warnf("etl-load", "%llu letter%s (%s%.12s) %s open: the table has "
	    "rows with the keys of %s records, and these rows %s; to load such "
	    "letters, %sgive --newer-by and a column that says which record is "
	    "newer, or --replay-over to overwrite the rows in any case",
	    (unsigned long long)l->stay_open, one ? "" : "s",
	    one ? "" : "the first one: ", l->one_open, one ? "stays" : "stay",
	    one ? "its" : "their", why, touch);
}

static enum sink_result
load_table(struct loader *l, struct loaded_table *t, struct err *e)
{
	enum sink_result rc = l->sink->apply(t->self, &t->outcome, e);

	if (rc != SINK_DONE)
		return rc;
	t->outcome.begun = true;
	for (size_t i = 0; i < PHASES; i++)
		if (phases[i]->table != NULL && is_wanted(phases[i], l) &&
		    phases[i]->table(l, t, e) == -1)
			return SINK_FAILED;
	return SINK_DONE;
}

/* With --tables, a table without records in the chunk has nothing to do. But in
 * --mode mirror each table must also note the keys of rejected records, and in
 * --mode delete-insert their scopes. */
static enum sink_result
load_chunk(struct loader *l, struct err *e)
{
	bool all = l->list.n == 0 || l->mode->mirrors || l->mode->by_scope;
	enum sink_result rc = SINK_DONE;

	if (loader_start_chunk(l, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < l->ntables && rc == SINK_DONE; i++)
		if (all || l->route.records[i] > 0)
			rc = load_table(l, &l->tables[i], e);
	for (size_t i = 0; i < PHASES && rc == SINK_DONE; i++)
		if (phases[i]->chunk != NULL && is_wanted(phases[i], l))
			rc = phases[i]->chunk(l, e);
	if (rc != SINK_DONE)
		return rc;
	if (loader_make_rejects(l, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < l->ntables; i++)
		outcome_end_chunk(&l->tables[i].outcome);
	route_count_chunk(&l->route);
	return SINK_DONE;
}

/* Forgets the counts and rejects of the failed try. If the workers have
 * committed the rows, keeps them. */
static void
reset_try(struct loader *l)
{
	if (l->batch.rows_are_stored) {
		l->batch.rejects.kept = 0;
		return;
	}
	reject_lines_reset(&l->batch.rejects);
	route_reset(&l->route);
	nested_reset(l);
	l->batch.left = (struct sums){ 0 };
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		outcome_reset(&l->tables[i].outcome);
		evolve_forget(&l->tables[i].evolve);
	}
	if (db_is_pooled(l->db))
		loader_reset_sinks(l);
}

/* Loads all chunks of the batch (parts that fit into memory) into the tables,
 * in the open transaction, and collects their counts and rejects. */
static enum sink_result
load_chunks(struct loader *l, struct err *e)
{
	enum sink_result rc = SINK_DONE;
	int more;

	if (l->stream.judged) {
		if ((rc = late_letters_judge(l, e)) != SINK_DONE)
			return rc;
		reset_try(l);
	}
	for (size_t i = 0; i < PHASES; i++)
		if (phases[i]->begin != NULL && is_wanted(phases[i], l) &&
		    phases[i]->begin(l, e) == -1)
			return SINK_FAILED;
	if (spool_rewind(&l->batch.spool, e) == -1)
		return SINK_FAILED;
	while ((more = spool_next_chunk(&l->batch.spool, e)) == 1) {
		if (l->stream.judged)
			late_letters_hide(l);
		if ((rc = load_chunk(l, e)) != SINK_DONE)
			return rc;
	}
	if (more == -1)
		return SINK_FAILED;
	if (l->nested != NULL && l->nested->repeat)
		return SINK_REPEAT;
	/* The sink checks the deferred constraints: those that are otherwise
	 * checked only at COMMIT. */
	for (size_t i = 0; i < loader_count_tables(l) && rc == SINK_DONE; i++)
		rc = l->sink->settle(l->tables[i].self, e);
	return rc;
}

/* Fails with ERR_LIMIT if the loader and the stages before it have rejected
 * more records than --max-rejects allows. `in` is the number of records that
 * reached the loader, `rejected` how many of them it has rejected, and
 * `upstream` the number of reject lines that came in the stream. `ended` is
 * true at the end of the stream. */
static int
check_reject_limit(struct loader *l, uint64_t in, uint64_t rejected,
    uint64_t upstream, bool ended, struct err *e)
{
	const struct reject_tally t =
	    tally_make(l, in, rejected, upstream, ended);

	if (!reject_limit_exceeded(stage_limit(l->stage), &t))
		return 0;
	rejects_count_causes(l);
	return reject_check_limit(stage_limit(l->stage), &t, l->causes,
	    l->batch.rows_are_stored ?
	    "the rows of the last batch are stored, but its records count as "
	    "not loaded, so the next load repeats them" :
	    "nothing past the last commit was stored", e);
}

/* Checks that every record of the batch was inserted, updated, unchanged,
 * superseded, skipped or rejected, and that not more records were rejected than
 * --max-rejects allows. A stream with checkpoints and a replay
 * (l->stream.segments) are committed up to the last boundary (the mark
 * `checkpoint`, `resolve` or `end`), so only the records before this boundary
 * are counted then. */
static int
check_counts(struct loader *l, bool ended, struct err *e)
{
	const struct sums sums = loader_sum_batch(l), *t = &sums;
	const struct boundary *last = &l->stream.last;
	bool segments = l->stream.segments;
	uint64_t upstream = tally_upstream(l);
	uint64_t due = segments ? last->in : stage_counts(l->stage)->in;
	uint64_t in = l->sums.in + t->in;

	if (t->in != t->inserted + t->updated + t->unchanged +
	    t->superseded + t->skipped + t->deleted + t->missed + t->rejected)
		return err_bug(e, "%llu records came in, but %llu were "
		    "inserted, %llu updated, %llu unchanged, %llu superseded, "
		    "%llu skipped, %llu deleted, %llu missed and %llu "
		    "rejected; %s", (unsigned long long)t->in,
		    (unsigned long long)t->inserted,
		    (unsigned long long)t->updated,
		    (unsigned long long)t->unchanged,
		    (unsigned long long)t->superseded,
		    (unsigned long long)t->skipped,
		    (unsigned long long)t->deleted,
		    (unsigned long long)t->missed,
		    (unsigned long long)t->rejected, loader_say_stored(l));
	if (in != due)
		return err_bug(e, "%llu records were read, but %llu would be "
		    "committed; %s", (unsigned long long)due,
		    (unsigned long long)in, loader_say_stored(l));
	return check_reject_limit(l, in, l->sums.rejected + t->rejected,
	    upstream, ended, e);
}

/* Creates the control tables, unless they exist or the load does not need
 * them. */
static int
create_control(struct loader *l, struct err *e)
{
	if (l->control ||
	    (!l->marked && !l->upstream && !l->o->keep_before))
		return 0;
	if (control_ensure_tables(l->db, l->o->control_schema, true, e) == -1)
		return -1;
	l->control = true;
	return 0;
}

enum { TRY_AGAIN = 2, TABLE_CHANGED, TABLE_MUST_CHANGE, WORKERS_FAILED };

/* Called when the rows of the batch are in the tables, in the open transaction
 * or committed by the workers. Returns the same as batch_try(). Checks the
 * batch, stores its state and commits it. */
static int
batch_finish(struct loader *l, struct err *e)
{
	bool changed = false;
	int rc = 0;

	if (!l->batch.rows_are_stored && tables_changed(l, &changed, e) == -1)
		return -1;
	if (changed)
		return TABLE_CHANGED;
	if (loader_must_alter(l))
		return TABLE_MUST_CHANGE;
	if (check_counts(l, l->batch.ended, e) == -1)
		return -1;
	for (size_t i = 0; i < PHASES && rc == 0; i++)
		if (phases[i]->finish != NULL && is_wanted(phases[i], l))
			rc = phases[i]->finish(l, e);
	if (rc != 0)
		return rc == PHASE_WAS_COMMITTED ? 0 : -1;
	l->batch.sent = loader_sum_batch(l);
	for (size_t i = 0; i < loader_count_tables(l); i++)
		l->tables[i].sent = l->tables[i].outcome.sums;
	for (size_t i = 0; i < PHASES; i++)
		if (phases[i]->send != NULL && is_wanted(phases[i], l))
			phases[i]->send(l);
	if (db_commit(l->db, e) == 0)
		return 1;
	l->batch.unknown = db_fault(l->db)->lost;
	return -1;
}

/* Loads the batch in one transaction, and rolls it back if the result is not 1.
 * Returns 1: the batch is committed;
 * 0: the ledger (table etl_loads) shows that it was committed before;
 * TRY_AGAIN: the sink has found equal keys or a violated deferred constraint,
 *   or a table of --nested has refused elements. The caller must repeat the
 *   batch at once: the next try handles these records one by one or rejects
 *   them;
 * TABLE_CHANGED: the table was altered after the loader had read its columns;
 * TABLE_MUST_CHANGE: --evolve can make the table accept refused records;
 * WORKERS_FAILED: with *e, after all retries of --connections;
 * -1: any other failure, with *e. */
static int
batch_try(struct loader *l, struct err *e)
{
	bool changed;
	int rc = -1;

	reset_try(l);
	if (create_control(l, e) == -1)
		return -1;
	switch (workers_load(l, e)) {
	case WORKER_COMMITTED:
		break;
	case WORKER_TABLE_CHANGED:
		return TABLE_CHANGED;
	case WORKER_FAILED:
		return WORKERS_FAILED;
	}
	if (db_begin_delayed(l->db, e) == -1)
		return -1;
	switch (l->batch.rows_are_stored ? SINK_DONE : load_chunks(l, e)) {
	case SINK_DONE:
		rc = batch_finish(l, e);
		break;
	case SINK_REPEAT:
		db_rollback(l->db);
		return tables_changed(l, &changed, e) == -1 ?
		    -1 : changed ? TABLE_CHANGED : TRY_AGAIN;
	case SINK_FAILED:
		loader_roll_back(l, e);
		return -1;
	}
	if (rc != 1)
		db_rollback(l->db);
	return rc;
}

/* Called if the batch is not tried again. If the answer to its COMMIT was lost,
 * the server may still finish this COMMIT after the loader has reported a
 * failure. To prevent this, the function closes the stream's row in the ledger
 * (table etl_loads): the server cannot commit the batch after that. Returns 1:
 * the batch was committed; -1 with *e: the batch was not committed, or the
 * loader cannot find out. */
static int
close_unknown(struct loader *l, struct err *e)
{
	struct err why = *e;
	int rc = -1;

	if (!l->batch.unknown)
		return -1;
	if (l->marked && (rc = stream_close_row(l, e)) == 1) {
		loader_reset_sinks(l);
		return 1;
	}
	*e = why;
	if (rc == -1) {
		e->code = ERR_RETRY;
		err_prefix(e, "the connection was lost during COMMIT, so the "
		    "last batch may or may not have been loaded");
	}
	return -1;
}

/* Called if the batch failed with an error that usually passes, such as a
 * deadlock, and all --retries are used up. A trigger may raise such an error
 * for one record, each time. So the batch gets one more try with `judge_all`,
 * in which the sink rejects a record with such an error, and loads the others.
 * Returns true if this try is to be made. */
static bool
start_judging(struct loader *l, const struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	bool judged = l->tables[0].outcome.judge_all;

	if (judged || !e->transient || !f->again || f->lost ||
	    f->sqlstate[0] == '\0' || stop_signal() != 0)
		return false;
	for (size_t i = 0; i < loader_count_tables(l); i++)
		l->tables[i].outcome.judge_all = true;
	return true;
}

/* Tries to commit the batch until it is committed or cannot be tried again.
 * Returns 1: committed, with the counts in l->batch.sent; 0: the ledger (table
 * etl_loads) shows that an earlier try committed the batch; -1 with *e. */
static int
retry_batch(struct loader *l, struct err *e)
{
	uint64_t tries = 0;
	int rc;

	for (;;) {
		while ((rc = batch_try(l, e)) == TRY_AGAIN)
			continue;
		if (rc == TABLE_MUST_CHANGE &&
		    (rc = loader_alter_tables(l, e)) == 0)
			rc = TABLE_CHANGED;
		if (rc == TABLE_CHANGED) {
			if (loader_reopen(l, e) == -1)
				return -1;
			continue;
		}
		if (rc == WORKERS_FAILED)
			return -1;
		if (rc >= 0)
			return rc;
		if ((rc = batch_recover(l, &tries, e)) == 1)
			return 1;
		if (rc == -1 && !start_judging(l, e))
			return close_unknown(l, e) == -1 ? -1 : 0;
	}
}

int
batch_commit(struct loader *l, bool ended, struct err *e)
{
	int rc;

	if (l->batch.spool.total == 0 && !l->stream.last.open &&
	    !(ended && (l->marked || l->mode->complete || l->expect != NULL)))
		return ended ? check_reject_limit(l, l->sums.in,
		    l->sums.rejected, stage_reject_lines(l->stage), true,
		    e) : 0;
	reject_lines_start(&l->batch.rejects);
	for (size_t i = 0; i < loader_count_tables(l); i++)
		outcome_start_batch(&l->tables[i].outcome);
	l->batch.unknown = l->batch.rows_are_stored = false;
	buf_clear(&l->batch.written);
	l->batch.ended = ended;
	if ((rc = retry_batch(l, e)) == -1)
		return -1;
	l->batch.unknown = l->batch.rows_are_stored = false;
	late_letters_note(l);
	rejects_count_causes(l);
	if (rc == 1) {
		sums_add(&l->sums, &l->batch.sent);
		l->stream.kept = stream_count_kept(l);
	} else if (stream_read_counts(l, &l->sums, e) == -1) {
		return -1;
	}
	for (size_t i = 0; i < loader_count_tables(l); i++)
		sums_add(&l->tables[i].sums, &l->tables[i].sent);
	batch_set_limit(l);
	stream_forget_batch(&l->stream);
	spool_clear(&l->batch.spool);
	for (size_t i = 0; i < PHASES; i++)
		if (phases[i]->committed != NULL && is_wanted(phases[i], l) &&
		    phases[i]->committed(l, e) == -1)
			return -1;
	return 0;
}
