#include "module/times.h"

#include "base/datetime.h"
#include "module/zone.h"

#include <string.h>

enum { DAY = 86400 };

static int
set_fault(struct times_fault *f, const char *code, const char *why)
{
	*f = (struct times_fault){ code, why };
	return -1;
}

/* Writes the time t in UTC. UTC seconds since 1970 do not count leap seconds.
 * So a leap second (23:59:60) has the number of 23:59:59, and its text gets the
 * second 60. Returns -1 if no leap second can be at this time, or if the year
 * is not one of RFC 3339. */
static int
write_utc(char text[DATETIME_TEXT], int64_t t, bool is_leap,
    struct times_fault *f)
{
	static const char last[] = "23:59:59";
	const int64_t first = calendar_days(1, 1, 1) * DAY;
	const int64_t end = calendar_days(10000, 1, 1) * DAY;
	char *clock = text + datetime_write(text, t) - strlen(last);

	/* The next day is the first of a month. */
	if (is_leap && (strcmp(clock, last) != 0 ||
	    calendar_date((t + 1) / DAY).day != 1))
		return set_fault(f, "range",
		    "second 60: a leap second can only be "
		    "the last second of a month in UTC");
	if (t < first || t >= end)
		return set_fault(f, "range",
		    "its year in UTC is not from 1 to 9999");
	if (is_leap)
		memcpy(clock + 6, "60", 2);
	return 0;
}

int
times_put_utc(struct buf *b, const char *p, size_t n, const struct zone *zone,
    struct times_fault *f)
{
	enum { FORMS = DATETIME_LOWER | DATETIME_LOCAL | DATETIME_SHORT_ZONE |
	    DATETIME_BLANK_ZONE | DATETIME_YEAR_0 | DATETIME_SECOND_60 };
	char text[DATETIME_TEXT];
	struct datetime d;
	enum datetime_fault fault = datetime_read(&d, p, n, FORMS);
	int64_t t;

	if (fault == DATETIME_NOT_ONE || p[n - 1] == ' ')
		return set_fault(f, "type", "not a time of RFC 3339, such as "
		    "2021-01-01T12:00:00Z");
	if (!d.has_zone && zone == NULL)
		return set_fault(f, "type",
		    "the time has no offset: give its time zone, as in "
		    "to_timestamp(\"UTC\")");
	if (fault == DATETIME_NO_DAY)
		return set_fault(f, "range", "this day does not exist");
	if (fault == DATETIME_NO_TIME)
		return set_fault(f, "range",
		    "this time of day does not exist");
	t = datetime_seconds(&d);
	if (!d.has_zone)
		t -= zone_local_offset(zone, t);
	if (write_utc(text, t, d.second == 60, f) == -1)
		return -1;
	buf_str(b, text);
	if (d.digits > 0) {
		buf_char(b, '.');
		buf_add(b, d.fraction, d.digits);
	}
	buf_char(b, 'Z');
	return 0;
}

void
now_text_init(struct now_text *n)
{
	n->second = -1;
}

void
now_text_update(struct now_text *n)
{
	struct timespec t;
	char *digit = n->text + CLOCK_STAMP - 2;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (t.tv_sec != n->second) {
		clock_stamp(n->text);
		n->second = t.tv_sec;
	}
	t.tv_nsec /= 1000;
	for (int i = 0; i < 6; i++, t.tv_nsec /= 10)
		*--digit = (char)('0' + t.tv_nsec % 10);
}
