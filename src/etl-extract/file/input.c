#include "file/input.h"

#include "base/stop.h"
#include "base/wait.h"
#include "extract.h"
#include "file/layer.h"
#include "growth.h"
#include "stdout_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct descriptor {
	struct layer layer;
	int fd;
	uint64_t at;            /* the offset of the next read */
	uint64_t size;          /* the end of what is read; UINT64_MAX: the
				 * file's end */
};

/* A layer that reads from a decompressor, and fails if the decompressed bytes
 * grow beyond the limit of --max-ratio. */
struct growth {
	struct layer layer;
	struct layer *below;
	const uint64_t *raw;    /* compressed bytes that were read */
	uint64_t decoded, most;
};

struct input {
	const char *path;
	struct descriptor descriptor;   /* the lowest layer */
	struct layer *top;
	const struct input_given *given;        /* NULL, or it has a layer */
	bool is_regular;
	bool is_plain;          /* the descriptor is the only layer */
	bool is_converted;      /* the top layer converts the encoding */
	bool prints_nothing;    /* this process is a child of --jobs */
	bool has_named_encoding;        /* the note about it was printed */
	bool needs_newline;     /* --final-newline require */
	char last;              /* the last byte of text that was read; '\0':
				 * none was read yet */
};

/* Waits until fd can be read, then reads. Fails if a stop signal comes. */
static ssize_t
read_waiting(int fd, char *p, size_t n, struct err *e)
{
	ssize_t got;

	for (;;) {
		if (stop_signal() != 0 ||
		    wait_fd(fd, POLLIN, -1) == -1)
			return fail_interrupted(e);
		got = read(fd, p, n);
		if (got >= 0)
			return got;
		if (errno != EINTR && errno != EAGAIN)
			return err_errno(e, ERR_IO, "cannot read");
	}
}

static ssize_t
descriptor_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct descriptor *d = (struct descriptor *)l;
	ssize_t got;

	if (n > d->size - d->at)
		n = d->size - d->at;
	if (n == 0)
		return 0;
	got = read_waiting(d->fd, p, n, e);
	if (got == 0 && d->size != UINT64_MAX)
		return err_set(e, ERR_IO, false, "the file has become shorter "
		    "while it was read: it had %llu bytes and ends after %llu",
		    (unsigned long long)d->size, (unsigned long long)d->at);
	d->at += got > 0 ? (uint64_t)got : 0;
	return got;
}

static void
descriptor_close(struct layer *l)
{
	const struct descriptor *d = (struct descriptor *)l;

	if (d->fd > STDIN_FILENO)
		(void)close(d->fd);
}

static ssize_t
growth_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct growth *g = (struct growth *)l;
	ssize_t got = g->below->read(g->below, p, n, e);

	g->decoded += got > 0 ? (uint64_t)got : 0;
	return got > 0 && growth_is_too_large(*g->raw, g->decoded, g->most) ?
	    growth_set_error(e, ERR_DATA, "the compressed data", g->most) :
	    got;
}

static void
growth_close(struct layer *l)
{
	struct growth *g = (struct growth *)l;

	g->below->close(g->below);
	free(g);
}

static struct layer *
growth_layer_open(struct layer *below, const uint64_t *raw, uint64_t most,
    struct err *e)
{
	struct growth *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		below->close(below);
		(void)err_nomem(e);
		return NULL;
	}
	*g = (struct growth){ { growth_read, growth_close }, below, raw, 0,
		most };
	return &g->layer;
}

/* Opens the file, or takes the one that was given. Fails if it is a
 * directory. */
static int
open_descriptor(struct input *in, const struct input_given *given,
    struct err *e)
{
	struct descriptor *d = &in->descriptor;
	struct stat st;

	d->layer = (struct layer){ descriptor_read, descriptor_close };
	if (given != NULL && given->layer != NULL) {
		d->fd = -1;
		d->size = UINT64_MAX;
		in->given = given;
		in->path = given->name;
		in->top = given->layer;
		return 0;
	}
	d->size = given != NULL ? given->size : UINT64_MAX;
	in->top = &d->layer;
	if (given != NULL)
		d->fd = fcntl(given->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	else if (strcmp(in->path, "-") != 0)
		d->fd = open(in->path, O_RDONLY | O_CLOEXEC);
	if (d->fd == -1 && errno == EINTR && stop_signal() != 0)
		return fail_interrupted(e);
	if (d->fd == -1)
		return err_errno(e, ERR_INPUT, in->path);
	if (fstat(d->fd, &st) == -1)
		return err_errno(e, ERR_IO, in->path);
	in->is_regular = S_ISREG(st.st_mode);
	return !S_ISDIR(st.st_mode) ? 0 : err_set(e, ERR_INPUT, false,
	    "%s: is a directory: give a file", in->path);
}

/* Opens the file and the layers that decompress and convert it. */
static int
open_layers(struct input *in, enum compression c, const char *encoding,
    uint64_t max_ratio, const struct input_given *given, struct err *e)
{
	if (open_descriptor(in, given, e) == -1)
		return -1;
	if (given != NULL && (given->is_decompressed || given->is_decoded))
		c = COMPRESSION_NONE;
	in->is_converted = encoding != NULL;
	in->is_plain = c == COMPRESSION_NONE && encoding == NULL;
	if (c == COMPRESSION_GZIP)
		in->top = gzip_layer_open(in->top, e);
	else if (c == COMPRESSION_ZSTD)
		in->top = zstd_layer_open(in->top, e);
	if (in->top != NULL && c != COMPRESSION_NONE)
		in->top = growth_layer_open(in->top, in->given != NULL ?
		    in->given->layer_bytes : &in->descriptor.at, max_ratio, e);
	if (in->top != NULL && encoding != NULL)
		in->top = encoding_layer_open(in->top, encoding, e);
	return in->top != NULL ? 0 : -1;
}

int
input_open(struct input **out, const struct extract *x, const char *path,
    enum compression c, struct err *e)
{
	struct input *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return err_nomem(e);
	in->path = path;
	in->needs_newline = x->opts.final_newline != NULL &&
	    (x->given == NULL || (!x->given->is_decompressed &&
	    !x->given->has_whole_lines));
	in->prints_nothing = x->is_child;
	in->has_named_encoding = x->given != NULL && x->given->is_decompressed;
	if (open_layers(in, c, x->opts.encoding, x->opts.max_ratio, x->given,
	    e) == -1) {
		input_close(in);
		return -1;
	}
	*out = in;
	return 0;
}

void
input_close(struct input *in)
{
	if (in == NULL)
		return;
	if (in->top != NULL)
		in->top->close(in->top);
	free(in);
}

/* With --encoding auto:NAME, says once that the file is read as NAME. A child
 * must not print, so it fails, and its parent reads the file again. */
static int
print_fallback(struct input *in, struct err *e)
{
	const char *name = in->is_converted && !in->has_named_encoding ?
	    encoding_fallback(in->top) : NULL;

	if (name == NULL)
		return 0;
	if (in->prints_nothing)
		return err_set(e, ERR_DATA, false, "a line must be printed");
	err_printf("etl-extract: %s: is read as %s: it is not UTF-8\n",
	    in->path, name);
	in->has_named_encoding = true;
	return 0;
}

ssize_t
input_read(struct input *in, char *p, size_t n, struct err *e)
{
	ssize_t got = in->top->read(in->top, p, n, e);

	if (got != -1 && print_fallback(in, e) == -1)
		return -1;
	if (got > 0)
		in->last = p[got - 1];
	else if (got == 0 && in->needs_newline && in->last != '\n')
		got = err_set(e, ERR_DATA, false, "the file %s, so it was "
		    "probably cut off: get the whole file, or leave out "
		    "--final-newline require if its last line is whole",
		    in->last == '\0' ? "is empty" :
		    "has no newline at its end");
	if (got == -1 && stop_signal() == 0)
		err_prefix(e, "%s", in->path);
	return got;
}

bool
input_may_wait(const struct input *in)
{
	if (in->given != NULL)
		return in->given->may_wait(in->given->layer);
	return !in->is_regular && wait_fd(in->descriptor.fd, POLLIN, 0) != 1;
}

bool
input_is_seekable(const struct input *in)
{
	return in->is_regular && in->is_plain;
}

uint64_t
input_size(const struct input *in)
{
	struct stat st;

	if (in->descriptor.size != UINT64_MAX)
		return in->descriptor.size;
	return in->is_regular && fstat(in->descriptor.fd, &st) == 0 &&
	    st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

int
input_reopen(struct input *in, struct err *e)
{
	char path[48];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
	    in->descriptor.fd);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return err_errno(e, ERR_IO, in->path);
	in->descriptor.fd = fd;
	return 0;
}

int
input_seek(struct input *in, uint64_t offset, struct err *e)
{
	if (lseek(in->descriptor.fd, (off_t)offset, SEEK_SET) == -1)
		return err_errno(e, ERR_IO, in->path);
	in->descriptor.at = offset;
	if (offset == 0 || pread(in->descriptor.fd, &in->last, 1,
		(off_t)offset - 1) != 1)
		in->last = '\0';
	return 0;
}

bool
input_is_converted(const struct input *in)
{
	return in->is_converted;
}

int
input_put_original(const struct input *in, struct buf *out,
    const char *text, size_t n, struct err *e)
{
	return encoding_put_original(in->top, out, text, n, e);
}

const char *
input_path(const struct input *in)
{
	return in->path;
}

const char *
input_kind(const struct input *in)
{
	if (in->given != NULL)
		return "http";
	return in->descriptor.fd == STDIN_FILENO ? "stdin" : "file";
}
