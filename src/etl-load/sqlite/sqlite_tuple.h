/* A tuple is the values that a record has in some columns: a scope of --mode
 * delete-insert, or a key. Its values are used as parameters of SQLite
 * statements.
 * Owns:  values and scratch; lite_tuple_release() frees them. */
#ifndef LOAD_SQLITE_TUPLE_H
#define LOAD_SQLITE_TUPLE_H

#include "table/record.h"

struct lite_tuple {
	const struct shape *columns;
	struct db_value *values;
	struct buf scratch;
};

int lite_tuple_init(struct lite_tuple *t, const struct shape *columns,
    struct err *e);
void lite_tuple_release(struct lite_tuple *t);
/* Returns 1: t->values has the record's values until the next call; 0: the
 * record has no such values, or the columns cannot hold them; -1 with *e. */
int lite_tuple_read(struct lite_tuple *t, struct reader *r,
    const struct line *l, struct err *e);

#endif
