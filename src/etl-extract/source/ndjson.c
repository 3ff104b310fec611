#include "file/file_format.h"
#include "source/source.h"
#include "stream/mark.h"

#include <stdlib.h>

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

static const char *const formats[] = { "ndjson", "jsonl", NULL };

const struct source source_ndjson = {
    .kind = KIND_NDJSON,
    .formats = formats,
    .open = ndjson_open,
    .next = ndjson_next,
    .close = ndjson_close,
};
