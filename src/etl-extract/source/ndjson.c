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
	bool paused;            /* said so since the last line */
	bool begun;             /* its first line has come */
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
file_open(struct ndjson *n, const char *path, struct err *e)
{
	struct stat st;

	n->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (n->fd == -1 && errno == EINTR && stop_signal() != 0)
		return reader_stopped(e);
	if (n->fd == -1)
		return err_errno(e, ERR_INPUT, path);
	if (fstat(n->fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, ERR_INPUT, false, "%s: a directory", path);
	return 0;
}

static int
ndjson_open(void **self, struct extract *x, const char *uri, struct err *e)
{
	struct ndjson *n;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	n->uri = uri;
	if ((strcmp(uri, "-") != 0 && file_open(n, uri, e) == -1) ||
	    lines_open(&n->lines, n->fd, x->opts.max_record, e) == -1) {
		ndjson_close(n);
		return -1;
	}
	*self = n;
	return 0;
}

/* Its marks are data here, and rejected: whoever gives it means a stream. */
static void
marks_warn(struct ndjson *n, const struct line *l)
{
	struct mark m = { 0 };
	struct err e = { 0 };

	if (n->begun)
		return;
	n->begun = true;
	if (is_mark_line(l->data, l->len) &&
	    mark_parse(&m, l->data, l->len, &e) == 0 && m.kind == MARK_BEGIN)
		err_warnf("etl-extract", "%s: has the marks of a stream, "
		    "which are rejected here: give it to the next program as "
		    "it is", n->uri);
	mark_release(&m);
}

static enum source_next
ndjson_next(void *self, struct item *it, struct err *e)
{
	struct ndjson *n = self;

	if (!n->paused && !lines_ready(n->lines)) {
		n->paused = true;
		return SOURCE_PAUSE;
	}
	n->paused = false;
	switch (lines_next(n->lines, &it->line, -1, e)) {
	case LINES_ONE:
		marks_warn(n, &it->line);
		it->kind = n->fd > 0 ? "file" : "stdin";
		it->uri = n->uri;
		it->page = it->index = 0;
		return SOURCE_ITEM;
	case LINES_END:
		return SOURCE_END;
	case LINES_STOP:
		(void)reader_stopped(e);
		return SOURCE_FAILED;
	default:
		err_prefix(e, "%s", n->uri);
		return SOURCE_FAILED;
	}
}

static const char *const formats[] = { "ndjson", "jsonl", NULL };

const struct source source_ndjson = {
	.formats = formats, .open = ndjson_open, .next = ndjson_next,
	.close = ndjson_close,
};
