/* How --evolve widens a column of PostgreSQL: an integer to bigint, bigint to
 * numeric, and other types to text.
 * Gives: only types that hold all values of the column. */
#ifndef LOAD_COLUMN_WIDTH_H
#define LOAD_COLUMN_WIDTH_H

#include "db/table.h"

enum column_width { WIDTH_KEEP, WIDTH_BIGINT, WIDTH_NUMERIC, WIDTH_TEXT };

/* The type that the column needs to take a value of these kinds
 * (create/value_kinds.h), which its type has refused. */
enum column_width column_find_width(const struct column *c, unsigned kinds);
const char *column_width_name(enum column_width w);
/* Appends ALTER COLUMN ... TYPE, with all digits of numbers, and times as
 * etl-extract writes them. */
void column_put_widening(
    struct buf *b, const struct column *c, enum column_width w);

#endif
