#include "file/input.h"

#include "base/buf.h"
#include "base/stop.h"
#include "base/text.h"
#include "common/extract.h"
#include "common/gunzip.h"
#include "common/stdout_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

/* A byte of the file that is not valid in its encoding becomes three bytes:
 * BAD, and the two halves of the byte, each with HALF added. No UTF-8 text
 * contains the byte BAD. So the reader rejects the record, and
 * encoding_put_original() can restore the byte of the file. */
enum { BAD = 0xff, HALF = 0xc0, BAD_LENGTH = 3 };

enum { LONGEST_CHARACTER = 32, LONGEST_MARK = 4, LONGEST_UNIT = 4 };
/* What must be free in the buffer after the converted text: for the characters
 * that iconv holds back, and for a bad unit. */
enum { HELD_BACK = 8, RESERVE = HELD_BACK + LONGEST_UNIT * BAD_LENGTH };

/* --encoding auto:NAME begins with NAME. */
static const char automatic[] = "auto:";

/* How the bytes become UTF-8 text. With auto:NAME, a file is GUESSING as long
 * as it has only ASCII bytes. A byte order mark, or the bytes from the first
 * one that is not ASCII on, then decide between AS_UTF8 and CONVERTING. */
enum way { OPENING, CONVERTING, GUESSING, AS_UTF8 };

struct encoding {
	struct layer layer;
	struct layer *below;
	enum way way;
	bool is_fallback;       /* with auto:NAME, the file is read as NAME */
	bool extends_ascii;     /* ASCII text is the same in the encoding */
	const char *option;     /* the name as the user has given it */
	const char *name;       /* the encoding; has the byte order once to_utf8
				 * is open */
	iconv_t to_utf8;        /* NULL: not yet opened */
	size_t unit;            /* bytes that are skipped together if they are
				 * not valid: 2 for UTF-16, 4 for UTF-32 */
	bool has_ended;         /* the end of the input was read */
	size_t start, end;      /* bytes of chunk that were not converted yet */
	char chunk[LAYER_CHUNK];
};

static void
encoding_close(struct layer *l)
{
	struct encoding *c = (struct encoding *)l;

	if (c->to_utf8 != NULL)
		(void)iconv_close(c->to_utf8);
	c->below->close(c->below);
	free(c);
}

/* For these encodings a byte order mark at the start of the text tells the byte
 * order. They are replaced by the names with a fixed byte order: with the plain
 * names, glibc would add a byte order mark to each record that is converted
 * back. */
static const struct {
	const char *name, *little, *big;
	size_t mark;
	const char *little_mark, *big_mark;
} with_mark[] = {
	{ "UTF-16", "UTF-16LE", "UTF-16BE", 2, "\xff\xfe", "\xfe\xff" },
	{ "UTF16", "UTF-16LE", "UTF-16BE", 2, "\xff\xfe", "\xfe\xff" },
	{ "UNICODE", "UNICODELITTLE", "UNICODEBIG", 2, "\xff\xfe", "\xfe\xff" },
	{ "CSUNICODE", "UNICODELITTLE", "UNICODEBIG", 2, "\xff\xfe",
	    "\xfe\xff" },
	{ "UTF-32", "UTF-32LE", "UTF-32BE", 4, "\xff\xfe\0\0", "\0\0\xfe\xff" },
	{ "UTF32", "UTF-32LE", "UTF-32BE", 4, "\xff\xfe\0\0", "\0\0\xfe\xff" },
};

/* Returns the name of the encoding with the byte order that the byte order mark
 * at p shows. Without a mark, the order is little endian. Sets *mark to the
 * length of the mark. */
static const char *
choose_byte_order(const char *name, const char *p, size_t n, size_t *mark)
{
	*mark = 0;
	for (size_t i = 0; i < sizeof(with_mark) / sizeof(*with_mark); i++) {
		if (strcasecmp(name, with_mark[i].name) != 0)
			continue;
		if (n < with_mark[i].mark)
			return with_mark[i].little;
		if (memcmp(p, with_mark[i].big_mark, with_mark[i].mark) == 0) {
			*mark = with_mark[i].mark;
			return with_mark[i].big;
		}
		if (memcmp(p, with_mark[i].little_mark, with_mark[i].mark) == 0)
			*mark = with_mark[i].mark;
		return with_mark[i].little;
	}
	return name;
}

static iconv_t
open_converter(const char *to, const char *from, struct err *e)
{
	iconv_t cd = iconv_open(to, from);

	if (cd != (iconv_t)-1)
		return cd;
	if (errno == EINVAL)
		(void)err_set(e, ERR_USAGE, false, "--encoding %s: iconv(3) "
		    "does not know this encoding: see iconv --list", from);
	else
		(void)err_errno(e, ERR_IO, "cannot prepare the conversion to "
		    "UTF-8");
	return NULL;
}

/* The name of the encoding in the value of --encoding. */
static const char *
name_in_option(const char *option)
{
	const size_t n = sizeof(automatic) - 1;

	return option + (strncmp(option, automatic, n) == 0 ? n : 0);
}

int
encoding_check(const char *encoding, struct err *e)
{
	const char *name = name_in_option(encoding);
	iconv_t cd;

	if (*name == '\0' || strcmp(encoding, "auto") == 0)
		return err_set(e, ERR_USAGE, false, "--encoding %s: give the "
		    "name of an encoding, or auto:NAME, for example "
		    "auto:latin1", encoding);
	cd = open_converter("UTF-8", name, e);
	if (cd == NULL)
		return -1;
	(void)iconv_close(cd);
	return 0;
}

static int
read_more(struct encoding *c, struct err *e)
{
	ssize_t n;

	memmove(c->chunk, c->chunk + c->start, c->end - c->start);
	c->end -= c->start;
	c->start = 0;
	n = c->below->read(
	    c->below, c->chunk + c->end, sizeof(c->chunk) - c->end, e);
	if (n == -1)
		return -1;
	c->has_ended = n == 0;
	c->end += (size_t)n;
	return 0;
}

/* Sets c->unit to the number of bytes of a newline. glibc knows UTF-16, UTF-32
 * and their kin by some 30 names, so ask it, and not a list of names. */
static int
find_unit(struct encoding *c, struct err *e)
{
	iconv_t cd = open_converter(c->name, "UTF-8", e);
	char newline[] = "\n", to[LONGEST_CHARACTER];

	if (cd == NULL)
		return -1;
	c->unit = 1;
	/* The first newline may come with a byte order mark. */
	for (int i = 0; i < 2; i++) {
		char *in = newline, *out = to;
		size_t left = 1, room = sizeof(to);

		if (iconv(cd, &in, &left, &out, &room) == (size_t)-1)
			break;
		if (i == 1 && (out - to == 2 || out - to == LONGEST_UNIT))
			c->unit = (size_t)(out - to);
	}
	(void)iconv_close(cd);
	return 0;
}

static int
fill_chunk(struct encoding *c, size_t most, struct err *e)
{
	while (!c->has_ended && c->end - c->start < most)
		if (read_more(c, e) == -1)
			return -1;
	return 0;
}

static int
open_iconv(struct encoding *c, const char *name, struct err *e)
{
	size_t mark;

	c->way = CONVERTING;
	c->name = choose_byte_order(name, c->chunk + c->start,
	    c->end - c->start, &mark);
	c->start += mark;
	if (find_unit(c, e) == -1)
		return -1;
	c->to_utf8 = open_converter("UTF-8", c->name, e);
	return c->to_utf8 != NULL ? 0 : -1;
}

/* Sets c->extends_ascii: false for UTF-16, EBCDIC and the like. */
static int
probe_ascii(struct encoding *c, struct err *e)
{
	char ascii[128], to[4 * sizeof(ascii)], *in = ascii, *out = to;
	size_t n = 0, left, room = sizeof(to);
	iconv_t cd = open_converter("UTF-8", c->name, e);

	if (cd == NULL)
		return -1;
	ascii[n++] = '\t';
	ascii[n++] = '\n';
	for (int p = ' '; p <= '~'; p++)
		ascii[n++] = (char)p;
	left = n;
	c->extends_ascii =
	    iconv(cd, &in, &left, &out, &room) != (size_t)-1 &&
	    iconv(cd, NULL, NULL, &out, &room) != (size_t)-1 &&
	    (size_t)(out - to) == n && memcmp(to, ascii, n) == 0;
	(void)iconv_close(cd);
	return 0;
}

/* Reads the start of the file. With auto:NAME, a byte order mark decides. */
static int
open_encoding(struct encoding *c, struct err *e)
{
	static const struct {
		const char *mark, *name;
		size_t n;
	} marks[] = {
		{ "\xff\xfe\0\0", "UTF-32", 4 },
		{ "\0\0\xfe\xff", "UTF-32", 4 },
		{ "\xff\xfe", "UTF-16", 2 }, { "\xfe\xff", "UTF-16", 2 }
	};

	if (fill_chunk(c, LONGEST_MARK, e) == -1)
		return -1;
	c->name = name_in_option(c->option);
	if (c->name == c->option)
		return open_iconv(c, c->name, e);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (c->end >= marks[i].n &&
		    memcmp(c->chunk, marks[i].mark, marks[i].n) == 0)
			return open_iconv(c, marks[i].name, e);
	c->way = GUESSING;
	if (c->end < 3 || memcmp(c->chunk, "\xef\xbb\xbf", 3) != 0)
		return probe_ascii(c, e);
	c->start = 3;
	c->way = AS_UTF8;
	return 0;
}

/* Looks at a chunk that begins with the first byte that is not ASCII. If NAME
 * does not extend ASCII, it is the first chunk of the file, and UTF-8 text has
 * no NUL. A character may be cut at the end of the chunk. */
static int
choose_by_chunk(struct encoding *c, struct err *e)
{
	const char *p;
	size_t n, valid;

	if (fill_chunk(c, sizeof(c->chunk), e) == -1)
		return -1;
	p = c->chunk + c->start;
	n = c->end - c->start;
	valid = utf8_valid_length(p, n);
	c->way = AS_UTF8;
	if ((valid == n || (!c->has_ended && n - valid < LONGEST_MARK)) &&
	    (c->extends_ascii || memchr(p, '\0', n) == NULL))
		return 0;
	c->is_fallback = true;
	return open_iconv(c, c->name, e);
}

/* Returns NAME if the option is auto:NAME, and the file is neither valid UTF-8
 * nor has a byte order mark, so that it is read as NAME; else NULL. */
static const char *
encoding_fallback(const struct layer *l)
{
	const struct encoding *c = (const struct encoding *)l;

	return c->is_fallback ? name_in_option(c->option) : NULL;
}

/* Gives bytes of the file as they are: ASCII text while the encoding is not
 * known yet, or UTF-8. Returns 0 at the end of the file, or if the next byte
 * must decide about the encoding. */
static ssize_t
read_unconverted(struct encoding *c, char *p, size_t n, struct err *e)
{
	size_t most, got = 0;

	if (c->start == c->end && !c->has_ended && read_more(c, e) == -1)
		return -1;
	most = c->end - c->start < n ? c->end - c->start : n;
	if (c->way == AS_UTF8)
		got = most;
	else if (c->extends_ascii)
		while (got < most &&
		    (unsigned char)c->chunk[c->start + got] < 0x80)
			got++;
	memcpy(p, c->chunk + c->start, got);
	c->start += got;
	return (ssize_t)got;
}

static size_t
put_bad_byte(char *p, unsigned char byte)
{
	p[0] = (char)BAD;
	p[1] = (char)(HALF | byte >> 4);
	p[2] = (char)(HALF | (byte & 15));
	return BAD_LENGTH;
}

/* Appends the character that some encodings (CP1258, TCVN) hold back until they
 * see the next one, and returns to the initial shift state. */
static void
flush_iconv(struct encoding *c, char **out)
{
	size_t room = HELD_BACK;

	(void)iconv(c->to_utf8, NULL, NULL, out, &room);
}

/* Converts the bytes of the chunk, up to the first unit that is not valid or
 * until p is full. A bad unit is skipped as a whole: if only its first byte
 * were skipped, no later character of the file would be read rightly. Returns
 * the number of bytes written to p. */
static size_t
convert_chunk(struct encoding *c, char *p, size_t n)
{
	char *in = c->chunk + c->start, *out = p;
	size_t left = c->end - c->start, room = n - RESERVE;
	bool is_bad = iconv(c->to_utf8, &in, &left, &out, &room) ==
	    (size_t)-1 && (errno == EILSEQ || (errno == EINVAL &&
	    (c->has_ended || left > LONGEST_CHARACTER)));

	c->start = c->end - left;
	if (is_bad && left > 0) {
		flush_iconv(c, &out);
		for (size_t i = 0; i < c->unit && c->start < c->end; i++)
			out += put_bad_byte(
			    out, (unsigned char)c->chunk[c->start++]);
	}
	return (size_t)(out - p);
}

static ssize_t
encoding_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct encoding *c = (struct encoding *)l;
	char *end = p;
	ssize_t got;

	if (n < LONGEST_CHARACTER)
		return err_bug(e, "the buffer for converted text is too small");
	if (c->way == OPENING && open_encoding(c, e) == -1)
		return -1;
	if (c->way == GUESSING) {
		if ((got = read_unconverted(c, p, n, e)) != 0)
			return got;
		if (choose_by_chunk(c, e) == -1)
			return -1;
	}
	if (c->way == AS_UTF8)
		return read_unconverted(c, p, n, e);
	for (;;) {
		if (c->start < c->end)
			end += convert_chunk(c, p, n);
		if (end > p)
			break;
		if (c->has_ended && c->start == c->end) {
			flush_iconv(c, &end);
			break;
		}
		if (!c->has_ended && read_more(c, e) == -1)
			return -1;
	}
	return end - p;
}

static struct layer *
encoding_layer_open(struct layer *below, const char *encoding, struct err *e)
{
	struct encoding *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		below->close(below);
		(void)err_nomem(e);
		return NULL;
	}
	c->layer = (struct layer){ encoding_read, encoding_close };
	c->below = below;
	c->option = encoding;
	return &c->layer;
}

/* Converts text without bad bytes. */
static int
append_converted(struct buf *out, iconv_t cd, char *p, size_t n, struct err *e)
{
	char *to;
	size_t room, before;

	while (n > 0) {
		if (!buf_reserve(out, 4 * n + LONGEST_CHARACTER))
			return buf_check(out, e);
		to = out->data + out->len;
		room = before = out->cap - out->len;
		if (iconv(cd, &p, &n, &to, &room) == (size_t)-1 &&
		    errno != E2BIG)
			return err_errno(e, ERR_IO, "cannot convert a rejected "
			    "record back to its encoding");
		out->len += before - room;
	}
	return 0;
}

/* Converts text that was read from the encoding layer l back to the encoding of
 * the file, and appends it to *out. */
static int
encoding_put_original(const struct layer *l, struct buf *out, const char *text,
    size_t n, struct err *e)
{
	const struct encoding *c = (const struct encoding *)l;
	char *copy = NULL, *p, *end, *bad;
	iconv_t cd;
	int rc = -1;

	if (c->way != CONVERTING) {
		buf_add(out, text, n);
		return buf_check(out, e);
	}
	if ((cd = open_converter(c->name, "UTF-8", e)) == NULL)
		return -1;
	if ((copy = malloc(n + 1)) == NULL) {
		(void)err_nomem(e);
		goto out;
	}
	memcpy(copy, text, n);
	for (p = copy, end = copy + n; p < end; p = bad + BAD_LENGTH) {
		bad = memchr(p, BAD, (size_t)(end - p));
		if (append_converted(out, cd, p,
			(size_t)((bad != NULL ? bad : end) - p), e) == -1)
			goto out;
		if (bad == NULL || end - bad < BAD_LENGTH)
			break;
		buf_char(out, (char)((bad[1] & 15) << 4 | (bad[2] & 15)));
	}
	rc = buf_check(out, e);
out:
	free(copy);
	(void)iconv_close(cd);
	return rc;
}

struct gzip {
	struct layer layer;
	struct layer *below;
	struct gunzip *decoder;
	size_t at, end;         /* bytes of chunk that are not decoded */
	char chunk[LAYER_CHUNK];
};

static void
gzip_close(struct layer *l)
{
	struct gzip *g = (struct gzip *)l;

	gunzip_free(g->decoder);
	g->below->close(g->below);
	free(g);
}

/* Returns 1 if it has read some bytes, 0 at the end of the file. Fails if the
 * file ends in the middle of the compressed data. */
static int
read_gzip_chunk(struct gzip *g, struct err *e)
{
	ssize_t n = g->below->read(g->below, g->chunk, sizeof(g->chunk), e);

	if (n == -1)
		return -1;
	g->at = 0;
	g->end = (size_t)n;
	if (n == 0 && !gunzip_is_complete(g->decoder))
		return err_set(e, ERR_IO, false, "the compressed data (gzip) "
		    "ends early: the file was cut: fetch it again");
	return n > 0;
}

static int
fail_gzip(const struct gzip *g, enum gunzip_result r, struct err *e)
{
	if (r == GUNZIP_NO_MEMORY)
		return err_nomem(e);
	if (r == GUNZIP_NO_MEMBER)
		return err_set(e, ERR_DATA, false, "something that is not gzip "
		    "follows the compressed data: the file is damaged");
	return err_set(e, ERR_DATA, false, "not valid gzip data (%s): the file "
	    "is damaged or is not compressed: compare it with its origin",
	    gunzip_why_damaged(g->decoder));
}

static ssize_t
gzip_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct gzip *g = (struct gzip *)l;
	enum gunzip_result r;
	size_t used, made = 0;
	int more;

	while (made == 0) {
		if (g->at == g->end && !gunzip_has_more(g->decoder) &&
		    (more = read_gzip_chunk(g, e)) <= 0)
			return more;
		r = gunzip_decode(g->decoder, g->chunk + g->at, g->end - g->at,
		    &used, p, n, &made);
		if (r != GUNZIP_OK && made == 0)
			return fail_gzip(g, r, e);
		g->at += used;
	}
	return (ssize_t)made;
}

/* The functions below open a layer on top of `below` and then own `below`. On
 * failure they close it, set *e and return NULL. */
static struct layer *
gzip_layer_open(struct layer *below, struct err *e)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g == NULL || (g->decoder = gunzip_new()) == NULL) {
		free(g);
		below->close(below);
		(void)err_nomem(e);
		return NULL;
	}
	g->layer = (struct layer){ gzip_read, gzip_close };
	g->below = below;
	return &g->layer;
}

struct zstd {
	struct layer layer;
	struct layer *below;
	ZSTD_DStream *stream;
	size_t first_step, step; /* bytes to decode at once: up to the end of
				 * a block */
	size_t at, end;         /* bytes of chunk that are not decoded */
	bool is_in_frame;       /* a frame has begun and has not ended */
	bool has_frame;         /* one frame was read */
	bool has_filled;        /* the last call filled its whole output, so the
				 * decoder may have more */
	char chunk[LAYER_CHUNK];
};

static void
zstd_close(struct layer *l)
{
	struct zstd *z = (struct zstd *)l;

	(void)ZSTD_freeDStream(z->stream);
	z->below->close(z->below);
	free(z);
}

static int
fail_zstd(const struct zstd *z, size_t rc, struct err *e)
{
	if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
		return err_nomem(e);
	if (z->has_frame && !z->is_in_frame)
		return err_set(e, ERR_DATA, false, "something that is not "
		    "Zstandard follows the compressed data: the file is "
		    "damaged");
	return err_set(e, ERR_DATA, false, "not valid Zstandard data (%s): the "
	    "file is damaged or is not compressed: compare it with its origin",
	    ZSTD_getErrorName(rc));
}

/* Returns 1 if it has read some bytes, 0 at the end of the file. Fails if the
 * file ends in the middle of the compressed data. */
static int
read_zstd_chunk(struct zstd *z, struct err *e)
{
	ssize_t n = z->below->read(z->below, z->chunk, sizeof(z->chunk), e);

	if (n == -1)
		return -1;
	z->at = 0;
	z->end = (size_t)n;
	if (n == 0 && (z->is_in_frame || !z->has_frame))
		return err_set(e, ERR_IO, false, "the compressed data "
		    "(Zstandard) ends early: the file was cut: fetch it again");
	return n > 0;
}

/* Decodes at most one block. If ZSTD_decompressStream() fails, the bytes that
 * it has decoded in that call are lost. With one block a call, all blocks
 * before the fault are kept. */
static int
decode_block(struct zstd *z, ZSTD_outBuffer *out, struct err *e)
{
	const size_t left = z->end - z->at;
	ZSTD_inBuffer in = { z->chunk + z->at,
	    left < z->step ? left : z->step, 0 };
	size_t rc = ZSTD_decompressStream(z->stream, out, &in);

	if (ZSTD_isError(rc))
		return fail_zstd(z, rc, e);
	z->at += in.pos;
	z->step = rc != 0 ? rc : z->first_step;
	z->is_in_frame = rc != 0;
	z->has_frame |= rc == 0;
	z->has_filled = out->pos == out->size && rc != 0;
	return 0;
}

static ssize_t
zstd_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct zstd *z = (struct zstd *)l;
	ZSTD_outBuffer out = { p, n, 0 };
	int more;

	while (out.pos == 0) {
		if (z->at == z->end && !z->has_filled &&
		    (more = read_zstd_chunk(z, e)) <= 0)
			return more;
		if (decode_block(z, &out, e) == -1)
			return -1;
	}
	return (ssize_t)out.pos;
}

static struct layer *
zstd_layer_open(struct layer *below, struct err *e)
{
	struct zstd *z = calloc(1, sizeof(*z));

	if (z == NULL || (z->stream = ZSTD_createDStream()) == NULL) {
		free(z);
		below->close(below);
		(void)err_nomem(e);
		return NULL;
	}
	z->first_step = z->step = ZSTD_initDStream(z->stream);
	z->layer = (struct layer){ zstd_read, zstd_close };
	z->below = below;
	return &z->layer;
}

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
