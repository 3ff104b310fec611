#include "module/zone.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/datetime.h"

#include <ctype.h>
#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char zoneinfo_folder[] = "/usr/share/zoneinfo";

enum { ALL_FILES_MAX = 64 << 20, FILES_MIN = 512 };

struct entry {
	size_t name, text;      /* where they begin in `names` and `texts` */
	struct zone_file file;  /* filled when `texts` no longer grows */
	const char *zone;
};

struct zone_files {
	struct buf names, texts;
	struct entry *v;
	size_t n, cap;
};

static int
by_zone(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->zone, y->zone);
}

static struct entry *
add_entry(struct zone_files *f, struct err *e)
{
	size_t cap = f->cap != 0 ? f->cap * 2 : FILES_MIN;
	struct entry *v;

	if (f->n == f->cap) {
		if ((v = reallocarray(f->v, cap, sizeof(*v))) == NULL) {
			(void)err_nomem(e);
			return NULL;
		}
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n] = (struct entry){
		.name = f->names.len, .text = f->texts.len
	};
	return &f->v[f->n];
}

/* Adds the file at `path` if it is a time zone file (TZif, RFC 9636). The
 * folder also has lists of zones, which are skipped. */
static int
add_file(struct zone_files *f, const char *path, struct err *e)
{
	struct entry *x = add_entry(f, e);

	if (x == NULL || file_read(&f->texts, path, e) == -1)
		return -1;
	x->file.len = f->texts.len - x->text;
	if (x->file.len < 4 ||
	    memcmp(f->texts.data + x->text, "TZif", 4) != 0) {
		f->texts.len = x->text;
		return 0;
	}
	buf_str(&f->names, path + sizeof(zoneinfo_folder));
	buf_char(&f->names, '\0');
	f->n++;
	return buf_check(&f->names, e);
}

/* The folder zoneinfo/right has each zone again with leap seconds, which
 * etl-transform does not count. The folder zoneinfo/posix has each zone again
 * unchanged. So both are skipped. */
static bool
is_other_copy(const FTSENT *t)
{
	return t->fts_level == 1 && (strcmp(t->fts_name, "right") == 0 ||
	    strcmp(t->fts_name, "posix") == 0);
}

/* Adds a file. Does not enter a folder with another copy of the time zones. */
static int
visit_file(struct zone_files *f, FTS *tree, FTSENT *t, struct err *e)
{
	switch (t->fts_info) {
	case FTS_D:
		if (is_other_copy(t))
			(void)fts_set(tree, t, FTS_SKIP);
		return 0;
	case FTS_F:
		return add_file(f, t->fts_path, e);
	case FTS_NS:
	case FTS_DNR:
	case FTS_ERR:
		errno = t->fts_errno;
		return errno == ENOENT ? 0 :
		    err_errno(e, ERR_INPUT, t->fts_path);
	default:
		return 0;
	}
}

static int
read_folder(struct zone_files *f, struct err *e)
{
	char path[sizeof(zoneinfo_folder)];
	char *const paths[] = { path, NULL };
	FTS *tree;
	FTSENT *t = NULL;
	int rc = 0;

	memcpy(path, zoneinfo_folder, sizeof(path));
	tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	if (tree == NULL)
		return err_errno(e, ERR_INPUT, zoneinfo_folder);
	while (rc == 0 && (errno = 0, t = fts_read(tree)) != NULL)
		rc = visit_file(f, tree, t, e);
	if (rc == 0 && errno != 0)
		rc = err_errno(e, ERR_INPUT, zoneinfo_folder);
	(void)fts_close(tree);
	return rc;
}

static void
sort_by_zone(struct zone_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].zone = f->names.data + f->v[i].name;
		f->v[i].file.text = f->texts.data + f->v[i].text;
	}
	if (f->n > 0)
		qsort(f->v, f->n, sizeof(*f->v), by_zone);
}

int
zone_files_read_all(struct zone_files **out, struct err *e)
{
	struct zone_files *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	buf_init(&f->names, ALL_FILES_MAX);
	buf_init(&f->texts, ALL_FILES_MAX);
	if (read_folder(f, e) == -1) {
		zone_files_free(f);
		return -1;
	}
	sort_by_zone(f);
	*out = f;
	return 0;
}

void
zone_files_free(struct zone_files *f)
{
	if (f == NULL)
		return;
	buf_release(&f->names);
	buf_release(&f->texts);
	free(f->v);
	free(f);
}

/* `files` may be NULL. */
static const struct zone_file *
zone_files_find(const struct zone_files *f, const char *name, size_t len)
{
	char zone[128];
	const struct entry key = { .zone = zone }, *found;

	if (f == NULL || f->n == 0 || len >= sizeof(zone) ||
	    memchr(name, '\0', len) != NULL)
		return NULL;
	memcpy(zone, name, len);
	zone[len] = '\0';
	found = bsearch(&key, f->v, f->n, sizeof(*f->v), by_zone);
	return found != NULL ? &found->file : NULL;
}

/* The rule at the end of a zone file, in the form of POSIX TZ. For example,
 * CET-1CEST,M3.5.0,M10.5.0/3: summer time from the last Sunday of March (2:00)
 * to the last Sunday of October (3:00).
 * Gives: zone_rule_changes() sets the changes of one year in order of time and
 *        returns their number, 0 or 2. */

struct zone_change {
	int64_t at;             /* seconds since 1970 in UTC */
	int before, after;      /* offsets in seconds east of UTC */
};

struct zone_day {
	char kind;              /* M: month, week, weekday; J: day of the year
				 * 1 to 365, February 29 not counted; 0: day
				 * of the year from 0, February 29 counted */
	int month, week, day;
	int time;               /* seconds of local time */
};

struct zone_rule {
	int standard, summer;   /* offsets in seconds east of UTC */
	bool changes;           /* there is a summer time */
	struct zone_day start, end;
};

/* Parses the rule at the end of a time zone file, in the form of the
 * variable TZ of POSIX, such as CET-1CEST,M3.5.0,M10.5.0/3 (last Sunday of
 * March). A day is Mmonth.week.weekday, Jn (day 1 to 365, without 29
 * February) or n (day 0 to 365). The files come with the system, so week and
 * day are not checked. */

static bool
skip_zone_name(const char **p)
{
	const char *from = *p;

	if (**p == '<') {
		if ((*p = strchr(*p, '>')) == NULL)
			return false;
		++*p;
		return true;
	}
	while (isalpha((unsigned char)**p))
		++*p;
	return *p - from >= 3;
}

/* Parses a whole number. Returns false if it is above 400. */
static bool
parse_small_int(const char **p, int *v)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)**p))
		return false;
	n = strtol(*p, &end, 10);
	*p = end;
	*v = (int)n;
	return n <= 400;
}

/* Parses a time of the form [+-]hh[:mm[:ss]], sets *seconds and moves *p after
 * the time. */
static bool
parse_rule_clock(const char **p, int *seconds)
{
	int sign = **p == '-' ? -1 : 1, v, unit = 3600;

	*p += **p == '-' || **p == '+';
	*seconds = 0;
	for (;;) {
		if (!parse_small_int(p, &v))
			return false;
		*seconds += sign * v * unit;
		unit /= 60;
		if (**p != ':' || unit == 0)
			return true;
		++*p;
	}
}

/* Parses a comma and a day of a rule. A time of day may follow it. */
static bool
parse_rule_day(const char **p, struct zone_day *d)
{
	*d = (struct zone_day){ .time = 7200 };
	if (*(*p)++ != ',')
		return false;
	if (**p == 'M' || **p == 'J')
		d->kind = *(*p)++;
	if (d->kind == 'M') {
		if (!parse_small_int(p, &d->month) || *(*p)++ != '.' ||
		    !parse_small_int(p, &d->week) || *(*p)++ != '.')
			return false;
		if (d->month < 1 || d->month > 12)
			return false;
	}
	if (!parse_small_int(p, &d->day))
		return false;
	if (**p != '/')
		return true;
	++*p;
	return parse_rule_clock(p, &d->time);
}

static bool
zone_rule_parse(struct zone_rule *r, const char *text)
{
	const char *p = text;
	int west;

	*r = (struct zone_rule){ .changes = false };
	if (!skip_zone_name(&p) || !parse_rule_clock(&p, &west))
		return false;
	r->standard = r->summer = -west;
	if (*p == '\0')
		return true;
	r->changes = true;
	r->summer = r->standard + 3600;
	if (!skip_zone_name(&p))
		return false;
	if (*p != ',') {
		if (!parse_rule_clock(&p, &west))
			return false;
		r->summer = -west;
	}
	return parse_rule_day(&p, &r->start) &&
	       parse_rule_day(&p, &r->end) && *p == '\0';
}

/* Returns the days from 1970 to the day that the rule names in this year. */
static int64_t
find_rule_day(const struct zone_day *d, int64_t year)
{
	int64_t first;
	int step;

	if (d->kind == 'M') {
		first = calendar_days(year, d->month, 1);
		step = (int)((d->day - (first + 4) % 7 + 14) % 7);
		step += (d->week - 1) * 7;
		while (step >= calendar_month_days(year, d->month))
			step -= 7;
		return first + step;
	}
	first = calendar_days(year, 1, 1);
	if (d->kind == 'J')
		return first + d->day - 1 +
		    (d->day >= 60 && calendar_month_days(year, 2) == 29);
	return first + d->day;
}

static int
zone_rule_changes(const struct zone_rule *r, int64_t year,
    struct zone_change out[2])
{
	struct zone_change start, end;

	if (!r->changes)
		return 0;
	start = (struct zone_change){
	    .at = find_rule_day(&r->start, year) * 86400 +
		  r->start.time - r->standard,
	    .before = r->standard,
	    .after = r->summer};
	end = (struct zone_change){
	    .at = find_rule_day(&r->end, year) * 86400 +
		  r->end.time - r->summer,
	    .before = r->summer,
	    .after = r->standard};
	out[0] = start.at < end.at ? start : end;
	out[1] = start.at < end.at ? end : start;
	return 2;
}

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
	if (!zone_read(&z->first, name, len, DATETIME_LOWER |
	    DATETIME_SHORT_ZONE) &&
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
