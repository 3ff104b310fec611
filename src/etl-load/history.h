/* What --mode scd2 must know about the table. Each row says from when to when
 * it is valid, and at most one row of a key is current.
 * Owns:  carried and current_where; history_close() frees them.
 * Fails: ERR_CONFIG if the table is not suitable. If the index of current rows
 *        is missing, the message contains its CREATE UNIQUE INDEX. */
#ifndef LOAD_HISTORY_H
#define LOAD_HISTORY_H

#include "base/clock.h"
#include "base/errval.h"

#include <stdbool.h>
#include <stddef.h>

struct db;
struct load_opts;
struct shape;
struct target;

/* The names of the columns for the validity: those that --valid-from,
 * --valid-to and --current give, or else valid_from, valid_to and
 * is_current. */
struct history_names {
	const char *from, *to, *current;
};

struct history {
	int from, to, current;          /* columns, NO_COLUMN in other modes */
	const char *as_of;              /* --as-of, or NULL: the time of the
	                                 * transaction */
	int digits;                     /* of history.h */
	bool *carried;                  /* by column: if a record has no member
	                                 * for it, its row gets the value of
	                                 * the row before */
	char *current_where;            /* the condition of the index of current
	                                 * rows. On SQLite only a query with the
	                                 * same text uses this index */
};

struct history_names history_get_names(const struct load_opts *o);
int history_open(struct target *t, struct db *db, struct err *e);
void history_close(struct history *h);
/* True if --mode scd2 itself sets the column, so that no record may set it. */
bool history_sets(const struct target *t, size_t column);
/* True if the record, whose columns are *s, has no value for the column, and
 * its row gets the value of the row that was current before. */
bool history_carries(const struct target *t, const struct shape *s,
    size_t column);

/* The time of a change in --mode scd2, as a text of a fixed form: RFC 3339 in
 * UTC with six digits of the second or, if the column has the type date, only
 * the date. Such texts sort in the order of their times.
 * Gives: texts of at most CLOCK_STAMP bytes, with the NUL. */

enum { AS_OF_DAYS = -1, AS_OF_DIGITS = 6 };

struct as_of_refusal {
	const char *code, *message;     /* of the reject */
};

/* Reads a date, or a date and a time as RFC 3339 and SQL write them. A time
 * without a zone is taken as UTC. `digits` is the number of digits of the
 * second that the column keeps, or AS_OF_DAYS. If the value has more digits,
 * `lossy` cuts them off; otherwise the value is refused. Returns false with
 * *why. */
bool as_of_convert(char out[CLOCK_STAMP], const char *p, size_t n, int digits,
    bool lossy, struct as_of_refusal *why);
/* Cuts the text of the present time to the digits of the second that the column
 * keeps. */
void as_of_cut(char text[CLOCK_STAMP], int digits);
/* Replaces the time by the next one that the column can hold, for example one
 * microsecond later. Does nothing if the column has the type date, because a
 * key has at most one row for each day. Returns false if the next time is after
 * the year 9999, which has no text of this form. */
bool as_of_next(char text[CLOCK_STAMP], int digits);

#endif
