#include "base/text.h"
#include "document/splitter.h"
#include "file/file_format.h"
#include "json/pointer.h"
#include "json/write.h"
#include "source/source.h"
#include "stream/mark.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* POINTER_MAX: the longest pointer to an array member. NOTE_MAX: the longest
 * note that shows it. It is larger, because text_show() writes several
 * characters for one control character. */
enum { POINTER_MAX = 128 << 10, NOTE_MAX = 1 << 20 };

struct json_file {
	struct input *in;
	struct walk_conf conf;
	struct splitter *splitter;
	bool is_child;          /* a child process of --jobs */
	bool is_replay;         /* the input is one replayed record */
	bool has_paused;        /* SOURCE_PAUSE came before this read */
	struct buf array;       /* see note_only_array() */
};

static void
json_close(void *self)
{
	struct json_file *f = self;

	if (f == NULL)
		return;
	splitter_close(f->splitter);
	input_close(f->in);
	buf_release(&f->array);
	free(f);
}

static int
json_open(void **self, struct extract *x, const char *path, struct err *e)
{
	struct json_file *f = calloc(1, sizeof(*f));
	struct file_format format;

	if (f == NULL)
		return err_nomem(e);
	buf_init(&f->array, POINTER_MAX);
	file_format_of(&format, &x->opts, path);
	f->conf.records = x->opts.records;
	f->is_child = x->is_child;
	f->is_replay = x->given != NULL && x->given->is_decompressed;
	if (input_open(&f->in, x, path, format.compression, e) == -1 ||
	    splitter_open(&f->splitter, &f->conf, x->opts.max_record, e) ==
		-1) {
		json_close(f);
		return -1;
	}
	*self = f;
	return 0;
}

static ssize_t
read_json_input(void *self, char *p, size_t n, struct err *e)
{
	return input_read(self, p, n, e);
}

struct text {
	const char *p;
	size_t left;
};

static ssize_t
read_text(void *self, char *p, size_t n, struct err *e)
{
	struct text *t = self;

	n = n < t->left ? n : t->left;
	memcpy(p, t->p, n);
	t->p += n;
	t->left -= n;
	return (ssize_t)n;
}

/* If the object has exactly one array member, returns 1 and sets *name to its
 * name, with its quotes. If the text of the object is cut short, only the part
 * that is there is searched. */
static int
find_only_array(struct splitter *s, const struct line *object,
    const struct buf **name, struct err *e)
{
	struct text t = { object->data, object->len };
	struct line element;
	enum split_next n;

	while ((n = splitter_next(s, &element, e)) == SPLIT_MORE ||
	    n == SPLIT_RECORD)
		if (n == SPLIT_MORE && splitter_read(
			s, (struct lines_reader){ read_text, &t }, e) == -1)
			return -1;
	if (n == SPLIT_FAILED)
		return -1;
	*name = splitter_first_array(s);
	return (*name)->len > 0 && (n == SPLIT_END ||
	    (object->too_long && splitter_fault(s)->kind == WALK_CUT));
}

/* If the first record is the whole document, and it is an object with one array
 * member, stores the pointer to this array in f->array. The user probably wants
 * the elements of the array as records. */
static int
note_only_array(struct json_file *f, const struct line *l, struct err *e)
{
	const struct walk_conf conf = { .is_answer = true };
	struct json j = { 0 };
	struct json_fault fault = { 0 };
	struct splitter *s;
	const struct buf *name;
	struct buf plain;
	int rc;

	if (f->conf.records != NULL || f->is_replay || l->data[0] != '{' ||
	    !splitter_was_top(f->splitter))
		return 0;
	if (splitter_open(&s, &conf, LINES_KEPT, e) == -1)
		return -1;
	buf_init(&plain, WALK_NAME_MAX);
	rc = find_only_array(s, l, &name, e);
	if (rc == 1 && json_scan(&j, name->data, name->len, 1, JSON_LAST,
	    &fault) == 0) {
		json_unescape(&plain, &j, 0);
		(void)buf_text(&plain);
		pointer_put_part(&f->array, plain.data, plain.len);
		rc = plain.failed ? buf_check(&plain, e) :
		    buf_check(&f->array, e);
	} else if (fault.nomem) {
		rc = err_nomem(e);
	}
	json_release(&j);
	buf_release(&plain);
	splitter_close(s);
	return rc == -1 ? -1 : 0;
}

static int
fill_json_item(struct json_file *f, struct item *it, struct err *e)
{
	*it = (struct item){ .line = it->line, .uri = input_path(f->in),
	    .kind = input_kind(f->in),
	    .is_in_file = true, .index = it->line.number,
	    .converted = input_is_converted(f->in) ? f->in : NULL };
	it->line.number = 0;
	if (it->index > 1)
		buf_clear(&f->array);
	return it->index > 1 ? 0 : note_only_array(f, &it->line, e);
}

/* Ends the file and prints the note about the array. A child must not print: if
 * the note is necessary, the child fails, and its parent reads the file
 * again. */
static enum source_next
end_file(struct json_file *f, struct err *e)
{
	struct buf b;

	if (f->array.len == 0)
		return SOURCE_END;
	if (f->is_child) {
		(void)err_set(e, ERR_DATA, false, "a line must be printed");
		return SOURCE_FAILED;
	}
	buf_init(&b, NOTE_MAX);
	buf_printf(&b, "%s: the file is one object, which is read as one "
	    "record: to read the elements of its array, give --records ",
	    input_path(f->in));
	text_show(&b, f->array.data, f->array.len);
	err_note("etl-extract", buf_text(&b));
	buf_release(&b);
	return SOURCE_END;
}

static int
fail_split(const struct json_file *f, struct err *e)
{
	const struct walk_fault *w = splitter_fault(f->splitter);
	const char *path = input_path(f->in), *records = f->conf.records;

	switch (w->kind) {
	case WALK_CUT:
		return err_set(e, ERR_DATA, false, "%s: the JSON ends too "
		    "early, after %" PRIu64 " bytes: the records before its "
		    "end have been read", path, w->at);
	case WALK_NO_ARRAY:
		return err_set(e, ERR_DATA, false, "%s: a value that ends at "
		    "byte %" PRIu64 " has nothing at --records '%s': check "
		    "this pointer", path,
		    w->at, records);
	case WALK_RECORDS_TWICE:
		return err_set(e, ERR_DATA, false, "%s: the file has the "
		    "member at --records '%s' twice, the second time at byte %"
		    PRIu64,
		    path, records, w->at + 1);
	case WALK_LONG_NAME:
		return err_set(e, ERR_DATA, false, "%s: the member name at "
		    "byte %" PRIu64 " is longer than 64 KiB: the records "
		    "before it have been read", path, w->at + 1);
	default:
		return err_set(e, ERR_DATA, false, "%s: not JSON: %s, at byte "
		    "%" PRIu64 ": the records before it have been read", path,
		    w->why, w->at + 1);
	}
}

/* Gives the next record. Returns SOURCE_PAUSE once before it waits for
 * input. */
static enum source_next
json_next(void *self, struct item *it, struct err *e)
{
	struct json_file *f = self;
	const struct lines_reader r = { read_json_input, f->in };

	for (;;)
		switch (splitter_next(f->splitter, &it->line, e)) {
		case SPLIT_RECORD:
			return fill_json_item(f, it, e) == 0 ? SOURCE_ITEM :
			    SOURCE_FAILED;
		case SPLIT_MORE:
			if (!f->has_paused && input_may_wait(f->in)) {
				f->has_paused = true;
				return SOURCE_PAUSE;
			}
			f->has_paused = false;
			if (splitter_read(f->splitter, r, e) == -1)
				return SOURCE_FAILED;
			break;
		case SPLIT_END:
			return end_file(f, e);
		case SPLIT_BROKEN:
			(void)fail_split(f, e);
			return SOURCE_FAILED;
		default:
			return SOURCE_FAILED;
		}
}

static const char *const formats[] = { "json", NULL };

const struct source source_json = {
    .kind = KIND_JSON,
    .formats = formats,
    .open = json_open,
    .next = json_next,
    .close = json_close,
};

struct ndjson {
	struct input *in;
	struct lines *lines;
	bool has_paused;        /* SOURCE_PAUSE came after the last line */
	bool has_begun;         /* the first line has been read */
};

static void
ndjson_close(void *self)
{
	struct ndjson *n = self;

	if (n == NULL)
		return;
	lines_close(n->lines);
	input_close(n->in);
	free(n);
}

static ssize_t
read_ndjson_input(void *self, char *p, size_t n, struct err *e)
{
	return input_read(self, p, n, e);
}

/* With --changed tail, goes to the first record to read, which is not at the
 * start of the file. */
static int
seek_to_tail(struct ndjson *n, const struct input_given *g, struct err *e)
{
	if (g == NULL || g->start == 0)
		return 0;
	lines_set_start(n->lines, g->lines_before, g->start);
	return input_seek(n->in, g->start, e);
}

static int
ndjson_open(void **self, struct extract *x, const char *path, struct err *e)
{
	struct ndjson *n = calloc(1, sizeof(*n));
	struct file_format f;

	if (n == NULL)
		return err_nomem(e);
	file_format_of(&f, &x->opts, path);
	if (input_open(&n->in, x, path, f.compression, e) == -1 ||
	    lines_open_reader(&n->lines,
		(struct lines_reader){ read_ndjson_input, n->in },
		x->opts.max_record, e) == -1 ||
	    seek_to_tail(n, x->given, e) == -1) {
		ndjson_close(n);
		return -1;
	}
	*self = n;
	return 0;
}

/* Warns if the first line of the input is the line {"@etl":"begin",...}, with
 * which the output of other etl programs begins. The user then probably wants
 * to pass this output on. But etl-extract rejects all such control lines
 * (marks) in its input files. */
static void
warn_marked_stream(const struct ndjson *n, const struct line *l)
{
	struct mark m = { 0 };
	struct err e = { 0 };

	if (is_mark_line(l->data, l->len) &&
	    mark_parse(&m, l->data, l->len, &e) == 0 && m.kind == MARK_BEGIN)
		err_warnf("etl-extract", "%s: is a marked stream, and "
		    "etl-extract rejects its marks: give the stream to the "
		    "next program of the pipeline without etl-extract",
		    input_path(n->in));
	mark_release(&m);
}

/* Gives the next line. Returns SOURCE_PAUSE once before it waits for input. */
static enum source_next
ndjson_next(void *self, struct item *it, struct err *e)
{
	struct ndjson *n = self;

	if (!n->has_paused && !lines_is_ready(n->lines) &&
	    input_may_wait(n->in)) {
		n->has_paused = true;
		return SOURCE_PAUSE;
	}
	n->has_paused = false;
	*it = (struct item){ .uri = input_path(n->in),
	    .kind = input_kind(n->in),
	    .is_in_file = true,
	    .converted = input_is_converted(n->in) ? n->in : NULL };
	switch (lines_next(n->lines, &it->line, -1, e)) {
	case LINES_ONE:
		if (!n->has_begun)
			warn_marked_stream(n, &it->line);
		n->has_begun = true;
		return SOURCE_ITEM;
	case LINES_END:
		return SOURCE_END;
	default:
		return SOURCE_FAILED;
	}
}

static const char *const ndjson_formats[] = { "ndjson", "jsonl", NULL };

const struct source source_ndjson = {
    .kind = KIND_NDJSON,
    .formats = ndjson_formats,
    .open = ndjson_open,
    .next = ndjson_next,
    .close = ndjson_close,
};
