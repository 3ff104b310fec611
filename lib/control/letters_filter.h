/* Builds a statement from a script of sql/DIALECT/letters.sql and a filter
 * (conditions on the rows of dead_letters).
 * Borrows: the script, the filter and the values until where_release().
 * Gives: the conditions are inserted after the script's "WHERE true". Their
 *        parameters are numbered after the script's own ones. */
#ifndef CONTROL_LETTERS_FILTER_H
#define CONTROL_LETTERS_FILTER_H

#include "base/buf.h"
#include "control/letters.h"

enum { WHERE_MAX = 24 };

struct where {
	struct buf sql;
	const char *rest;               /* the script after "WHERE true" */
	struct db_value v[WHERE_MAX];
	size_t n;
};

int where_begin(struct where *w, struct db *db, enum sql_id script,
    const struct db_value *own, size_t n, const struct letter_filter *f,
    struct err *e);
/* Adds a value and returns the number of its parameter, for example 3 for $3.
 * The caller then appends the condition with this number to w->sql. */
size_t where_add(struct where *w, struct db_value v);
/* Completes the statement; no condition can be added after this. Returns NULL
 * on failure. */
const char *where_finish(struct where *w, struct err *e);
void where_release(struct where *w);

#endif
