#include "document/splitter.h"

#include "base/window.h"
#include "json/scan.h"
#include "json/span.h"
#include "json/write.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Down to this level of nesting, a closing brace must match an opening brace,
 * and a closing bracket an opening bracket. Deeper ones are only counted. */
enum { VALUE_END_LEVELS = 4096 };

struct value_end {
	uint64_t depth;
	bool is_word;           /* a number, true, false or null */
	bool in_string;
	bool is_escaped;        /* the next byte follows a backslash */
	uint64_t braces[VALUE_END_LEVELS / 64]; /* bit n: level n is a brace,
						 * not a square bracket */
};

enum value_end_found {
	VALUE_GOES_ON,          /* all n bytes belong to the value */
	VALUE_ENDS,
	VALUE_BROKEN            /* the next byte is a closing bracket of the
				 * wrong kind */
};

static bool
is_word_byte(char c)
{
	return isdigit((unsigned char)c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

/* True if a value can start with this byte. */
static bool
value_may_start(char c)
{
	return c != '\0' && strchr("{[\"-tfn0123456789", c) != NULL;
}

/* Begins a value. A value must be able to start with the byte `first`. */
static void
value_end_begin(struct value_end *v, char first)
{
	v->depth = 0;
	v->in_string = v->is_escaped = false;
	v->is_word = first != '{' && first != '[' && first != '"';
}

static void
open_bracket(struct value_end *v, bool is_brace)
{
	const uint64_t bit = UINT64_C(1) << (v->depth & 63);

	if (v->depth < VALUE_END_LEVELS) {
		v->braces[v->depth / 64] &= ~bit;
		v->braces[v->depth / 64] |= is_brace ? bit : 0;
	}
	v->depth++;
}

/* Returns false if the innermost open bracket has the other kind: brace or
 * square bracket. */
static bool
close_bracket(struct value_end *v, bool is_brace)
{
	const uint64_t at = v->depth - 1;

	if (at < VALUE_END_LEVELS &&
	    ((v->braces[at / 64] >> (at & 63)) & 1) != is_brace)
		return false;
	v->depth--;
	return true;
}

/* Returns the first quote, brace or bracket in p..end, or `end`. */
static const char *
skip_plain_bytes(const char *p, const char *end)
{
	static const bool stops[256] = { ['"'] = true, ['{'] = true,
	    ['}'] = true, ['['] = true, [']'] = true };

	while (p < end && !stops[(unsigned char)*p])
		p++;
	return p;
}

/* Reads inside a string. Returns the position after its closing quote, or `end`
 * if the string goes on. */
static const char *
skip_string(struct value_end *v, const char *p, const char *end)
{
	while (p < end && v->in_string) {
		if (v->is_escaped) {
			v->is_escaped = false;
			p++;
			continue;
		}
		if ((p = span_quoted(p, end)) == end)
			break;
		v->is_escaped = *p == '\\';
		v->in_string = v->is_escaped;
		p++;
	}
	return p;
}

static enum value_end_found
find_end_of_word(const char *p, size_t n, size_t *used)
{
	size_t i = 0;

	while (i < n && is_word_byte(p[i]))
		i++;
	*used = i;
	return i < n ? VALUE_ENDS : VALUE_GOES_ON;
}

static enum value_end_found
value_end_find(struct value_end *v, const char *p, size_t n, size_t *used)
{
	const char *from = p, *end = p + n;
	enum value_end_found found = VALUE_GOES_ON;

	if (v->is_word)
		return find_end_of_word(p, n, used);
	while (p < end && found == VALUE_GOES_ON) {
		if (v->in_string) {
			p = skip_string(v, p, end);
			if (v->in_string)
				break;
		} else if ((p = skip_plain_bytes(p, end)) == end) {
			break;
		} else if (*p == '"') {
			v->in_string = true;
			p++;
			continue;
		} else if (*p == '{' || *p == '[') {
			open_bracket(v, *p++ == '{');
		} else if (close_bracket(v, *p == '}')) {
			p++;
		} else {
			found = VALUE_BROKEN;
		}
		if (v->depth == 0)
			found = VALUE_ENDS;
	}
	*used = (size_t)(p - from);
	return found;
}

/* The parts of a JSON Pointer, decoded: a/b and c of /a~1b/c.
 * Owns:  the text of the parts.
 * Borrows: nothing.
 * Fails: walk_path_split() returns false if memory is out. */

struct walk_path {
	char *text;
	char *part[JSON_DEPTH_MAX];
	unsigned n;             /* number of parts; those after the first
				 * JSON_DEPTH_MAX are not stored */
};

static bool
walk_path_split(struct walk_path *p, const char *pointer)
{
	char *to;

	if ((p->text = to = strdup(pointer)) == NULL)
		return false;
	for (const char *c = pointer; *c != '\0'; c++) {
		if (*c == '/') {
			*to++ = '\0';
			if (p->n < JSON_DEPTH_MAX)
				p->part[p->n] = to;
			p->n++;
			continue;
		}
		*to = *c;
		if (*c == '~')
			*to = *++c == '1' ? '/' : '~';
		to++;
	}
	*to = '\0';
	return true;
}

static void
walk_path_release(struct walk_path *p)
{
	free(p->text);
}

/* True if part k is this name. */
static bool
walk_path_has_name(const struct walk_path *p, unsigned k, const char *name,
    size_t n)
{
	return k < p->n && strlen(p->part[k]) == n &&
	    memcmp(p->part[k], name, n) == 0;
}

/* True if part k has the form of an array index. */
static bool
walk_path_has_index(const struct walk_path *p, unsigned k)
{
	return k < p->n && *p->part[k] != '\0' &&
	    p->part[k][strspn(p->part[k], "0123456789")] == '\0';
}

enum expected {
	TOP_VALUE, NOTHING, VALUE, VALUE_OR_END, NAME, NAME_OR_END, COLON,
	COMMA_OR_END
};

enum { WALK_RECORDS = 1 };      /* the bit of the path of --records */

/* Returns the innermost open object or array, or NULL. */
static inline struct walk_frame *
innermost(struct walk *w)
{
	return w->depth == 0 ? NULL : &w->frame[w->depth - 1];
}

/* Sets the fault and returns WALK_BROKEN. */
static enum walk_use
walk_fail(struct walk *w, enum walk_fault_kind kind, const char *why)
{
	w->fault = (struct walk_fault){ .kind = kind, .why = why };
	return WALK_BROKEN;
}

/* Returns the paths through the innermost object or array that also lead
 * through its member or element with this name. */
static uint32_t
walk_find_paths(struct walk *w, const char *name, size_t n)
{
	const struct walk_frame *f = innermost(w);
	const unsigned k = w->depth - 1;
	uint32_t child = 0;

	for (unsigned i = 0; i < w->n_paths; i++) {
		const struct walk_path *p = &w->path[i];

		if ((f->paths >> i & 1) != 0 &&
		    walk_path_has_name(p, k, name, n))
			child |= UINT32_C(1) << i;
	}
	return child;
}

/* Returns the paths that lead to the value that starts now. */
static uint32_t
find_paths_here(struct walk *w)
{
	struct walk_frame *f = innermost(w);
	char index[24];
	int n;

	if (f == NULL)
		return ((UINT32_C(1) << w->n_paths) - 1) &
		    ~(uint32_t)(w->conf->records == NULL ? WALK_RECORDS : 0);
	if (f->close == ']' && f->paths != 0) {
		n = snprintf(index, sizeof(index), "%" PRIu64, f->index);
		f->child = walk_find_paths(w, index, (size_t)n);
	}
	return f->child;
}

/* Returns those of `paths` that lead further into the value that starts now. */
static uint32_t
get_deeper_paths(const struct walk *w, uint32_t paths)
{
	uint32_t below = 0;

	for (unsigned i = 0; i < w->n_paths; i++)
		if ((paths >> i & 1) != 0 && w->path[i].n > w->depth)
			below |= UINT32_C(1) << i;
	return below;
}

/* Appends a part of the outline: a whole value, or its opening bracket. In an
 * object, appends the name of the member first. */
static void
walk_put_part(struct walk *w, const char *p, size_t n)
{
	struct walk_frame *f = innermost(w);

	if (!w->conf->is_answer)
		return;
	if (f != NULL && f->has_part)
		buf_char(&w->outline, ',');
	if (f != NULL && f->close == '}') {
		buf_add(&w->outline, w->name.data, w->name.len);
		buf_char(&w->outline, ':');
	}
	if (f != NULL)
		f->has_part = true;
	buf_add(&w->outline, p, n);
}

/* Returns `use`, or WALK_BROKEN if appending to the outline has failed. */
static enum walk_use
walk_check_outline(struct walk *w, enum walk_use use)
{
	if (!w->outline.failed)
		return use;
	return walk_fail(
	    w, w->outline.full ? WALK_TOO_LARGE : WALK_NO_MEMORY, NULL);
}

static enum walk_use
enter_container(struct walk *w, char c, uint32_t paths)
{
	walk_put_part(w, &c, 1);
	if (w->depth == JSON_DEPTH_MAX)
		return walk_fail(w, WALK_NOT_JSON, "nested deeper than 256");
	w->frame[w->depth++] = (struct walk_frame){
	    .close = c == '{' ? '}' : ']', .paths = paths };
	w->expected = c == '{' ? NAME_OR_END : VALUE_OR_END;
	return walk_check_outline(w, WALK_TAKEN);
}

/* Enters the array of the records. Fails if records were found before, or if a
 * wanted value is inside this array. */
static enum walk_use
enter_records(struct walk *w, uint32_t paths)
{
	if (w->found)
		return walk_fail(w, WALK_RECORDS_TWICE, NULL);
	for (unsigned i = 0; i < w->n_paths; i++)
		if ((paths >> i & 1) != 0 &&
		    walk_path_has_index(&w->path[i], w->depth))
			return walk_fail(w, WALK_INSIDE, NULL);
	w->found = true;
	if (enter_container(w, '[', 0) == WALK_BROKEN)
		return WALK_BROKEN;
	innermost(w)->is_records = true;
	w->records_at = w->outline.len;
	return WALK_TAKEN;
}

/* Returns the use of a value at the place of --records, which starts with c. */
static enum walk_use
choose_at_records(struct walk *w, char c, uint32_t paths)
{
	if (c == '[')
		return enter_records(w, paths);
	if (w->found)
		return walk_fail(w, WALK_RECORDS_TWICE, NULL);
	if (c == 'n')
		return WALK_NULL;
	if (w->conf->is_answer)
		return walk_fail(w, WALK_NO_ARRAY, NULL);
	w->found = true;
	return WALK_RECORD;
}

/* Called for an array member of an answer if --records is not given. The first
 * array member has the records; a second one is an error. */
static enum walk_use
enter_first_array(struct walk *w, uint32_t paths)
{
	if (w->found)
		return walk_fail(w, WALK_TWO_ARRAYS, NULL);
	buf_clear(&w->array_name);
	buf_add(&w->array_name, w->name.data, w->name.len);
	if (w->array_name.failed)
		return walk_fail(w, WALK_NO_MEMORY, NULL);
	return enter_records(w, paths);
}

/* Returns the use of a top-level value that starts with c, if --records is not
 * given. */
static enum walk_use
choose_at_top(struct walk *w, char c, uint32_t paths)
{
	if (c == '[')
		return enter_records(w, paths);
	if (!w->conf->is_answer) {
		w->found = true;
		return WALK_RECORD;
	}
	if (c != '{')
		return walk_fail(w, WALK_NO_ARRAY, NULL);
	if (enter_container(w, c, paths) == WALK_BROKEN)
		return WALK_BROKEN;
	innermost(w)->finds_array = true;
	return WALK_TAKEN;
}

/* Returns the use of the value that starts with c. If the way to the records or
 * to a wanted value leads into this value, opens it and returns WALK_TAKEN. */
static enum walk_use
walk_choose_use(struct walk *w, char c)
{
	const struct walk_frame *f = innermost(w);
	uint32_t paths, below;

	if (f != NULL && f->is_records)
		return WALK_RECORD;
	paths = find_paths_here(w);
	below = get_deeper_paths(w, paths);
	if (f == NULL)
		w->found = false;
	w->has_value = true;
	if (f == NULL && w->conf->records == NULL)
		return choose_at_top(w, c, paths);
	if (f != NULL && f->finds_array && c == '[')
		return enter_first_array(w, paths);
	if ((paths & ~below & WALK_RECORDS) != 0)
		return choose_at_records(w, c, paths);
	if (below != 0 && (c == '{' || c == '['))
		return enter_container(w, c, paths);
	return (paths & ~below) != 0 ? WALK_KEEP : WALK_SKIP;
}

/* Splits --records and the wanted pointers into their parts. path[0] is for
 * --records; without this option no value uses path[0]. */
static int
parse_paths(struct walk *w, struct err *e)
{
	const struct walk_conf *c = w->conf;

	w->n_paths = 1;
	if (c->records != NULL && !walk_path_split(&w->path[0], c->records))
		return err_nomem(e);
	for (unsigned i = 0; i < WALK_WANTED && c->wanted[i] != NULL; i++)
		if (!walk_path_split(&w->path[w->n_paths++], c->wanted[i]))
			return err_nomem(e);
	return 0;
}

/* Opens a walk. All bytes of *w must be 0 before. */
static int
walk_open(struct walk *w, const struct walk_conf *c, struct err *e)
{
	w->conf = c;
	buf_init(&w->name, WALK_NAME_MAX);
	buf_init(&w->array_name, WALK_NAME_MAX);
	buf_init(&w->outline, WALK_OUTLINE_MAX);
	w->path = calloc(WALK_WANTED + 1, sizeof(*w->path));
	return w->path == NULL ? err_nomem(e) : parse_paths(w, e);
}

static void
walk_release(struct walk *w)
{
	for (unsigned i = 0; w->path != NULL && i <= WALK_WANTED; i++)
		walk_path_release(&w->path[i]);
	free(w->path);
	buf_release(&w->name);
	buf_release(&w->array_name);
	buf_release(&w->outline);
}

/* Prepares for the next document. */
static void
walk_restart(struct walk *w)
{
	w->depth = 0;
	w->expected = TOP_VALUE;
	w->has_value = w->found = false;
	w->fault.kind = WALK_NO_FAULT;
	buf_clear(&w->outline);
	w->records_at = 0;
}

/* Returns the use of the value that starts with c. Fails if no value can start
 * with c. */
static enum walk_use
start_value(struct walk *w, char c)
{
	if (!value_may_start(c))
		return walk_fail(w, WALK_NOT_JSON, "expected a value");
	return walk_choose_use(w, c);
}

/* Called after a value. */
static bool
expect_next(struct walk *w)
{
	struct walk_frame *f = innermost(w);

	if (f != NULL) {
		f->index++;
		w->expected = COMMA_OR_END;
		return true;
	}
	w->expected = w->conf->is_answer ? NOTHING : TOP_VALUE;
	return w->found || walk_fail(w, WALK_NO_ARRAY, NULL) != WALK_BROKEN;
}

static enum walk_use
close_container(struct walk *w, char c)
{
	if (w->conf->is_answer)
		buf_char(&w->outline, c);
	w->depth--;
	return expect_next(w) ? walk_check_outline(w, WALK_TAKEN) : WALK_BROKEN;
}

/* Reads the comma after a value, or the bracket that closes the array or
 * object. */
static enum walk_use
read_separator(struct walk *w, char c)
{
	const struct walk_frame *f = innermost(w);

	if (c == f->close)
		return close_container(w, c);
	if (c != ',')
		return walk_fail(
		    w, WALK_NOT_JSON, "expected a comma or the end");
	w->expected = f->close == '}' ? NAME : VALUE;
	return WALK_TAKEN;
}

/* Handles a byte between values, which is not white space. If a name or a value
 * starts with it, the caller reads that to its end and then calls
 * walk_end(). */
static enum walk_use
walk_read_byte(struct walk *w, char c)
{
	switch ((enum expected)w->expected) {
	case VALUE_OR_END:
	case NAME_OR_END:
		if (c == innermost(w)->close)
			return close_container(w, c);
		if (w->expected == VALUE_OR_END)
			return start_value(w, c);
		/* FALLTHROUGH */
	case NAME:
		return c == '"' ? WALK_NAME :
		    walk_fail(w, WALK_NOT_JSON, "expected a member name");
	case COLON:
		w->expected = VALUE;
		return c == ':' ? WALK_TAKEN :
		    walk_fail(w, WALK_NOT_JSON, "expected a colon");
	case COMMA_OR_END:
		return read_separator(w, c);
	case NOTHING:
		return walk_fail(
		    w, WALK_NOT_JSON, "expected the end of the text");
	default:
		return start_value(w, c);
	}
}

/* Called at the end of a member name. Finds out which paths lead through this
 * member. Stores the name. */
static bool
end_name(struct walk *w, const char *p, size_t n)
{
	struct walk_frame *f = innermost(w);
	struct json j = { 0 };
	struct json_fault fault = { 0 };
	struct buf plain;

	w->expected = COLON;
	buf_clear(&w->name);
	buf_add(&w->name, p, n);
	f->child = 0;
	if (w->name.failed)
		return walk_fail(w, w->name.full ? WALK_LONG_NAME :
		    WALK_NO_MEMORY, NULL) != WALK_BROKEN;
	if (f->paths == 0)
		return true;
	if (memchr(p, '\\', n) == NULL) {
		f->child = walk_find_paths(w, p + 1, n - 2);
		return true;
	}
	buf_init(&plain, WALK_NAME_MAX);
	if (json_scan(&j, p, n, 1, JSON_LAST, &fault) == 0) {
		json_unescape(&plain, &j, 0);
		f->child = plain.failed ? 0 :
		    walk_find_paths(w,
		    plain.data == NULL ? "" : plain.data, plain.len);
	}
	fault.nomem |= plain.failed;
	json_release(&j);
	buf_release(&plain);
	return !fault.nomem ||
	    walk_fail(w, WALK_NO_MEMORY, NULL) != WALK_BROKEN;
}

/* Appends the value to the outline. Returns false if the value is not JSON or
 * the outline is full. */
static bool
keep_value(struct walk *w, const char *p, size_t n)
{
	struct json j = { 0 };
	struct json_fault fault = { 0 };
	int rc = json_scan(&j, p, n, 0, JSON_LAST, &fault);

	json_release(&j);
	if (rc == -1) {
		(void)walk_fail(w, fault.nomem ? WALK_NO_MEMORY : WALK_NOT_JSON,
		    fault.why);
		w->fault.at = fault.at;
		return false;
	}
	walk_put_part(w, p, n);
	return walk_check_outline(w, WALK_KEEP) !=
	    WALK_BROKEN && expect_next(w);
}

/* Call this after a name or value of n bytes at p was read. `use` is what
 * walk_read_byte() has returned. The text is needed only for WALK_NAME,
 * WALK_KEEP and WALK_NULL. */
static bool
walk_end(struct walk *w, enum walk_use use, const char *p, size_t n)
{
	const struct walk_frame *f = innermost(w);

	switch (use) {
	case WALK_NAME:
		return end_name(w, p, n);
	case WALK_KEEP:
		return keep_value(w, p, n);
	case WALK_NULL:
		if (n != 4 || memcmp(p, "null", 4) != 0)
			return walk_fail(w, WALK_NOT_JSON, "unknown word") !=
			    WALK_BROKEN;
		w->found = true;
		return keep_value(w, p, n);
	case WALK_SKIP:
		if (f != NULL && f->close == ']')
			walk_put_part(w, "null", 4);
		return walk_check_outline(w, use) !=
		    WALK_BROKEN && expect_next(w);
	default:
		return expect_next(w);
	}
}

/* True if no array or object is open, so that the text may end here. */
static bool
walk_is_at_top(const struct walk *w)
{
	return w->depth == 0;
}

/* Fails if the text must not end here: in the middle of a value or, for an
 * answer, before the first one. */
static bool
walk_finish(struct walk *w)
{
	if (w->depth == 0 && (w->has_value || !w->conf->is_answer))
		return true;
	return walk_fail(w, w->depth == 0 ? WALK_EMPTY : WALK_CUT, NULL) !=
	    WALK_BROKEN;
}

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
