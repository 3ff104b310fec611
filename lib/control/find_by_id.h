/* The row that a person means: by its number, or by the start of its id, as
 * long as no other id begins so.
 * Borrows: the text until the call returns.
 * Fails: ERR_LIMIT where there is none, ERR_USAGE where there are several. */
#ifndef CONTROL_FIND_BY_ID_H
#define CONTROL_FIND_BY_ID_H

#include "db/db.h"

struct id_kind {
	enum sql_id by_number, by_prefix;       /* give the row's number */
	const char *digits;                     /* that an id is made of */
	const char *one, *many;                 /* "run", "runs" */
};

int64_t id_number(const char *text);    /* 0 where it is none */
int id_find(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e);

#endif
