#include "module/zone.h"

#include "base/calendar.h"
#include "module/utc_offset.h"
#include "module/zone_rule.h"

#include <stdlib.h>
#include <string.h>

enum {
	HEADER = 44, TYPE = 6,  /* bytes of these parts of a file */
	COUNT_MAX = 256 << 10,  /* changes or letters in a file */
	RULE_MAX = 256,         /* bytes of the last line of a file */
	CYCLE_YEARS = 400       /* the calendar repeats after 400 years */
};
/* Seconds in 400 years. */
static const int64_t cycle = INT64_C(146097) * 86400;

struct zone {
	struct zone_change *v;  /* in order of time */
	size_t n, cap;
	int first;              /* offset before all changes */
	int64_t repeat;         /* for later times, the changes of the last 400
				 * years repeat; 0: never */
};

static int64_t
read_big_endian(const unsigned char *p, int bytes)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static bool
add_change(struct zone *z, struct zone_change c)
{
	struct zone_change *v;
	size_t cap = z->cap ? z->cap * 2 : 256;

	if (z->n == z->cap) {
		if ((v = realloc(z->v, cap * sizeof(*v))) == NULL)
			return false;
		z->v = v;
		z->cap = cap;
	}
	z->v[z->n++] = c;
	return true;
}

/* The header of a data block in a time zone file (TZif, RFC 9636): how many
 * entries of each kind the block has. The RFC calls `time` timecnt, and so
 * on. */
struct header {
	int64_t isut, isstd, leap, time, type, chars;
};

static bool
parse_header(struct header *h, const unsigned char *p, size_t n)
{
	if (n < HEADER || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	h->isut = read_big_endian(p + 20, 4);
	h->isstd = read_big_endian(p + 24, 4);
	h->leap = read_big_endian(p + 28, 4);
	h->time = read_big_endian(p + 32, 4);
	h->type = read_big_endian(p + 36, 4);
	h->chars = read_big_endian(p + 40, 4);
	return h->isut >= 0 && h->isstd >= 0 && h->leap >= 0 &&
	    h->time >= 0 && h->type > 0 && h->chars >= 0 &&
	    h->time < COUNT_MAX && h->type < 256 && h->chars < COUNT_MAX &&
	    h->leap < COUNT_MAX && h->isut < 256 && h->isstd < 256;
}

/* Returns how many bytes the data block after the header h has. width is the
 * number of bytes of each time in the block: 4 in the first block of a time
 * zone file (TZif, RFC 9636), 8 in the second block. */
static size_t
block_size(const struct header *h, size_t width)
{
	return (size_t)h->time * (width + 1) + (size_t)h->type * TYPE +
	    (size_t)h->chars + (size_t)h->leap * (width + 4) +
	    (size_t)h->isstd + (size_t)h->isut;
}

static bool
read_changes(struct zone *z, const struct header *h, const unsigned char *p)
{
	const unsigned char *index = p + h->time * 8;
	const unsigned char *types = index + h->time;
	int now = (int)read_big_endian(types, 4);

	z->first = now;
	for (int64_t i = 0; i < h->time; i++) {
		struct zone_change c = { .at = read_big_endian(p + i * 8, 8),
			.before = now };

		if (index[i] >= h->type)
			return false;
		now = (int)read_big_endian(types + (size_t)index[i] * TYPE, 4);
		c.after = now;
		if (!add_change(z, c))
			return false;
	}
	return true;
}

/* A time zone file lists the changes of the UTC offset up to some year; a
 * rule (summer time from the last Sunday of March ...) describes the later
 * years. Adds the changes by the rule for about 400 years after the last
 * listed change. The calendar repeats after 400 years, and so do the
 * changes: z->repeat. */
static bool
add_rule_changes(struct zone *z, const struct zone_rule *r)
{
	int64_t last = z->n > 0 ? z->v[z->n - 1].at : INT64_MIN;
	int64_t year = 1970 + (z->n > 0 ? last / 31556952 : 0) - 1;
	int64_t until = year + CYCLE_YEARS + 3;
	int now = z->n > 0 ? z->v[z->n - 1].after : z->first;
	struct zone_change c[2];

	for (; r->changes && year < until; year++) {
		int n = zone_rule_changes(r, year, c);

		for (int i = 0; i < n; i++) {
			if (c[i].at <= last)
				continue;
			c[i].before = now;
			now = c[i].after;
			if (!add_change(z, c[i]))
				return false;
		}
	}
	if (r->changes)
		z->repeat = calendar_days(until - 1, 1, 1) * 86400;
	return true;
}

/* Parses a time zone file (TZif, RFC 9636). The file has two data blocks with
 * the same content: the first has times of 4 bytes and is skipped, the second
 * has times of 8 bytes. After them is a line with the rule for later years. */
static bool
parse_zone_file(struct zone *z, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	char line[RULE_MAX];
	struct header h;
	struct zone_rule r;
	const char *end;
	size_t skip;

	if (!parse_header(&h, p, n) ||
	    (skip = HEADER + block_size(&h, 4)) > n ||
	    !parse_header(&h, p + skip, n - skip) ||
	    block_size(&h, 8) + HEADER + 2 > n - skip)
		return false;
	skip += HEADER;
	if (!read_changes(z, &h, p + skip))
		return false;
	skip += block_size(&h, 8);
	if (text[skip++] != '\n' ||
	    (end = memchr(text + skip, '\n', n - skip)) == NULL ||
	    (size_t)(end - text) - skip >= sizeof(line))
		return false;
	memcpy(line, text + skip, (size_t)(end - text) - skip);
	line[(size_t)(end - text) - skip] = '\0';
	return *line == '\0' || (zone_rule_parse(&r, line) &&
	    add_rule_changes(z, &r));
}

int
zone_open(struct zone **out, const struct zone_files *files, const char *name,
    size_t len, struct err *e)
{
	const struct zone_file *file;
	struct zone *z;

	if ((z = calloc(1, sizeof(*z))) == NULL)
		return err_nomem(e);
	if (!utc_offset_parse(name, len, &z->first) &&
	    ((file = zone_files_find(files, name, len)) == NULL ||
	    !parse_zone_file(z, file->text, file->len))) {
		zone_free(z);
		return err_set(e, ERR_INPUT, false, "unknown time zone "
		    "'%.*s': give a name of the tz database, such as "
		    "Europe/Berlin, or an offset, such as +05:30",
		    (int)(len < 100 ? len : 100), name);
	}
	*out = z;
	return 0;
}

void
zone_free(struct zone *z)
{
	if (z != NULL)
		free(z->v);
	free(z);
}

int
zone_local_offset(const struct zone *z, int64_t local)
{
	size_t low = 0, high = z->n;

	if (z->repeat != 0 && local >= z->repeat)
		local -= ((local - z->repeat) / cycle + 1) * cycle;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct zone_change *c = &z->v[mid];
		int most = c->before > c->after ? c->before : c->after;

		if (local >= c->at + most)
			low = mid + 1;
		else
			high = mid;
	}
	return low == 0 ? z->first : z->v[low - 1].after;
}
