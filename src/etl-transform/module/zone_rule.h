/* The rule at the end of a zone file (POSIX TZ): CET-1CEST,M3.5.0,M10.5.0/3.
 * Gives: the changes of one year in order of time: 0 or 2 of them. */
#ifndef TRANSFORM_ZONE_RULE_H
#define TRANSFORM_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct zone_change {
	int64_t at;             /* UTC */
	int before, after;      /* seconds east */
};

struct zone_day {
	char kind;              /* M, J, or 0: from 0 with the leap day */
	int month, week, day;
	int time;               /* seconds of local time */
};

struct zone_rule {
	int standard, summer;   /* seconds east */
	bool changes;
	struct zone_day start, end;
};

bool zone_rule_parse(struct zone_rule *r, const char *text);
int zone_rule_year(const struct zone_rule *r, int64_t year,
    struct zone_change out[2]);

#endif
