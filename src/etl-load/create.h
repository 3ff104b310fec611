/* Makes the table of --create from the first records, in a transaction of its
 * own. A table that exists, or that another program makes at the same time, is
 * used as it is. */
#ifndef LOAD_CREATE_H
#define LOAD_CREATE_H

#include "sample.h"
#include "sink.h"

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

/* Takes the place of the table if --create is given and the input has no record
 * from which the table could be made. The loader then still handles the marks
 * of the stream, such as its checkpoint.
 * Gives: a target without columns, and a sink that gets no records. */

int target_open_absent(struct target *t, struct db *db,
    const struct load_opts *o, struct err *e);
extern const struct sink sink_absent;

#endif
