#include "batch/outcome.h"

#include "base/reject_id.h"
#include "json/pointer.h"

#include <stdio.h>
#include <string.h>

int
outcome_init(struct outcome *o, struct stage *s, const struct target *t,
    enum json_members duplicates, struct err *e)
{
	*o = (struct outcome){ .stage = s, .target = t };
	refusals_init(&o->refused);
	refusals_init(&o->ending);
	buf_init(&o->key, SIZE_MAX / 2);
	buf_init(&o->pointer, SIZE_MAX / 2);
	return reader_open(&o->reader, s, t, duplicates, e);
}

void
outcome_release(struct outcome *o)
{
	reader_close(&o->reader);
	refusals_release(&o->refused);
	refusals_release(&o->ending);
	buf_release(&o->key);
	buf_release(&o->pointer);
}

void
outcome_start_batch(struct outcome *o)
{
	o->judge_all = false;
	refusals_clear(&o->ending);
	outcome_reset(o);
}

void
outcome_reset(struct outcome *o)
{
	o->sums = (struct sums){ 0 };
	o->ordinal = 0;
	o->begun = false;
	o->most_equal = 0;
	refusals_clear(&o->refused);
}

void
outcome_start_chunk(struct outcome *o, const struct spool *chunk,
    const uint16_t *table_of)
{
	o->chunk = chunk;
	o->table_of = table_of;
}

void
outcome_end_chunk(struct outcome *o)
{
	refusals_clear(&o->refused);
	o->ordinal += o->chunk->n;
}

/* Makes the reject's id from the pipeline, the stream, the table and the values
 * of the record's key. Rejects with the same id are stored as one dead letter
 * (a row of table dead_letters), so all rejects of one row of the target table
 * become one dead letter. Returns 1; 0: the record's key cannot be read; -1
 * with *e. */
static int
make_reject_id(struct outcome *o, const struct line *l, char id[HASH_HEX],
    struct err *e)
{
	const struct reject_who *who = stage_reject_who(o->stage);
	const struct reject_place place = { .pipeline = who->pipeline,
		.stream = who->stream, .table = o->target->table->full };
	int rc;

	buf_clear(&o->key);
	if ((rc = reader_put_key_json(&o->reader, l, &o->key, e)) != 1)
		return rc;
	return reject_id_key(id, &place, o->key.data, o->key.len,
	    e) == -1 ? -1 : 1;
}

int
outcome_add_reject(struct outcome *o, size_t item, const struct reject *why,
    struct err *e)
{
	o->sums.rejected++;
	return refusals_add(&o->refused, item, why, e);
}

/* The line gets the id of the record's key if the key can be read. */
static int
add_reject_line(struct outcome *o, size_t i, struct reject r,
    struct reject_lines *to, struct err *e)
{
	struct line l = spool_get_line(o->chunk, i);
	char id[HASH_HEX];
	int key;

	reject_fill(&r, &l);
	if (stage_reject_way(o->stage) == REJECT_NOWHERE)
		return stage_no_reject_place(o->stage, &r, e);
	if ((key = make_reject_id(o, &l, id, e)) == -1)
		return -1;
	if (key == 1) {
		r.id = id;
		r.origin.key = buf_text(&o->key);
	}
	if (o->target->mode->changes && r.pointer != NULL) {
		buf_clear(&o->pointer);
		change_put_pointer(&o->pointer, &o->reader.change, r.pointer);
		r.pointer = buf_text(&o->pointer);
	}
	if (key == 1 || !reject_lines_foreign(to))
		r.target = o->target->table->full;
	return reject_lines_add(to, &r, o->ordinal + i, e);
}

void
outcome_sort_rejects(struct outcome *o)
{
	refusals_sort(&o->refused);
	o->made = 0;
}

int
outcome_make_line(struct outcome *o, size_t i, struct reject_lines *to,
    struct err *e)
{
	const struct refusals *r = &o->refused;

	if (o->made == r->n || r->v[o->made].item != i)
		return 0;
	return add_reject_line(o, i, refusals_get(r, o->made++), to, e);
}

int
outcome_note_reject(struct outcome *o, size_t i, const struct reject *why,
    struct err *e)
{
	if (refusals_find(&o->ending, o->ordinal + i) != NULL)
		return 0;
	if (refusals_add(&o->ending, o->ordinal + i, why, e) == -1)
		return -1;
	refusals_sort(&o->ending);
	return 0;
}

int
outcome_reject_noted(struct outcome *o, size_t i, struct err *e)
{
	const struct refusal *f = refusals_find(&o->ending, o->ordinal + i);
	struct reject why;

	if (f == NULL)
		return 0;
	why = refusals_get(&o->ending, (size_t)(f - o->ending.v));
	return outcome_add_reject(o, i, &why, e) == -1 ? -1 : 1;
}

/* Returns the reject code for an SQLSTATE (PostgreSQL manual, appendix A). The
 * loop uses the first entry that fits, so the entries of five characters stand
 * before the entry for their class (the first two characters). */
static const char *
get_reject_code(const struct db_fault *f)
{
	static const struct { const char *state, *code; } codes[] = {
		{ "22001", "range" }, { "22003", "range" },
		{ "22021", "encoding" }, { "22026", "range" },
		{ "22P05", "encoding" }, { "22", "type" }, { "54", "range" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strncmp(f->sqlstate, codes[i].state,
		    strlen(codes[i].state)) == 0)
			return codes[i].code;
	return "constraint";
}

/* True if a unique index has refused the row. PostgreSQL says so by the
 * SQLSTATE 23505, SQLite only by the text of its message. */
static bool
violates_unique(const struct db_fault *f, const char *message)
{
	return f->sqlstate[0] != '\0' ? strcmp(f->sqlstate, "23505") == 0 :
	    strncmp(message, "UNIQUE constraint failed", 24) == 0;
}

/* Appends the JSON Pointer to the member that gives the column its value. If a
 * trigger has written to another table, the database may name a column of that
 * table: its name then becomes the pointer. */
static bool
put_pointer(struct buf *b, const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->table->n; i++)
		if (strcmp(t->table->columns[i].name, name) == 0)
			return target_put_pointer(b, t, i);
	pointer_put_part(b, name, strlen(name));
	return true;
}

/* True if a column with dates or times has refused a text that is none. */
static bool
is_no_date(const struct table *t, const struct db_fault *f)
{
	if (strcmp(f->sqlstate, "22007") != 0 &&
	    strcmp(f->sqlstate, "22008") != 0)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->columns[i].name, f->column) == 0)
			return t->columns[i].kind == COLUMN_TIME;
	return false;
}

int
outcome_reject_fault(struct outcome *o, size_t i, const struct db_fault *f,
    const char *message, struct err *e)
{
	struct reject why = {
	    .code = get_reject_code(f), .message = message};
	struct buf pointer, advised;
	int rc;

	buf_init(&advised, SIZE_MAX / 2);
	if (is_no_date(o->target->table, f)) {
		buf_printf(&advised, "%s: write it like " RECORD_TIME_FORMS,
		    message);
		why.message = buf_text(&advised);
	}
	buf_init(&pointer, SIZE_MAX / 2);
	if (f->column[0] != '\0' && put_pointer(&pointer, o->target, f->column))
		why.pointer = buf_text(&pointer);
	if (f->sqlstate[0] != '\0')
		why.sqlstate = f->sqlstate;
	if (o->violated[0] == '\0' && violates_unique(f, message))
		(void)snprintf(o->violated, sizeof(o->violated), "%s",
		    f->constraint);
	rc = buf_check(&advised, e) == -1 ? -1 :
	    outcome_add_reject(o, i, &why, e);
	buf_release(&pointer);
	buf_release(&advised);
	return rc;
}
