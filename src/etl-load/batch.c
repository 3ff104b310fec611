#include "batch.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/stop.h"
#include "base/text.h"
#include "change.h"
#include "json/pointer.h"
#include "json/write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct header {                 /* of a chunk in the file */
	uint64_t items, bytes;
};

void
spool_init(struct spool *s)
{
	*s = (struct spool){ .fd = -1 };
	/* The buffer s->data holds the lines in memory. It has no upper limit:
	 * callers test only after they have added a line whether it has
	 * SPOOL_CHUNK bytes, so it can be longer by the length of a line. */
	buf_init(&s->data, SIZE_MAX / 2);
}

void
spool_release(struct spool *s)
{
	buf_release(&s->data);
	free(s->items);
	if (s->open)
		(void)close(s->fd);
	*s = (struct spool){ .fd = -1 };
}

/* Removes the lines that are in memory, and frees their buffer if it is large.
 * The temporary file is not changed. */
static void
clear_chunk(struct spool *s)
{
	if (s->data.len > SPOOL_LARGE)
		buf_release(&s->data);
	buf_clear(&s->data);
	s->n = 0;
}

void
spool_clear(struct spool *s)
{
	clear_chunk(s);
	s->total = 0;
	s->end = s->read = 0;
	s->given = s->sealed = s->large = false;
}

static int
grow_items(struct spool *s, size_t total_items, struct err *e)
{
	size_t cap = s->cap ? s->cap * 2 : 256;
	struct item *p;

	while (cap < total_items)
		cap *= 2;
	if ((p = realloc(s->items, cap * sizeof(*p))) == NULL)
		return err_nomem(e);
	s->items = p;
	s->cap = cap;
	return 0;
}

int
spool_add_appended(struct spool *s, size_t at, uint64_t number, struct err *e)
{
	if (s->n == s->cap && grow_items(s, s->n + 1, e) == -1)
		return -1;
	s->items[s->n++] = (struct item){ .at = at,
		.len = s->data.len - at, .number = number,
		.kind = ITEM_RECORD };
	s->total++;
	return 0;
}

bool
spool_is_full(const struct spool *s, size_t most)
{
	return s->large || s->data.len >= SPOOL_CHUNK || s->n >= most;
}

static int
open_file_once(struct spool *s, struct err *e)
{
	if (s->open)
		return 0;
	if ((s->fd = temp_file_open(e)) == -1)
		return -1;
	s->open = true;
	return 0;
}

static int
append_to_file(struct spool *s, const void *p, size_t n, struct err *e)
{
	const char *from = p;
	ssize_t w;

	while (n > 0) {
		w = pwrite(s->fd, from, n, s->end);
		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return err_errno(e, ERR_IO, "temporary file");
		from += w;
		n -= (size_t)w;
		s->end += w;
	}
	return 0;
}

static int
read_from_file(struct spool *s, void *p, size_t n, struct err *e)
{
	char *to = p;
	ssize_t r;

	while (n > 0) {
		r = pread(s->fd, to, n, s->read);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return err_errno(e, ERR_IO, "temporary file");
		if (r == 0)
			return err_set(e, ERR_IO, false, "temporary file: it "
			    "is shorter than what etl-load has written to it");
		to += r;
		n -= (size_t)r;
		s->read += r;
	}
	return 0;
}

static int
append_chunk(struct spool *s, const struct item *items, size_t n,
    const char *data, size_t len, struct err *e)
{
	struct header h = { n, len };

	if (open_file_once(s, e) == -1 ||
	    append_to_file(s, &h, sizeof(h), e) == -1 ||
	    append_to_file(s, items, n * sizeof(*items), e) == -1)
		return -1;
	return append_to_file(s, data, len, e);
}

int
spool_write_chunk(struct spool *s, struct err *e)
{
	s->large = false;
	if (s->n == 0)
		return 0;
	if (append_chunk(s, s->items, s->n, s->data.data, s->data.len, e) == -1)
		return -1;
	clear_chunk(s);
	return 0;
}

/* Writes a large line to the temporary file, after the lines in memory. The
 * line is not copied in memory first: it may have 16 MiB or more. */
static int
write_large_line(struct spool *s, struct item *it, const char *data,
    struct err *e)
{
	it->at = 0;
	if (spool_write_chunk(s, e) == -1 ||
	    append_chunk(s, it, 1, data, it->len, e) == -1)
		return -1;
	s->large = true;
	s->total++;
	return 0;
}

int
spool_add(struct spool *s, enum item_kind kind, const struct line *l,
    struct err *e)
{
	struct item it = {
		.at = s->data.len, .len = l->len, .number = l->number,
		.offset = l->offset, .bytes = l->bytes, .kind = kind,
		.too_long = l->too_long
	};

	if (l->len >= SPOOL_CHUNK)
		return write_large_line(s, &it, l->data, e);
	if (s->n == s->cap && grow_items(s, s->n + 1, e) == -1)
		return -1;
	buf_add(&s->data, l->data, l->len);
	if (l->too_long)
		buf_add(&s->data, l->sha256, HASH_HEX);
	if (buf_check(&s->data, e) == -1)
		return -1;
	s->items[s->n++] = it;
	s->total++;
	return 0;
}

int
spool_rewind(struct spool *s, struct err *e)
{
	if (s->end > 0 && !s->sealed && spool_write_chunk(s, e) == -1)
		return -1;
	s->sealed = true;
	s->read = 0;
	s->given = false;
	return 0;
}

static int
read_chunk(struct spool *s, struct err *e)
{
	struct header h;

	clear_chunk(s);
	if (read_from_file(s, &h, sizeof(h), e) == -1)
		return -1;
	if (h.items > s->cap && grow_items(s, h.items, e) == -1)
		return -1;
	if (!buf_reserve(&s->data, h.bytes))
		return buf_check(&s->data, e) == -1 ? -1 : err_nomem(e);
	if (read_from_file(s, s->items, h.items * sizeof(*s->items), e) == -1 ||
	    read_from_file(s, s->data.data, h.bytes, e) == -1)
		return -1;
	s->n = h.items;
	s->data.len = h.bytes;
	return 1;
}

struct spool_position
spool_get_end(const struct spool *s)
{
	return (struct spool_position){ .n = s->n, .len = s->data.len,
		.total = s->total, .end = s->end };
}

/* Removes the lines that were added after spool_get_end() returned the position
 * *at. The lines just before this position were in memory then. If their chunk
 * has been written to the temporary file since then, it also holds later lines:
 * so the function reads the chunk back into memory and cuts it there. */
int
spool_cut(struct spool *s, const struct spool_position *at, struct err *e)
{
	if (s->end > at->end) {
		s->read = at->end;
		if (read_chunk(s, e) == -1)
			return -1;
		s->end = at->end;
	}
	s->n = at->n;
	s->data.len = at->len;
	s->total = at->total;
	return 0;
}

int
spool_next_chunk(struct spool *s, struct err *e)
{
	if (s->end > 0 && s->read < s->end)
		return read_chunk(s, e);
	if (s->end > 0) {
		clear_chunk(s);
		return 0;
	}
	if (s->given)
		return 0;
	s->given = true;
	return s->n > 0;
}

struct line
spool_get_line(const struct spool *s, size_t i)
{
	const struct item *it = &s->items[i];
	struct line l = {
		.data = s->data.data + it->at, .len = it->len,
		.number = it->number, .offset = it->offset,
		.bytes = it->bytes, .too_long = it->too_long
	};

	if (it->too_long)
		memcpy(l.sha256, l.data + l.len, HASH_HEX);
	return l;
}

static void
refusals_init(struct refusals *r)
{
	*r = (struct refusals){ 0 };
	buf_init(&r->texts, SIZE_MAX / 2);
}

static void
refusals_release(struct refusals *r)
{
	buf_release(&r->texts);
	free(r->v);
	*r = (struct refusals){ 0 };
}

void
refusals_clear(struct refusals *r)
{
	buf_clear(&r->texts);
	r->n = 0;
	r->unordered = false;
}

/* Copies the text with its NUL and returns the copy's offset. Offset 0 stands
 * for NULL, so the first byte of r->texts is never part of a text. */
static size_t
copy_text(struct refusals *r, const char *text)
{
	size_t at;

	if (text == NULL)
		return 0;
	if (r->texts.len == 0)
		buf_char(&r->texts, '\0');
	at = r->texts.len;
	buf_add(&r->texts, text, strlen(text) + 1);
	return at;
}

static int
make_room_for_one(struct refusals *r, struct err *e)
{
	size_t n = r->room ? r->room * 2 : 64;
	struct refusal *v;

	if (r->n < r->room)
		return 0;
	if ((v = realloc(r->v, n * sizeof(*v))) == NULL)
		return err_nomem(e);
	r->v = v;
	r->room = n;
	return 0;
}

int
refusals_add(struct refusals *r, uint64_t item, const struct reject *why,
    struct err *e)
{
	struct refusal new = { .item = item, .code = why->code };

	if (make_room_for_one(r, e) == -1)
		return -1;
	new.message = copy_text(r, why->message);
	new.pointer = copy_text(r, why->pointer);
	new.sqlstate = copy_text(r, why->sqlstate);
	if (buf_check(&r->texts, e) == -1)
		return -1;
	if (r->n > 0 && r->v[r->n - 1].item > item)
		r->unordered = true;
	r->v[r->n++] = new;
	return 0;
}

static int
compare_items(const void *a, const void *b)
{
	const struct refusal *x = a, *y = b;

	return (x->item > y->item) - (x->item < y->item);
}

static void
refusals_sort(struct refusals *r)
{
	if (r->unordered)
		qsort(r->v, r->n, sizeof(*r->v), compare_items);
	r->unordered = false;
}

struct reject
refusals_get(const struct refusals *r, size_t i)
{
	const struct refusal *f = &r->v[i];
	const char *t = r->texts.data;

	return (struct reject){ .code = f->code,
		.message = f->message > 0 ? t + f->message : NULL,
		.pointer = f->pointer > 0 ? t + f->pointer : NULL,
		.sqlstate = f->sqlstate > 0 ? t + f->sqlstate : NULL };
}

const struct refusal *
refusals_find(const struct refusals *r, uint64_t item)
{
	struct refusal key = { .item = item };

	return r->n == 0 ? NULL :
	    bsearch(&key, r->v, r->n, sizeof(*r->v), compare_items);
}

void
reject_lines_init(struct reject_lines *r, struct stage *s)
{
	*r = (struct reject_lines){ .stage = s };
	spool_init(&r->spool);
}

void
reject_lines_release(struct reject_lines *r)
{
	spool_release(&r->spool);
}

void
reject_lines_start(struct reject_lines *r)
{
	r->first_occurrence = stage_reject_who(r->stage)->n;
	reject_lines_reset(r);
}

void
reject_lines_reset(struct reject_lines *r)
{
	clock_stamp(r->at);
	stage_reject_who(r->stage)->n = r->first_occurrence;
	r->kept = 0;
	spool_clear(&r->spool);
}

/* True in a replay of letters that another stage has rejected, if the loader is
 * the first program after etl-dlq. If such a record is rejected again, the
 * loader writes its reject line in the name of that stage, so that the reject
 * becomes an occurrence of the same letter. */
static bool
reject_lines_foreign(const struct reject_lines *r)
{
	const struct mark *b = stage_begin_mark(r->stage);

	return b != NULL && b->replay && b->nstages == 1 && b->target == NULL;
}

/* Writes the chunk to the temporary file. Does nothing if the chunk is not
 * full. */
static int
write_full_chunk(struct spool *s, struct err *e)
{
	return spool_is_full(s, SIZE_MAX) ? spool_write_chunk(s, e) : 0;
}

/* Adds the reject line of record number `ordinal` of the batch. Appends the
 * line, and a line feed, directly in the memory of the spool. Before a record
 * of 4 MiB or more, and when 8 MiB of reject lines are in memory, these are
 * written to a temporary file, so that memory does not hold several large
 * lines. */
static int
reject_lines_add(struct reject_lines *r, const struct reject *reject,
    uint64_t ordinal, struct err *e)
{
	struct reject_who *who = stage_reject_who(r->stage);
	struct spool *s = &r->spool;
	size_t at;
	int rc;

	if (reject->raw_len >= SPOOL_CHUNK / 2 && spool_write_chunk(s, e) == -1)
		return -1;
	at = s->data.len;
	who->at = r->at;
	rc = reject_put_line(&s->data, who, reject, e);
	who->at = NULL;
	if (rc == -1)
		return -1;
	buf_char(&s->data, '\n');
	if (buf_check(&s->data, e) == -1 ||
	    spool_add_appended(s, at, ordinal, e) == -1)
		return -1;
	return write_full_chunk(s, e);
}

int
reject_lines_add_sent(struct reject_lines *r, const struct line *l,
    struct err *e)
{
	return spool_add(&r->spool, ITEM_REJECT, l, e) == -1 ? -1 :
	    write_full_chunk(&r->spool, e);
}

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

void
put_string_member(struct buf *b, const struct json *j, const char *name)
{
	uint32_t v = json_member_value(j, 0, name, strlen(name));

	if (v != 0 && j->tok[v].type == JSON_STRING)
		json_unescape(b, j, v);
}

void
put_rejected_bytes(struct buf *b, const struct json *j)
{
	struct buf base64;

	put_string_member(b, j, "raw");
	if (b->len > 0)
		return;
	buf_init(&base64, SIZE_MAX / 2);
	put_string_member(&base64, j, "raw_base64");
	(void)base64_get(b, buf_text(&base64), base64.len);
	buf_release(&base64);
}

void
sums_add(struct sums *to, const struct sums *t)
{
	to->in += t->in;
	to->inserted += t->inserted;
	to->updated += t->updated;
	to->unchanged += t->unchanged;
	to->superseded += t->superseded;
	to->skipped += t->skipped;
	to->rejected += t->rejected;
	to->deleted += t->deleted;
	to->missed += t->missed;
	to->removed += t->removed;
}

enum { STOP_EVERY = 256 };

struct visit {
	struct outcome *o;
	take_part *take;
	void *self;
	uint64_t *unreadable;
};

/* Called before record number i. Looks for a stop signal at every STOP_EVERY-th
 * record. */
static int
check_stop(size_t i, struct err *e)
{
	if (i % STOP_EVERY != 0 || stop_signal() == 0)
		return 0;
	return err_set(e, ERR_RETRY, false, "stopped by a signal");
}

/* Adds 1 to *unreadable if take() returns 0. */
static int
call_take(const struct visit *v, const struct line *l, struct err *e)
{
	int rc = v->take(v->self, &v->o->reader, l, e);

	*v->unreadable += rc == 0;
	return rc == -1 ? -1 : 0;
}

int
chunk_each_record(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e)
{
	const struct visit v = { o, take, self, unreadable };

	for (size_t i = 0; i < o->chunk->n; i++) {
		const struct line l = spool_get_line(o->chunk, i);

		if (check_stop(i, e) == -1)
			return -1;
		if (outcome_has_record(o, i) && call_take(&v, &l, e) == -1)
			return -1;
	}
	return 0;
}

/* Calls take() for the rejected record of a reject line. The reject line holds
 * the bytes of the record. Of a record that was too long it holds only the
 * beginning, which is not valid JSON: take() then finds no values in it. */
static int
take_rejected(const struct visit *v, const struct line *reject, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	struct line l = { .data = "" };
	struct buf raw;
	int rc;

	buf_init(&raw, SIZE_MAX / 2);
	rc = json_scan(&j, reject->data, reject->len, 1, JSON_LAST, &f);
	if (rc == 0) {
		put_rejected_bytes(&raw, &j);
		l.data = buf_text(&raw);
		l.len = raw.len;
		rc = buf_check(&raw, e);
	} else if (f.nomem) {
		(void)err_nomem(e);
	} else {
		rc = 0;
	}
	if (rc == 0)
		rc = call_take(v, &l, e);
	json_release(&j);
	buf_release(&raw);
	return rc;
}

int
chunk_each_rejected(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e)
{
	const struct visit v = { o, take, self, unreadable };

	for (size_t i = 0; i < o->refused.n; i++) {
		const struct line l =
		    spool_get_line(o->chunk, o->refused.v[i].item);

		if (check_stop(i, e) == -1 ||
		    call_take(&v, &l, e) == -1)
			return -1;
	}
	for (size_t i = 0; i < o->chunk->n; i++) {
		const struct line l = spool_get_line(o->chunk, i);

		if (o->table_of != NULL && o->table_of[i] != o->table) {
			*unreadable += o->table_of[i] == NO_TABLE;
			continue;
		}
		if (o->chunk->items[i].kind == ITEM_REJECT &&
		    (check_stop(i, e) == -1 ||
		    take_rejected(&v, &l, e) == -1))
			return -1;
	}
	return 0;
}

int
route_open(struct route *r, struct stage *s, const struct table_list *list,
    const char *pointer, struct err *e)
{
	*r = (struct route){ .stage = s, .list = list, .pointer = pointer,
		.levels = pointer_count(pointer) };
	if (r->levels > JSON_LEVELS_ALL)
		r->levels = JSON_LEVELS_ALL;
	buf_init(&r->text, SIZE_MAX / 4);
	buf_init(&r->raw, SIZE_MAX / 4);
	refusals_init(&r->refused);
	r->records = calloc(list->n + 1, sizeof(*r->records));
	return r->records == NULL ? err_nomem(e) : 0;
}

void
route_release(struct route *r)
{
	json_release(&r->json);
	buf_release(&r->text);
	buf_release(&r->raw);
	refusals_release(&r->refused);
	free(r->table_of);
	free(r->records);
	*r = (struct route){ 0 };
}

void
route_reset(struct route *r)
{
	r->sums = (struct sums){ 0 };
	refusals_clear(&r->refused);
}

static int
refuse_record(struct route *r, size_t i, const char *reason, struct err *e)
{
	const struct reject why = { .code = "schema", .pointer = r->pointer,
		.message = reason };

	return refusals_add(&r->refused, i, &why, e);
}

static int
refuse_name(struct route *r, size_t i, const char *name, size_t len,
    struct err *e)
{
	size_t shown = text_cut_length(name, len, 200);

	buf_clear(&r->raw);
	text_show(&r->raw, name, shown);
	(void)snprintf(r->message, sizeof(r->message),
	    "--tables has no table of the name \"%s\"", buf_text(&r->raw));
	return buf_check(&r->raw, e) == -1 ? -1 :
	    refuse_record(r, i, r->message, e);
}

/* Finds the name in the scanned record r->json. Returns its token, or 0 if the
 * record has none; *reason then says why. */
static uint32_t
find_table_name(struct route *r, const char **reason)
{
	uint32_t v;

	if (!pointer_find(&r->json, r->pointer, &v)) {
		(void)snprintf(r->message, sizeof(r->message), "the record "
		    "has no value at %.200s, which says which table it belongs "
		    "to (--table-from)", r->pointer);
		*reason = r->message;
		return 0;
	}
	if (r->json.tok[v].type == JSON_STRING)
		return v;
	*reason = "the value says which table the record belongs to "
	    "(--table-from), but it is not a string";
	return 0;
}

/* Finds the number of the table whose NAME is the value at token v of r->json.
 * Returns r->list->n if --tables lacks this NAME. Sets *name and *len to it. */
static size_t
find_table(struct route *r, uint32_t v, const char **name, size_t *len)
{
	const struct json_tok *t = &r->json.tok[v];

	*name = r->json.text + t->at + 1;
	*len = t->len - 2;
	if (t->flags & JSON_ESCAPED) {
		buf_clear(&r->text);
		json_unescape(&r->text, &r->json, v);
		*name = buf_text(&r->text);
		*len = r->text.len;
	}
	return table_list_find(r->list, *name, *len, r->last);
}

/* Finds the table of the record. Refuses a record without a table, and skips a
 * tombstone. */
static int
route_record(struct route *r, const struct line *l, size_t item, struct err *e)
{
	struct reject why = { 0 };
	const char *name, *reason = NULL;
	size_t len, table;
	uint32_t v;
	int rc;

	r->table_of[item] = NO_TABLE;
	if (r->tombstones && change_is_tombstone(l)) {
		r->skipped++;
		return 0;
	}
	/* A member may come twice here (JSON_LAST). When the record is read for
	 * its table, --duplicate-members decides about it. */
	rc = stage_parse_only(r->stage, l, &r->json, r->levels, JSON_LAST, &why,
	    e);
	if (rc != 1)
		return rc == -1 ? -1 : refusals_add(&r->refused, item, &why, e);
	if (r->tombstones && change_has_null_payload(&r->json)) {
		r->skipped++;
		return 0;
	}
	if ((v = find_table_name(r, &reason)) == 0)
		return refuse_record(r, item, reason, e);
	table = find_table(r, v, &name, &len);
	if (buf_check(&r->text, e) == -1)
		return -1;
	if (table == r->list->n)
		return refuse_name(r, item, name, len, e);
	r->table_of[item] = (uint16_t)table;
	r->records[table]++;
	r->last = table;
	return 0;
}

/* Finds the table of a record that an earlier stage has rejected, by the bytes
 * of the record in the reject line. Finds none if the line holds only a part of
 * the record. */
static int
route_rejected(struct route *r, const struct line *l, size_t item,
    struct err *e)
{
	struct json_fault f = { 0 };
	const char *name, *reason = NULL;
	size_t len, table;
	uint32_t v;

	r->table_of[item] = NO_TABLE;
	if (!r->rejects_too)
		return 0;
	buf_clear(&r->raw);
	if (json_scan(&r->json, l->data, l->len, 1, JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	put_rejected_bytes(&r->raw, &r->json);
	(void)buf_text(&r->raw);
	if (buf_check(&r->raw, e) == -1)
		return -1;
	if (json_scan(&r->json, buf_text(&r->raw), r->raw.len, r->levels,
		JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	if ((v = find_table_name(r, &reason)) == 0)
		return 0;
	table = find_table(r, v, &name, &len);
	if (table < r->list->n)
		r->table_of[item] = (uint16_t)table;
	return buf_check(&r->text, e);
}

static int
grow_table_of(struct route *r, size_t n, struct err *e)
{
	uint16_t *p;

	if (n <= r->room)
		return 0;
	if ((p = realloc(r->table_of, n * sizeof(*p))) == NULL)
		return err_nomem(e);
	r->table_of = p;
	r->room = n;
	return 0;
}

int
route_find_tables(struct route *r, const struct spool *chunk, struct err *e)
{
	int rc = grow_table_of(r, chunk->n, e);

	memset(r->records, 0, r->list->n * sizeof(*r->records));
	refusals_clear(&r->refused);
	r->made = 0;
	r->skipped = 0;
	for (size_t i = 0; i < chunk->n && rc == 0; i++) {
		const struct line l = spool_get_line(chunk, i);

		if (i % STOP_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		rc = chunk->items[i].kind == ITEM_RECORD ?
		    route_record(r, &l, i, e) :
		    route_rejected(r, &l, i, e);
	}
	return rc;
}

int
route_make_line(struct route *r, const struct spool *chunk, size_t i,
    uint64_t ordinal, struct reject_lines *to, struct err *e)
{
	const struct line l = spool_get_line(chunk, i);
	struct reject why;

	if (r->made == r->refused.n || r->refused.v[r->made].item != i)
		return 0;
	why = refusals_get(&r->refused, r->made++);
	reject_fill(&why, &l);
	if (stage_reject_way(r->stage) == REJECT_NOWHERE)
		return stage_no_reject_place(r->stage, &why, e);
	if (!reject_lines_foreign(to))
		why.target = r->pointer;
	return reject_lines_add(to, &why, ordinal + i, e);
}

void
route_count_chunk(struct route *r)
{
	r->sums.in += r->refused.n + r->skipped;
	r->sums.rejected += r->refused.n;
	r->sums.skipped += r->skipped;
}
