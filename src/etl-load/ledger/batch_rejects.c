#include "loader.h"

#include "batch/rejected_bytes.h"
#include "control/control.h"
#include "control/letters.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

/* Makes the reject line of record number i. Does nothing if the record was not
 * refused. */
static int
make_reject_line(struct loader *l, size_t i, struct err *e)
{
	size_t table = l->list.n > 0 ? l->route.table_of[i] : 0;

	if (table == NO_TABLE)
		return route_make_line(&l->route, &l->spool, i,
		    l->tables[0].outcome.ordinal, &l->rejects, e);
	return outcome_make_line(&l->tables[table].outcome, i, &l->rejects, e);
}

int
rejects_make(struct loader *l, struct err *e)
{
	const struct spool *chunk = &l->spool;
	struct line line;
	int rc = 0;

	for (size_t i = 0; i < l->ntables; i++)
		outcome_sort_rejects(&l->tables[i].outcome);
	for (size_t i = 0; i < chunk->n && rc == 0; i++) {
		if (chunk->items[i].kind == ITEM_REJECT) {
			line = spool_get_line(chunk, i);
			rc = reject_lines_add_sent(&l->rejects, &line, e);
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
	struct spool *s = &l->rejects.spool;
	struct letter_text *v;
	size_t n = 0;
	int rc = 0;

	if (s->n == 1 && s->end > 0 && is_letter(l, &s->items[0])) {
		l->rejects.kept++;
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
	l->rejects.kept += n;
	return rc == -1 ? -1 : n > 0;
}

static int
store_letters(struct loader *l, int64_t run_row, struct err *e)
{
	struct spool *s = &l->rejects.spool;
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

int
rejects_store(struct loader *l, int64_t run_row, struct err *e)
{
	const struct letter_replays replays = get_replays(l);
	struct stream *s = &l->stream;
	int any = store_letters(l, run_row, e);

	if (any == -1)
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

/* True if an earlier try of this batch has written the reject line of record
 * number `ordinal` of the batch to a file or to file descriptor 3. */
static bool
was_written(const struct loader *l, uint64_t ordinal)
{
	return ordinal / 8 < l->written.len &&
	    l->written.data[ordinal / 8] >> ordinal % 8 & 1;
}

/* Notes that the reject line of record number `ordinal` of the batch was
 * written to a file or to file descriptor 3, so that a further try of the batch
 * does not write it again. */
static int
mark_written(struct loader *l, uint64_t ordinal, struct err *e)
{
	unsigned char *bits;

	while (l->written.len <= ordinal / 8 && !l->written.failed)
		buf_char(&l->written, 0);
	if (buf_check(&l->written, e) == -1)
		return -1;
	bits = (unsigned char *)l->written.data;
	bits[ordinal / 8] |= (unsigned char)(1U << ordinal % 8);
	return 0;
}

int
rejects_write(struct loader *l, struct err *e)
{
	struct spool *s = &l->rejects.spool;
	int more;

	if (s->total == 0)
		return 0;
	if (spool_rewind(s, e) == -1)
		return -1;
	while ((more = spool_next_chunk(s, e)) == 1)
		for (size_t i = 0; i < s->n; i++) {
			struct line line = spool_get_line(s, i);

			if (is_letter(l, &s->items[i]) ||
			    was_written(l, line.number))
				continue;
			if (stage_write_aside(l->stage, line.data, line.len,
			    e) == -1 ||
			    mark_written(l, line.number, e) == -1)
				return -1;
		}
	/* Each reject line has a number (its occurrence) that no other reject
	 * line of this process has. If the batch is tried again, its new reject
	 * lines must not get the numbers of the lines that are in the file
	 * already. So the next try starts after the last number. */
	l->rejects.first_occurrence = stage_reject_who(l->stage)->n;
	return more;
}

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
	struct spool *s = &l->rejects.spool;
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
