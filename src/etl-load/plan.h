/* --plan: prints what the load would do, and changes nothing. The table that
 * --create would make is made in a transaction that is rolled back.
 * Owns:  struct plan in l->plan; plan_free() frees it. */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

struct err;
struct plan;
struct loader;
/* Called in place of the function that opens the database and the tables for a
 * load. */
int plan_open(struct loader *l, struct err *e);
void plan_free(struct plan *p);
/* Prints the plan on standard output. Rolls back the open transaction, and with
 * it the tables that --create has made. */
int plan_print(struct loader *l, struct err *e);

#endif
