/* Old tables: tables pipeline_runs and dead_letters that another tool created,
 * with only the first columns of etl's tables of these names.
 * Flow:  in the transaction that creates the control tables: rename the old
 *        tables, create the control tables, copy the old rows into them.
 * Gives: the old tables stay, under the name ..._before_etl.
 * Fails: ERR_CONFIG if a table of these names has other columns. */
#ifndef CONTROL_OLD_TABLES_H
#define CONTROL_OLD_TABLES_H

#include "db/db.h"

struct old_tables {
	bool runs, letters;     /* the old table exists */
};

int old_tables_rename(struct old_tables *o, struct db *db, struct err *e);
int old_tables_copy(const struct old_tables *o, struct db *db, struct err *e);

#endif
