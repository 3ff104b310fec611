/* Finds the row that a user named: by its number, or by the start of its id if
 * no other id starts with it.
 * Borrows: the text until the call returns.
 * Fails: ERR_LIMIT if no row matches, ERR_USAGE if several do. */
#ifndef CONTROL_FIND_BY_ID_H
#define CONTROL_FIND_BY_ID_H

#include "db/db.h"

struct id_kind {
	enum sql_id by_number, by_prefix;       /* return the row's number */
	const char *digits;             /* the characters that an id can have */
	const char *one, *many;         /* for messages: "run", "runs" */
};

int64_t parse_row_number(const char *text);     /* 0: not a number */
int find_row_by_id(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e);

#endif
