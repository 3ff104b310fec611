#include "base/stop.h"
#include "source/source.h"
#include "stdout_reader.h"
#include "stream/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ndjson {
	const char *uri;
	struct lines *lines;
	int fd;
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
	if (n->fd > 0)
		(void)close(n->fd);
	free(n);
}

static int
open_file_refuse_directory(struct ndjson *n, const char *path, struct err *e)
{
	struct stat st;

	n->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (n->fd == -1 && errno == EINTR && stop_signal() != 0)
		return set_stop_or_reader_gone_error(e);
	if (n->fd == -1)
		return err_errno(e, ERR_INPUT, path);
	if (fstat(n->fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, ERR_INPUT, false,
		    "%s: is a directory: give a file", path);
	return 0;
}

static int
ndjson_open(void **self, struct extract *x, const char *uri, struct err *e)
{
	struct ndjson *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	n->uri = uri;
	if ((strcmp(uri, "-") != 0 &&
		open_file_refuse_directory(n, uri, e) == -1) ||
	    lines_open(&n->lines, n->fd, x->opts.max_record, e) == -1) {
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
warn_if_marked_stream(struct ndjson *n, const struct line *l)
{
	struct mark m = { 0 };
	struct err e = { 0 };

	if (n->has_begun)
		return;
	n->has_begun = true;
	if (is_mark_line(l->data, l->len) &&
	    mark_parse(&m, l->data, l->len, &e) == 0 && m.kind == MARK_BEGIN)
		err_warnf("etl-extract", "%s: is a marked stream, and "
		    "etl-extract rejects its marks: give the stream to the "
		    "next program of the pipeline without etl-extract",
		    n->uri);
	mark_release(&m);
}

static enum source_next
ndjson_next_or_pause_before_wait(void *self, struct item *it, struct err *e)
{
	struct ndjson *n = self;

	if (!n->has_paused && !lines_next_is_buffered(n->lines)) {
		n->has_paused = true;
		return SOURCE_PAUSE;
	}
	n->has_paused = false;
	switch (lines_next_not_blank(n->lines, &it->line, -1, e)) {
	case LINES_ONE:
		warn_if_marked_stream(n, &it->line);
		it->kind = n->fd > 0 ? "file" : "stdin";
		it->uri = n->uri;
		it->page = it->index = 0;
		return SOURCE_ITEM;
	case LINES_END:
		return SOURCE_END;
	case LINES_STOP:
		(void)set_stop_or_reader_gone_error(e);
		return SOURCE_FAILED;
	default:
		err_prefix(e, "%s", n->uri);
		return SOURCE_FAILED;
	}
}

static const char *const formats[] = { "ndjson", "jsonl", NULL };

const struct source source_ndjson = {
    .formats = formats,
    .open = ndjson_open,
    .next = ndjson_next_or_pause_before_wait,
    .close = ndjson_close,
};
