#include "base/buf.h"
#include "base/text.h"
#include "file/input.h"
#include "file/layer.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

const char *
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

struct layer *
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

int
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
