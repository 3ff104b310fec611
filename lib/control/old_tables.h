/* Tables of the names of control tables that are older than etl_control:
 * pipeline_runs and dead_letters as plain as their first columns.
 * Flow:  away, in the migration's transaction; the tables are made; back.
 * Gives: the old tables stay, as ..._before_etl.
 * Fails: ERR_CONFIG for tables that are something else. */
#ifndef CONTROL_OLD_TABLES_H
#define CONTROL_OLD_TABLES_H

#include "db/db.h"

struct old_tables {
	bool runs, letters;     /* are there */
};

int old_tables_set_aside(struct old_tables *o, struct db *db, struct err *e);
int old_tables_copy_back(const struct old_tables *o, struct db *db,
    struct err *e);

#endif
