/* --plan: prints what the load would do, and changes nothing. The table that
 * --create would make is made in a transaction that is rolled back.
 * Owns:  the statements of --create; plan_release() frees them. */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include "base/buf.h"

#include <stdbool.h>

struct plan {
	struct buf ddl;
	bool evolves;           /* the input has been read for --evolve */
	bool adds_columns;      /* --evolve adds a column for a new member */
	bool no_file;           /* the file of the database does not exist: the
	                         * plan uses an empty database in memory */
};

struct loader;
void plan_init(struct plan *p);
void plan_release(struct plan *p);
/* Called in place of the function that opens the database and the tables for a
 * load. */
int plan_open(struct loader *l, struct err *e);
/* Prints the plan on standard output. Rolls back the open transaction, and with
 * it the tables that --create has made. */
int plan_print(struct loader *l, struct err *e);

#endif
