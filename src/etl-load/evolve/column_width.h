/* How --evolve widens a column of PostgreSQL: small integers to bigint;
 * integers, floats, and numerics with a limit to numeric; numbers, booleans,
 * dates and times to text.
 * Gives: only types that can hold all values that the column already has. */
#ifndef LOAD_COLUMN_WIDTH_H
#define LOAD_COLUMN_WIDTH_H

#include "db/table.h"

enum column_width { WIDTH_KEEP, WIDTH_BIGINT, WIDTH_NUMERIC, WIDTH_TEXT };

/* Returns a wider type for a column that has refused a value; `kinds` is the
 * kind of this value (create/value_kinds.h). WIDTH_KEEP: no wider type could
 * hold the value. */
enum column_width column_wider_type(const struct column *c, unsigned kinds);
/* Returns the name of the type, as SQL. The width must not be WIDTH_KEEP. */
const char *column_width_type(enum column_width w);
/* Appends ALTER COLUMN ... TYPE. Numbers keep all their digits, and a time
 * becomes the text that etl-extract writes for it. */
void column_put_widening(
    struct buf *b, const struct column *c, enum column_width w);

#endif
