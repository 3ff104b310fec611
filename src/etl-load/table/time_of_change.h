/* The member of --as-of, which gives the time of a change in --mode scd2. Does
 * nothing if the option is not given. */
#ifndef LOAD_TIME_OF_CHANGE_H
#define LOAD_TIME_OF_CHANGE_H

#include "table/record.h"

/* True if the member is the one of --as-of, and no column with its name stores
 * it. `column` is the column with this name, or the number of columns if there
 * is none. The column does not store the member if --mode scd2 sets the column,
 * --columns leaves it out, or --map gives it another value. */
bool is_time_of_change(const struct reader *r, size_t column, const char *name,
    size_t len);
/* Reads the member of --as-of from r->json into r->as_of. Returns 1; 0: the
 * record must be rejected, *why says why, or memory ran out (r->text.failed is
 * true). */
int read_time_of_change(struct reader *r, struct reject *why);

#endif
