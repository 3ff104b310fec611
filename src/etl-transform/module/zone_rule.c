/* Parses the rule at the end of a time zone file, in the form of the
 * variable TZ of POSIX, such as CET-1CEST,M3.5.0,M10.5.0/3 (last Sunday of
 * March). A day is Mmonth.week.weekday, Jn (day 1 to 365, without 29
 * February) or n (day 0 to 365). The files come with the system, so week and
 * day are not checked. */
#include "module/zone_rule.h"

#include "base/calendar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

bool
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

int
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
