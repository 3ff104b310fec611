/* Makes the table of --create from the first records, in a transaction of its
 * own. A table that exists, or that another program makes at the same time, is
 * used as it is. */
#ifndef LOAD_CREATE_H
#define LOAD_CREATE_H

#include "sample.h"

struct loader;

enum table_state {
	TABLE_EXISTS, TABLE_MISSING,
	TABLE_ABSENT            /* missing, and the input has no record */
};
/* If the table does not exist, reads the sample, unless *s holds it already. */
int create_read_sample(struct sample *s, struct db *db, struct stage *stage,
    enum table_state *state, struct err *e);
/* Calls create_read_sample(), then makes the table. If the input has no record,
 * makes no table and sets *absent. */
int create_ensure_table(struct sample *s, struct db *db, struct stage *stage,
    bool *absent, struct err *e);
/* Makes the table in the open transaction, and checks that the options fit it.
 * Appends the statements to `ddl`. */
int create_table(struct sample *s, struct db *db, struct buf *ddl,
    struct err *e);

/* --create makes the tables of --nested that do not exist, after their parents,
 * from the elements of the first records. The columns for the parent's key have
 * the same types as in the parent.
 * Fails: ERR_DATA if no record of the sample has an element: the pointer may be
 *        mistyped. */

/* Makes each missing table. If `ddl` is NULL, each one is made in a transaction
 * of its own. Otherwise they are made in the open transaction, and their
 * statements are appended to ddl. Sets l->absent if a table is missing and the
 * input has no record. */
int create_children(struct loader *l, struct buf *ddl, struct err *e);
/* Called before the parent is made. Fails if a table of --nested does not exist
 * and no record of the sample has an element for it: the pointer may be
 * mistyped. */
int create_check_children(struct loader *l, struct err *e);
/* Sets *missing to true if one of the tables of --nested does not exist. */
int create_find_missing(struct loader *l, bool *missing, struct err *e);

#endif
