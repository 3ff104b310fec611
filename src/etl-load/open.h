/* The options --lock-timeout, --statement-timeout and --synchronous.
 * Borrows: l->db, which is open. */
#ifndef LOAD_OPEN_H
#define LOAD_OPEN_H

#include "loader.h"

/* Sets the limits of all three options for l->db, which was just opened. Does
 * nothing if none of the options is given. */
int time_limits_init(struct loader *l, struct err *e);
/* Sets --lock-timeout and --statement-timeout for the connection *db. */
int time_limits_set_for(
    struct db *db, const struct load_opts *o, struct err *e);
/* If the database has failed because a limit was exceeded, puts the option that
 * sets this limit in front of the message. */
void time_limits_explain(const struct load_opts *o, const struct db_fault *f,
    struct err *e);

#endif
