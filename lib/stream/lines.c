#include "stream/lines.h"

#include "base/clock.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_MAX = 256 << 10, READ_MIN = 64 << 10 };

struct lines {
	int fd;                 /* -1: the next file is not yet open */
	struct lines_reader reader;     /* read NULL: fd is read */
	char *const *files;     /* those not yet opened */
	size_t nfiles;
	const char *file;       /* name of the open file; NULL: none */
	size_t max;             /* longest line that is kept whole */
	char *data;
	size_t cap;
	size_t start, end;      /* bytes that were read and not yet returned */
	size_t seen;            /* data[start..seen) has no LF; if `found`,
	                         * data[seen] is the LF */
	bool found, eof;
	uint64_t number, offset;        /* of the next line */
	struct hash *hash;      /* not NULL: a line that is too long is being
	                         * read. Its first LINES_KEPT bytes are kept in
	                         * data */
	uint64_t hashed;        /* how many bytes of that line are in the
	                         * hash */
	size_t ahead;           /* bytes after `start` that lines_look_ahead()
	                         * has returned */
	size_t ahead_no_lf;     /* bytes after these in which no LF was found */
};

int
lines_open(struct lines **out, int fd, size_t max, struct err *e)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (l == NULL || (l->data = malloc(READ_MAX)) == NULL) {
		free(l);
		return err_nomem(e);
	}
	l->fd = fd;
	l->max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4;
	l->cap = READ_MAX;
	*out = l;
	return 0;
}

int
lines_open_reader(
    struct lines **out, struct lines_reader r, size_t max, struct err *e)
{
	if (lines_open(out, -1, max, e) == -1)
		return -1;
	(*out)->reader = r;
	return 0;
}

void
lines_set_start(struct lines *l, uint64_t lines, uint64_t offset)
{
	l->number = lines;
	l->offset = offset;
}

static bool
is_stdin(const char *file)
{
	return strcmp(file, "-") == 0;
}

/* Fails if the file cannot be read or is a directory. */
static int
check_readable(const char *file, struct err *e)
{
	struct stat st;

	if (is_stdin(file))
		return 0;
	if (access(file, R_OK) == -1 || stat(file, &st) == -1)
		return err_errno(e, ERR_INPUT, file);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_INPUT, false, "%s: is a directory", file);
	return 0;
}

int
lines_open_files(struct lines **out, char *const files[], size_t n,
    size_t max, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (check_readable(files[i], e) == -1)
			return -1;
	if (lines_open(out, -1, max, e) == -1)
		return -1;
	(*out)->files = files;
	(*out)->nfiles = n;
	return 0;
}

static void
close_file(struct lines *l)
{
	if (l->file != NULL && l->fd > STDIN_FILENO)
		(void)close(l->fd);
	l->fd = -1;
}

/* Closes the current input file and opens the next one, whose lines are counted
 * from 1. */
static int
open_next_file(struct lines *l, struct err *e)
{
	close_file(l);
	l->file = *l->files++;
	l->nfiles--;
	l->number = l->offset = 0;
	l->eof = false;
	l->fd = is_stdin(l->file) ? STDIN_FILENO :
	    open(l->file, O_RDONLY | O_CLOEXEC);
	return l->fd == -1 ? err_errno(e, ERR_INPUT, l->file) : 0;
}

void
lines_close(struct lines *l)
{
	if (l == NULL)
		return;
	close_file(l);
	hash_free(l->hash);
	free(l->data);
	free(l);
}

void
lines_shrink(struct lines *l)
{
	size_t n = l->end - l->start;
	size_t cap = n + READ_MIN > READ_MAX ? n + READ_MIN : READ_MAX;
	char *p;

	memmove(l->data, l->data + l->start, n);
	l->seen -= l->start;
	l->start = 0;
	l->end = n;
	if (cap < l->cap && (p = realloc(l->data, cap)) != NULL) {
		l->data = p;
		l->cap = cap;
	}
}

static bool
find_line_end(struct lines *l)
{
	char *lf;

	if (l->found)
		return true;
	lf = memchr(l->data + l->seen, '\n', l->end - l->seen);
	l->found = lf != NULL;
	l->seen = l->found ? (size_t)(lf - l->data) : l->end;
	return l->found;
}

/* Called while a line longer than l->max is read, to free space in the buffer.
 * Drops the bytes of the line except the first LINES_KEPT bytes, and adds the
 * dropped bytes to the SHA-256 of the line. */
static int
drop_long_line(struct lines *l, struct err *e)
{
	if (l->hash == NULL) {
		if ((l->hash = hash_new()) == NULL)
			return err_nomem(e);
		hash_add(l->hash, l->data + l->start, l->end - l->start);
		l->hashed = l->end - l->start;
		memmove(l->data, l->data + l->start, LINES_KEPT);
	} else {
		hash_add(l->hash, l->data + l->start, l->end - l->start);
		l->hashed += l->end - l->start;
	}
	l->start = l->end = l->seen = LINES_KEPT;
	return 0;
}

static int
grow_buffer(struct lines *l, struct err *e)
{
	size_t most = (l->max > LINES_KEPT ? l->max : LINES_KEPT) + READ_MAX;
	size_t cap = l->cap > most / 2 ? most : l->cap * 2;
	char *p = realloc(l->data, cap);

	if (p == NULL)
		return err_nomem(e);
	l->data = p;
	l->cap = cap;
	return 0;
}

/* Makes room at the end of the buffer. If the line is too long already, drops
 * the bytes that are not kept. */
static int
make_room(struct lines *l, struct err *e)
{
	size_t n = l->end - l->start;

	if (l->hash != NULL || (n > l->max && n >= LINES_KEPT))
		return drop_long_line(l, e);
	if (n == 0) {
		l->start = l->end = l->seen = 0;
	} else if (l->start > 0 && (l->cap - l->end < READ_MIN ||
	    l->start > READ_MAX)) {
		memmove(l->data, l->data + l->start, n);
		l->seen -= l->start;
		l->start = 0;
		l->end = n;
	}
	return l->cap - l->end < READ_MIN ? grow_buffer(l, e) : 0;
}

/* Waits for input and reads at most `most` bytes to the end of the buffer,
 * which must have room for them. Sets *got to the number of bytes that were
 * read, 0 at the end of the input. The caller adds this number to l->end. */
static enum lines_result
lines_read(struct lines *l, size_t most, int timeout, ssize_t *got,
    struct err *e)
{
	ssize_t n;
	int r;

	for (;;) {
		if (stop_signal() != 0)
			return LINES_STOP;
		r = wait_fd(l->fd, POLLIN, timeout);
		if (r <= 0)
			return r == 0 ? LINES_WAIT : LINES_STOP;
		n = read(l->fd, l->data + l->end, most);
		if (n >= 0)
			break;
		if (errno != EINTR && errno != EAGAIN) {
			(void)err_errno(e, ERR_IO, "cannot read");
			if (l->file != NULL)
				err_prefix(e, "%s", l->file);
			return LINES_FAILED;
		}
	}
	*got = n;
	return LINES_ONE;
}

/* Waits for input and reads at most READ_MAX bytes of it. Without this limit, a
 * buffer that has grown for a large line would be filled with the lines after
 * it. */
static enum lines_result
read_more(struct lines *l, int timeout, struct err *e)
{
	enum lines_result r = LINES_ONE;
	ssize_t n = 0;
	size_t most;

	if (make_room(l, e) == -1)
		return LINES_FAILED;
	most = l->cap - l->end < READ_MAX ? l->cap - l->end : READ_MAX;
	if (l->reader.read == NULL)
		r = lines_read(l, most, timeout, &n, e);
	else if ((n = l->reader.read(
		l->reader.self, l->data + l->end, most, e)) == -1)
		r = LINES_FAILED;
	if (r == LINES_ONE) {
		l->eof = n == 0;
		l->end += (size_t)n;
	}
	return r;
}

/* Sets the kept bytes, the hash and the length of a line that is too long. */
static void
fill_cut_line(struct lines *l, struct line *out)
{
	out->too_long = true;
	if (l->hash != NULL) {
		hash_add(l->hash, out->data, out->len);
		hash_finish(l->hash, out->sha256);
		l->hash = NULL;
		out->bytes += l->hashed;
		out->data = l->data;
		out->len = LINES_KEPT;
		return;
	}
	hash_bytes(out->data, out->len, out->sha256);
	if (out->len > LINES_KEPT)
		out->len = LINES_KEPT;
}

/* Sets *out to the line that ends at l->seen, and goes on to the next one. */
static void
take_line(struct lines *l, struct line *out)
{
	out->data = l->data + l->start;
	out->file = l->file == NULL || is_stdin(l->file) ? NULL : l->file;
	out->len = l->seen - l->start;
	out->number = ++l->number;
	out->offset = l->offset;
	out->bytes = out->len;
	out->torn = !l->found;
	out->too_long = false;
	if (l->hash != NULL || out->len > l->max)
		fill_cut_line(l, out);
	l->offset += out->bytes + l->found;
	l->start = l->seen += l->found;
	l->found = false;
}

/* Returns true if the next line, which ends at l->seen, has only spaces, tabs
 * and carriage returns. A line longer than l->max counts as not blank. */
static bool
next_is_blank(const struct lines *l)
{
	if (l->hash != NULL || l->seen - l->start > l->max)
		return false;
	for (const char *p = l->data + l->start; p < l->data + l->seen; p++)
		if (*p != ' ' && *p != '\t' && *p != '\r')
			return false;
	return true;
}

/* The next file is opened only when all lines of this one were returned. */
int
lines_descriptor(const struct lines *l)
{
	return l->fd;
}

bool
lines_is_ready(struct lines *l)
{
	struct line blank;

	while (find_line_end(l)) {
		if (!next_is_blank(l))
			return true;
		take_line(l, &blank);
	}
	return l->eof && l->nfiles == 0;
}

/* Returns how many milliseconds of the timeout are left. The first call must
 * have *end == 0; it starts the timeout and sets *end to the time at which the
 * timeout ends. */
static int
timeout_left(int64_t *end, int timeout)
{
	int64_t now;

	if (timeout <= 0)
		return timeout;
	now = clock_ms();
	if (*end == 0)
		*end = now + timeout;
	return *end > now ? (int)(*end - now) : 0;
}

enum lines_result
lines_next(struct lines *l, struct line *out, int timeout, struct err *e)
{
	int64_t end = 0;
	int left = -1;
	bool blank;
	enum lines_result r;

	for (;;) {
		if (find_line_end(l) || (l->eof &&
		    (l->end > l->start || l->hash != NULL))) {
			blank = next_is_blank(l);
			take_line(l, out);
			if (!blank)
				return LINES_ONE;
		} else if (l->nfiles > 0 && (l->eof || l->fd == -1)) {
			if (open_next_file(l, e) == -1)
				return stop_signal() != 0 ? LINES_STOP :
				    LINES_FAILED;
		} else if (l->eof) {
			return LINES_END;
		} else if (left == 0) {  /* only a part of a line was read */
			return LINES_WAIT;
		} else {
			left = timeout_left(&end, timeout);
			if ((r = read_more(l, left, e)) != LINES_ONE)
				return r;
		}
	}
}

/* True if more input may be read into the buffer: it has less than `most`
 * bytes, or it has no whole line yet. False if its first line is too long. */
static bool
may_read_more(const struct lines *l, size_t most)
{
	size_t n = l->end - l->start;

	return !l->eof && l->hash == NULL &&
	    (n < most || (l->ahead == 0 && n <= l->max));
}

/* Ensures that READ_MIN bytes fit at the end of the buffer: moves the unread
 * bytes to its start, and enlarges it if that is not enough. */
static int
make_room_ahead(struct lines *l, size_t most, struct err *e)
{
	size_t cap, n = l->end - l->start;
	size_t limit = n < most ? most : n < l->max ? l->max : n;
	char *p;

	if (l->cap - l->end >= READ_MIN)
		return 0;
	memmove(l->data, l->data + l->start, n);
	l->seen -= l->start;
	l->start = 0;
	l->end = n;
	if (l->cap - l->end >= READ_MIN)
		return 0;
	cap = l->cap > limit / 2 ? limit + READ_MAX : l->cap * 2;
	if ((p = realloc(l->data, cap)) == NULL)
		return err_nomem(e);
	l->data = p;
	l->cap = cap;
	return 0;
}

static enum lines_result
read_more_ahead(struct lines *l, size_t most, int timeout, struct err *e)
{
	enum lines_result r;
	ssize_t n = 0;
	size_t room;

	if (make_room_ahead(l, most, e) == -1)
		return LINES_FAILED;
	room = l->cap - l->end;
	r = lines_read(l, room < READ_MAX ? room : READ_MAX, timeout, &n, e);
	if (r == LINES_ONE) {
		l->eof = n == 0;
		l->end += (size_t)n;
	}
	return r;
}

/* Finds the next line that lines_look_ahead() has not returned yet. At the end
 * of the input, a line without LF counts, too. */
static bool
find_line_ahead(struct lines *l, struct line *out, size_t *size)
{
	const char *p = l->data + l->start + l->ahead;
	size_t left = l->end - l->start - l->ahead, old = l->ahead_no_lf;
	const char *lf = memchr(p + old, '\n', left - old);

	l->ahead_no_lf = lf == NULL ? left : 0;
	if (lf == NULL && (!l->eof || left == 0))
		return false;
	*out = (struct line){ .data = p, .torn = lf == NULL,
		.len = lf == NULL ? left : (size_t)(lf - p) };
	out->bytes = out->len;
	out->too_long = out->len > l->max;
	*size = out->len + (lf != NULL);
	return true;
}

enum lines_result
lines_look_ahead(struct lines *l, struct line *out, size_t most, int timeout,
    struct err *e)
{
	enum lines_result r;
	size_t size;

	for (;;) {
		if (find_line_ahead(l, out, &size)) {
			l->ahead += size;
			l->ahead_no_lf = 0;
			return LINES_ONE;
		}
		if (!may_read_more(l, most))
			return LINES_END;
		if ((r = read_more_ahead(l, most, timeout, e)) != LINES_ONE)
			return r;
	}
}

void
lines_restart_ahead(struct lines *l)
{
	l->ahead = l->ahead_no_lf = 0;
}

bool
lines_has_ended(const struct lines *l)
{
	return l->eof;
}
