/* Some of a record's values, of a record that may be rejected: those of --scope
 * or of the key. */
#ifndef LOAD_RECORD_PART_H
#define LOAD_RECORD_PART_H

#include "table/record.h"

/* Reads the record's values of these columns: they are in r->json and r->value
 * until the next call. Looks at nothing else in the record. Returns 1; 0: the
 * record has no such value, or one that no column can hold, or two members of
 * this name without --duplicate-members last; -1 with *e. */
int record_part_read(struct reader *r, const struct line *l,
    const struct shape *columns, struct err *e);
/* True if the value that was read for this column is null. */
bool record_part_is_null(const struct reader *r, size_t column);
bool record_part_has_null(const struct reader *r, const struct shape *columns);

#endif
