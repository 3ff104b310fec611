/* Tables of the names of control tables that are older than etl_control:
 * pipeline_runs and dead_letters as plain as their first columns.
 * Flow:  away, in the migration's transaction; the tables are made; back.
 * Gives: the old tables stay, as ..._before_etl.
 * Fails: ERR_CONFIG for tables that are something else. */
#ifndef DB_CONTROL_OLD_H
#define DB_CONTROL_OLD_H

#include "db/db.h"

struct control_old {
	bool runs, letters;     /* are there */
};

int control_old_away(struct control_old *o, struct db *db, struct err *e);
int control_old_back(const struct control_old *o, struct db *db,
    struct err *e);

#endif
