#include "stderr.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	KEPT = 64 << 10,
	ROOM = 4 * KEPT,        /* larger than KEPT, so that the text is moved
				 * seldom */
	SHOWN = 6               /* most bytes that one byte becomes, as in
				 * \u0000 */
};

void
tail_init(struct tail *t)
{
	buf_init(&t->text, ROOM);
	t->cut = false;
}

void
tail_release(struct tail *t)
{
	buf_release(&t->text);
}

static void
tail_add(struct tail *t, const char *p, size_t n)
{
	struct buf *b = &t->text;

	if (n > b->max - b->len && b->len > KEPT) {
		memmove(b->data, b->data + b->len - KEPT, KEPT);
		b->len = KEPT;
		t->cut = true;
	}
	buf_add(b, p, n);
}

/* Returns the offset in p at which to cut so that at most the last `most` bytes
 * remain. It is the start of a line or, inside a longer line, the start of a
 * character. `cut` is true if text before p was dropped, so that p may begin
 * inside a line. */
static size_t
find_tail_start(const char *p, size_t n, size_t most, bool cut)
{
	size_t at = n > most ? n - most : 0;
	const char *lf;

	if (at == 0 && !cut)
		return 0;
	if (at > 0 && p[at - 1] == '\n')
		return at;
	lf = memchr(p + at, '\n', n - at);
	if (lf != NULL && lf + 1 < p + n)
		return (size_t)(lf + 1 - p);
	while (at < n && (p[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void
put_escaped_lines(struct buf *b, const char *p, size_t n)
{
	while (n > 0) {
		size_t part = 0;

		while (part < n && p[part] != '\n' && p[part] != '\t')
			part++;
		text_show(b, p, part);
		if (part == n)
			return;
		buf_char(b, p[part++]);
		p += part;
		n -= part;
	}
}

void
tail_put_escaped(struct buf *b, const struct tail *t)
{
	const char *p = t->text.data;
	size_t at = find_tail_start(p, t->text.len, KEPT, t->cut);
	struct buf shown;

	buf_init(&shown, (size_t)SHOWN * KEPT);
	put_escaped_lines(&shown, p + at, t->text.len - at);
	if (shown.failed) {
		b->failed = true;
	} else {
		at = find_tail_start(shown.data, shown.len, KEPT, false);
		buf_add(b, shown.data + at, shown.len - at);
	}
	buf_release(&shown);
}

enum { LINE_KEPT = 8 << 10, CAUSE_KEPT = 32 << 10 };

void
cause_init(struct cause *c)
{
	buf_init(&c->line, LINE_KEPT);
	buf_init(&c->first, CAUSE_KEPT);
	buf_init(&c->last, CAUSE_KEPT);
	buf_init(&c->words, CAUSE_KEPT);
	c->more = false;
}

void
cause_release(struct cause *c)
{
	buf_release(&c->line);
	buf_release(&c->first);
	buf_release(&c->last);
	buf_release(&c->words);
}

/* Returns the length of a prefix "NAME: " at p, with NAME in small letters and
 * hyphens; 0 if p does not start with one. */
static size_t
prefix_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && ((p[i] >= 'a' && p[i] <= 'z') || p[i] == '-'))
		i++;
	return i > 0 && n - i > 1 && p[i] == ':' && p[i + 1] == ' ' ?
	    i + 2 : 0;
}

/* True for the line that etl-load prints after a success: "TABLE in DB: 98 in,
 * ...". P starts after "etl-load: ". */
static bool
is_loader_summary(const char *p, size_t n)
{
	const char *end = memmem(p, n, " in, ", 5), *q = end;

	while (q != NULL && q > p && q[-1] >= '0' && q[-1] <= '9')
		q--;
	return q != NULL && q < end && q - p > 2 && q[-1] == ' ' &&
	    q[-2] == ':';
}

/* Each message of an etl program starts with its name, such as "etl-load: ".
 * Returns the length of this prefix at p, or 0 if p has none. */
static size_t
etl_prefix_length(const char *p, size_t n)
{
	static const char family[] = "etl-";
	size_t i = prefix_length(p, n);

	return i > sizeof(family) + 1 && memcmp(p, family, 4) == 0 ? i : 0;
}

/* True if the line is an error message of an etl program ("etl-load: ..."), and
 * neither a warning nor the line that etl-load prints after a success. */
static bool
is_etl_error_line(const char *p, size_t n)
{
	static const char harmless[] = "warning: ";
	size_t i = etl_prefix_length(p, n);

	if (i == 0)
		return false;
	p += i;
	n -= i;
	return (n < sizeof(harmless) - 1 ||
	    memcmp(p, harmless, sizeof(harmless) - 1) != 0) &&
	    !is_loader_summary(p, n);
}

/* `first` is the failure message that was found first. True if it repeats the
 * line at p, which another program has printed. For example, etl-load may print
 * "etl-load: nothing was loaded: extract: why" before etl-extract itself prints
 * "etl-extract: why". */
static bool
is_repeated(const struct buf *first, const char *p, size_t n)
{
	size_t len = prefix_length(p, n);
	const char *at = first->data, *end = first->data + first->len;

	if (len <= 6)
		return false;
	p += 4;                 /* skip "etl-" and the ": " at the end */
	len -= 6;
	while ((at = memmem(at, (size_t)(end - at), ": ", 2)) != NULL) {
		at += 2;
		if ((size_t)(end - at) > len && memcmp(at, p, len) == 0 &&
		    (at[len] == ':' || at[len] == '.'))
			return true;
	}
	return false;
}

/* Keeps the line if it tells the cause of the failure better than those
 * before. */
static void
examine_line(struct cause *c)
{
	const char *p = c->line.data;
	size_t n = c->line.len, blanks = 0;

	while (blanks < n && p[blanks] != '\0' &&
	    strchr(" \t\r", p[blanks]) != NULL)
		blanks++;
	if (blanks == n)
		return;
	buf_clear(&c->last);
	text_show(&c->last, p, n);
	if (c->first.len == 0 && etl_prefix_length(p, n) == 0) {
		buf_clear(&c->words);
		text_show(&c->words, p, n);
	}
	if (is_etl_error_line(p, n) &&
	    (c->first.len == 0 || is_repeated(&c->first, p, n))) {
		buf_clear(&c->first);
		text_show(&c->first, p, n);
		c->more = true;
	} else if (c->more && (*p == ' ' || *p == '\t')) {
		buf_char(&c->first, '\n');
		text_show(&c->first, p, n);
	} else {
		c->more = false;
	}
}

/* For a last line without an LF. */
static void
cause_end_line(struct cause *c)
{
	examine_line(c);
	buf_clear(&c->line);
}

/* Reads the next bytes of the pipeline's standard error. Examines each line
 * when its LF was read. Only the start of a long line is kept. */
static void
cause_examine(struct cause *c, const char *p, size_t n)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t part = lf != NULL ? (size_t)(lf - p) : n;
		size_t room = c->line.max - c->line.len;

		buf_add(&c->line, p, part < room ? part : room);
		if (lf == NULL)
			return;
		cause_end_line(c);
		p += part + 1;
		n -= part + 1;
	}
}

const char *
cause_first(struct cause *c)
{
	return buf_text(&c->first);
}

const char *
cause_last(struct cause *c)
{
	return buf_text(&c->last);
}

const char *
cause_other_line(struct cause *c)
{
	static const char cut[] =
	    ": the stream was cut off: it has no end mark";

	return memmem(buf_text(&c->first), c->first.len, cut,
	    sizeof(cut) - 1) != NULL ? buf_text(&c->words) : "";
}

enum {
	PATIENCE = 1000,        /* ms to wait at the end if stderr is blocked */
	MOVES = 4096,           /* enough rounds to empty a full pipe */
	TAG = 256,              /* room for the pipeline's name and ": " */
	ESCAPED = 6             /* most bytes that one byte becomes */
};

enum verdict { IS_OURS, IS_OTHER, IS_OPEN };

void
relay_open(struct relay *r, int fd, const struct relay_to *to)
{
	*r = (struct relay){ .fd = fd, .to = *to,
		.escapes = isatty(STDERR_FILENO) == 1 };
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

void
relay_fill_pollfds(const struct relay *r, struct pollfd p[RELAY_FDS])
{
	bool waits = r->shown < r->ready;

	p[0] = (struct pollfd){ .fd = waits ? -1 : r->fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = waits ? STDERR_FILENO : -1,
	    .events = POLLOUT };
}

/* True if the n bytes are the start of a UTF-8 sequence of more than n
 * bytes. */
static bool
is_unfinished(const char *p, size_t n)
{
	unsigned char c = (unsigned char)p[0];
	size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

	for (size_t i = 1; i < n; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return false;
	return c <= 0xf4 && n < need;
}

static void
put_escaped_char(struct relay *r, const char *p, size_t n)
{
	char text[32] = "";     /* more than enough: b never allocates */
	struct buf b = { .data = text, .cap = sizeof(text),
		.max = sizeof(text) - 1 };

	if (*p == '\n' || *p == '\t')
		buf_char(&b, *p);
	else
		text_show(&b, p, n);
	memcpy(r->out + r->ready, text, b.len);
	r->ready += b.len;
}

/* Writes the bytes with escapes. Collects the bytes of a UTF-8 sequence in
 * r->part first, because a sequence may be divided between two reads. */
static void
put_bytes_escaped(struct relay *r, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		r->part[r->parts++] = p[i];
		while (r->parts > 0 && !is_unfinished(r->part, r->parts)) {
			unsigned int cp;
			size_t len = utf8_decode(r->part, r->parts, &cp);

			len = len > 0 ? len : 1;
			put_escaped_char(r, r->part, len);
			r->parts -= len;
			memmove(r->part, r->part + len, r->parts);
		}
	}
}

/* Returns how many bytes of the pipeline fit into the output buffer, even if
 * each of them must be escaped. */
static size_t
escaped_room(const struct relay *r)
{
	size_t room = sizeof(r->out) - r->ready;

	if (!r->escapes)
		return room;
	room /= ESCAPED;
	return room > sizeof(r->part) ? room - sizeof(r->part) : 0;
}

/* Appends bytes to the output buffer and to the tail that the run's row
 * gets. */
static void
put_bytes(struct relay *r, const char *p, size_t n)
{
	if (r->escapes) {
		put_bytes_escaped(r, p, n);
	} else {
		memcpy(r->out + r->ready, p, n);
		r->ready += n;
	}
	if (r->to.tail != NULL)
		tail_add(r->to.tail, p, n);
}

/* Decides from its first n bytes whether a line begins with "etl-NAME: " and so
 * was written by an etl program. IS_OPEN: more bytes are needed to know. */
static enum verdict
classify_line(const char *p, size_t n)
{
	static const char family[] = "etl-";
	enum { FAMILY = sizeof(family) - 1 };
	size_t i = FAMILY;

	if (memcmp(p, family, n < FAMILY ? n : FAMILY) != 0)
		return IS_OTHER;
	while (i < n && ((p[i] >= 'a' && p[i] <= 'z') || p[i] == '-'))
		i++;
	if (i >= n)
		return n < RELAY_HELD ? IS_OPEN : IS_OTHER;
	if (i == FAMILY || p[i] != ':')
		return IS_OTHER;
	if (i + 1 == n)
		return IS_OPEN;
	return p[i + 1] == ' ' ? IS_OURS : IS_OTHER;
}

static void
put_pipeline_name(struct relay *r)
{
	put_bytes(r, r->to.name, strnlen(r->to.name, TAG - 2));
	put_bytes(r, ": ", 2);
}

/* Adds a byte to the start of a line, which is held back until it shows whether
 * an etl program wrote the line. Then the held bytes are written. If another
 * program wrote the line, the name of the pipeline is written first, but not
 * before an empty line, nor before an indented line after a line of an etl
 * program. */
static void
add_held_byte(struct relay *r, char c)
{
	enum verdict v;

	r->held[r->holds++] = c;
	v = classify_line(r->held, r->holds);
	if (r->holds == 1 && c == '\n') {
		r->before = LINE_NEW;
		v = IS_OURS;
	} else if (r->holds == 1 && (c == ' ' || c == '\t') &&
	    r->before == LINE_OURS) {
		v = IS_OURS;
	}
	if (v == IS_OPEN)
		return;
	if (v == IS_OTHER)
		put_pipeline_name(r);
	put_bytes(r, r->held, r->holds);
	r->line = v == IS_OURS ? LINE_OURS : LINE_OTHER;
	if (c == '\n') {
		if (r->holds > 1)
			r->before = r->line;
		r->line = LINE_NEW;
	}
	r->holds = 0;
}

/* Copies the rest of the line, as far as the output buffer has room. */
static void
copy_line(struct relay *r)
{
	const char *p = r->data + r->at;
	size_t n = r->len - r->at, room = escaped_room(r);
	const char *lf;

	if (n > room)
		n = room;
	if ((lf = memchr(p, '\n', n)) != NULL) {
		n = (size_t)(lf - p) + 1;
		r->before = r->line;
		r->line = LINE_NEW;
	}
	put_bytes(r, p, n);
	r->at += n;
}

/* Copies bytes that were read from the pipeline to the output buffer until it
 * is full. Writes the name of the pipeline before each line that no etl program
 * has written. */
static void
fill_output(struct relay *r)
{
	r->shown = r->ready = 0;
	while (r->at < r->len && escaped_room(r) > TAG + sizeof(r->held)) {
		if (r->line == LINE_NEW)
			add_held_byte(r, r->data[r->at++]);
		else
			copy_line(r);
	}
}

/* Reads from the pipe. At its end closes it. */
static void
read_pipe(struct relay *r)
{
	ssize_t n = read(r->fd, r->data, sizeof(r->data));

	if (n > 0) {
		r->at = 0;
		r->len = (size_t)n;
		cause_examine(r->to.cause, r->data, r->len);
		fill_output(r);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		(void)close(r->fd);
		r->fd = -1;
	}
}

/* Writes from the output buffer to etl-run's standard error. If a write fails,
 * drops the bytes: a closed standard error must not stop the pipeline. */
static void
write_output(struct relay *r)
{
	ssize_t n = write(STDERR_FILENO, r->out + r->shown,
	    r->ready - r->shown);

	if (n >= 0)
		r->shown += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		r->shown = r->ready;
	if (r->shown == r->ready)
		fill_output(r);
}

void
relay_copy_ready(struct relay *r, const struct pollfd p[RELAY_FDS])
{
	if (p[0].fd != -1 && p[0].revents != 0)
		read_pipe(r);
	if (p[1].fd != -1 && p[1].revents != 0)
		write_output(r);
}

/* Copies what the pipe has, until nothing more comes. */
static void
copy_rest(struct relay *r)
{
	struct pollfd p[RELAY_FDS];

	/* The number of rounds is limited, because a process that is still
	 * running may write to the pipe without end. */
	for (int i = 0; i < MOVES; i++) {
		int timeout = r->shown < r->ready ? PATIENCE : 0;

		relay_fill_pollfds(r, p);
		if (poll(p, RELAY_FDS, timeout) <= 0)
			break;
		relay_copy_ready(r, p);
	}
}

void
relay_finish(struct relay *r)
{
	copy_rest(r);
	cause_end_line(r->to.cause);
	if (r->shown < r->ready)
		return;
	/* If the pipeline's last line has no LF, add one, so that the next
	 * message of etl-run starts on a line of its own. */
	if (r->holds > 0) {
		put_pipeline_name(r);
		put_bytes(r, r->held, r->holds);
	}
	if (r->holds > 0 || r->line != LINE_NEW)
		put_bytes(r, "\n", 1);
	relay_close(r);
	copy_rest(r);
}

void
relay_close(struct relay *r)
{
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
}
