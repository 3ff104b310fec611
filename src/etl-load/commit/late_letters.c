#include "commit/late_letters.h"

#include "base/instant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

	show_all_items(&l->spool);
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
	j->ordinal += l->spool.n;
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
	    spool_rewind(&l->spool, e) == -1)
		return SINK_FAILED;
	while ((more = spool_next_chunk(&l->spool, e)) == 1)
		if ((rc = judge_chunk(j, e)) != SINK_DONE)
			return rc;
	return more == -1 ||
	    join_equal_letters(&l->stream, e) == -1 ? SINK_FAILED : SINK_DONE;
}

enum sink_result
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

void
late_letters_hide(struct loader *l)
{
	const struct stream *s = &l->stream;
	uint64_t ordinal = l->tables[0].outcome.ordinal;
	struct item *items = l->spool.items;
	size_t letter;

	show_all_items(&l->spool);
	for (size_t i = 0; i < l->spool.n; i++) {
		letter = find_letter(s, ordinal + i);
		if (letter == s->nletters || !s->letters[letter].stays)
			continue;
		if (items[i].kind == ITEM_RECORD) {
			items[i].kind = ITEM_LEFT_RECORD;
			l->left.in++;
			l->left.skipped++;
		} else {
			/* It is kept: its letter stays open. */
			items[i].kind = ITEM_LEFT_REJECT;
			l->rejects.kept++;
		}
	}
}

void
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
