/* A script of letters with the conditions of a filter.
 * Borrows: the script, filter and values until where_release().
 * Gives: conditions stand after the script's "WHERE true"; its own
 *        parameters come first. */
#ifndef CONTROL_LETTERS_FILTER_H
#define CONTROL_LETTERS_FILTER_H

#include "base/buf.h"
#include "control/letters.h"

enum { WHERE_MAX = 24 };

struct where {
	struct buf sql;
	const char *rest;               /* of the script */
	struct db_value v[WHERE_MAX];
	size_t n;
};

int where_init(struct where *w, struct db *db, enum sql_id script,
    const struct db_value *own, size_t n, const struct letter_filter *f,
    struct err *e);
/* One more value: its number, for a condition written into sql. */
size_t where_value(struct where *w, struct db_value v);
/* Complete: no more; NULL failed. */
const char *where_text(struct where *w, struct err *e);
void where_release(struct where *w);

#endif
