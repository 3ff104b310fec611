/* The rule at the end of a zone file, in the form of POSIX TZ. For example,
 * CET-1CEST,M3.5.0,M10.5.0/3: summer time from the last Sunday of March (2:00)
 * to the last Sunday of October (3:00).
 * Gives: zone_rule_changes() sets the changes of one year in order of time and
 *        returns their number, 0 or 2. */
#ifndef TRANSFORM_ZONE_RULE_H
#define TRANSFORM_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

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

bool zone_rule_parse(struct zone_rule *r, const char *text);
int zone_rule_changes(const struct zone_rule *r, int64_t year,
    struct zone_change out[2]);

#endif
