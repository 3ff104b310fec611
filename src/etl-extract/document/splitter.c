#include "document/splitter.h"

#include "base/window.h"
#include "document/value_end.h"

#include <stdlib.h>
#include <string.h>

struct splitter {
	size_t max;             /* longest record that is kept whole */
	struct walk walk;
	struct window w;
	uint64_t offset;        /* of w.data[w.start] in the text */
	bool is_eof;
	bool has_begun;         /* the splitter has checked for a byte order
				 * mark */
	/* The name or value that starts at w.data[w.start]. */
	enum walk_use use;      /* what it is for; WALK_TAKEN: there is none */
	struct value_end value;
	size_t seen;            /* bytes of it that were read */
	/* Bytes of a long value are dropped from the window while the rest of
	 * the value is read. */
	uint64_t dropped;       /* how many bytes were dropped */
	struct hash *hash;      /* of the dropped bytes of a record, or NULL */
	char *kept;             /* the first LINES_KEPT bytes of the record */
	uint64_t records;
};

void
splitter_restart(struct splitter *s)
{
	hash_free(s->hash);
	s->hash = NULL;
	walk_restart(&s->walk);
	s->w.start = s->w.end = 0;
	s->offset = s->records = s->dropped = 0;
	s->is_eof = s->has_begun = false;
	s->use = WALK_TAKEN;
}

int
splitter_open(struct splitter **out, const struct walk_conf *c,
    size_t max_record, struct err *e)
{
	struct splitter *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	if (walk_open(&s->walk, c, e) == -1 || window_open(&s->w, e) == -1) {
		splitter_close(s);
		return -1;
	}
	s->max = max_record;
	splitter_restart(s);
	*out = s;
	return 0;
}

void
splitter_close(struct splitter *s)
{
	if (s == NULL)
		return;
	walk_release(&s->walk);
	hash_free(s->hash);
	free(s->kept);
	window_release(&s->w);
	free(s);
}

const struct walk_fault *
splitter_fault(const struct splitter *s)
{
	return &s->walk.fault;
}

const struct buf *
splitter_first_array(const struct splitter *s)
{
	return &s->walk.array_name;
}

const struct buf *
splitter_second_array(const struct splitter *s)
{
	return &s->walk.name;
}

const struct buf *
splitter_outline(const struct splitter *s)
{
	return &s->walk.outline;
}

bool
splitter_was_top(const struct splitter *s)
{
	return walk_is_at_top(&s->walk);
}

size_t
splitter_records_at(const struct splitter *s)
{
	return s->walk.records_at;
}

int
splitter_read(struct splitter *s, struct lines_reader r, struct err *e)
{
	size_t room;
	ssize_t n;

	if ((room = window_make_room(&s->w, s->w.start, s->max, e)) == 0)
		return -1;
	if ((n = r.read(r.self, s->w.data + s->w.end, room, e)) == -1)
		return -1;
	s->is_eof = n == 0;
	s->w.end += (size_t)n;
	return 0;
}

static enum split_next
fail_at_byte(struct splitter *s, size_t at, struct err *e)
{
	struct walk_fault *f = &s->walk.fault;

	if (f->kind == WALK_NO_MEMORY) {
		(void)err_nomem(e);
		return SPLIT_FAILED;
	}
	f->at += s->offset + at;
	return SPLIT_BROKEN;
}

static enum split_next
fail_kind(struct splitter *s, enum walk_fault_kind kind, const char *why,
    size_t at, struct err *e)
{
	s->walk.fault = (struct walk_fault){ .kind = kind, .why = why };
	return fail_at_byte(s, at, e);
}

static void
drop_window_bytes(struct splitter *s, size_t n)
{
	s->w.start += n;
	s->offset += n;
}

/* Frees window space while a long value is read: drops the bytes that were
 * already read. For a record, keeps the first bytes of it and hashes all. */
static int
drop_seen(struct splitter *s, struct err *e)
{
	const char *p = s->w.data + s->w.start;

	if (s->use == WALK_RECORD) {
		if (s->kept == NULL &&
		    (s->kept = malloc(LINES_KEPT)) == NULL)
			return err_nomem(e);
		if (s->hash == NULL) {
			if ((s->hash = hash_new()) == NULL)
				return err_nomem(e);
			memcpy(s->kept, p, LINES_KEPT);
		}
		hash_add(s->hash, p, s->seen);
	}
	s->dropped += s->seen;
	drop_window_bytes(s, s->seen);
	s->seen = 0;
	return 0;
}

/* Sets *l to the record in the window. Of a record that is longer than s->max,
 * it has only the first bytes and the hash. */
static void
fill_value_line(struct splitter *s, struct line *l)
{
	*l = (struct line){ .data = s->w.data + s->w.start, .len = s->seen,
	    .number = ++s->records, .offset = s->offset - s->dropped,
	    .bytes = s->dropped + s->seen };
	if (l->bytes <= s->max)
		return;
	l->too_long = true;
	if (s->hash == NULL) {
		hash_bytes(l->data, l->len, l->sha256);
		l->len = l->len < LINES_KEPT ? l->len : LINES_KEPT;
		return;
	}
	hash_add(s->hash, l->data, l->len);
	hash_finish(s->hash, l->sha256);
	s->hash = NULL;
	l->data = s->kept;
	l->len = LINES_KEPT;
}

/* Ends the name or value that starts the window. Fills in *record if it is a
 * record. */
static enum split_next
end_value(struct splitter *s, struct line *record, struct err *e)
{
	const enum walk_use use = s->use;

	if (use == WALK_RECORD)
		fill_value_line(s, record);
	s->use = WALK_TAKEN;
	if (!walk_end(&s->walk, use, s->w.data + s->w.start, s->seen))
		return fail_at_byte(s, use == WALK_KEEP || use == WALK_NAME ?
		    0 : s->seen, e);
	drop_window_bytes(s, s->seen);
	s->seen = 0;
	s->dropped = 0;
	return use == WALK_RECORD ? SPLIT_RECORD : SPLIT_MORE;
}

/* Called if the end of the value is not in the window yet. Fails if the value
 * is too long to be kept; drops bytes of a value that is not kept whole. */
static enum split_next
continue_value(struct splitter *s, struct err *e)
{
	if (s->is_eof)
		return fail_kind(s, WALK_CUT, NULL, s->seen, e);
	if (s->use == WALK_NAME && s->seen > WALK_NAME_MAX - 2)
		return fail_kind(s, WALK_LONG_NAME, NULL, 0, e);
	if (s->use == WALK_KEEP && s->seen > WALK_OUTLINE_MAX)
		return fail_kind(s, WALK_TOO_LARGE, NULL, 0, e);
	if (s->use == WALK_SKIP || s->hash != NULL ||
	    (s->use == WALK_RECORD && s->seen > s->max &&
		s->seen >= LINES_KEPT))
		if (drop_seen(s, e) == -1)
			return SPLIT_FAILED;
	return SPLIT_MORE;
}

/* Reads further bytes of a name or value. Sets *is_done at its end. */
static enum split_next
read_value(struct splitter *s, struct line *record, bool *is_done,
    struct err *e)
{
	const size_t left = s->w.end - s->w.start - s->seen;
	enum value_end_found found;
	size_t used = 0;

	found = value_end_find(&s->value, s->w.data + s->w.start + s->seen,
	    left, &used);
	s->seen += used;
	*is_done = found == VALUE_ENDS || (found == VALUE_GOES_ON &&
	    s->value.is_word && s->is_eof &&
	    walk_is_at_top(&s->walk));
	if (found == VALUE_BROKEN)
		return fail_kind(s, WALK_NOT_JSON,
		    "a bracket that does not fit", s->seen, e);
	return *is_done ? end_value(s, record, e) : continue_value(s, e);
}

static void
skip_white_space(struct splitter *s)
{
	const char *p = s->w.data + s->w.start, *end = s->w.data + s->w.end;
	const char *from = p;

	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	drop_window_bytes(s, (size_t)(p - from));
}

/* Skips a byte order mark. Returns false if more bytes are needed to know
 * whether there is one. */
static bool
skip_bom(struct splitter *s)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t n = s->w.end - s->w.start;

	if (n < 3 && !s->is_eof &&
	    memcmp(s->w.data + s->w.start, mark, n) == 0)
		return false;
	s->has_begun = true;
	if (n >= 3 && memcmp(s->w.data + s->w.start, mark, 3) == 0)
		drop_window_bytes(s, 3);
	return true;
}

/* Reads one byte between values. If a name or value starts with this byte,
 * prepares to read it. */
static enum split_next
read_next_byte(struct splitter *s, struct err *e)
{
	const char c = s->w.data[s->w.start];
	const enum walk_use use = walk_read_byte(&s->walk, c);

	if (use == WALK_BROKEN)
		return fail_at_byte(s, 0, e);
	if (use == WALK_TAKEN) {
		drop_window_bytes(s, 1);
		return SPLIT_MORE;
	}
	s->use = use;
	s->seen = 0;
	s->dropped = 0;
	value_end_begin(&s->value, c);
	return SPLIT_MORE;
}

enum split_next
splitter_next(struct splitter *s, struct line *record, struct err *e)
{
	enum split_next n;
	bool is_done = false;

	for (;;) {
		if (s->use != WALK_TAKEN) {
			n = read_value(s, record, &is_done, e);
			if (n != SPLIT_MORE || !is_done)
				return n;
			continue;
		}
		if (!s->has_begun && !skip_bom(s))
			return SPLIT_MORE;
		skip_white_space(s);
		if (s->w.start == s->w.end && !s->is_eof)
			return SPLIT_MORE;
		if (s->w.start == s->w.end)
			return walk_finish(&s->walk) ? SPLIT_END :
			    fail_at_byte(s, 0, e);
		if ((n = read_next_byte(s, e)) != SPLIT_MORE)
			return n;
	}
}
