/* The options --lock-timeout, --statement-timeout and --synchronous.
 * Borrows: l->db, which is open. */
#ifndef LOAD_TIME_LIMITS_H
#define LOAD_TIME_LIMITS_H

#include "loader.h"

/* Needs no database. Fails if --synchronous has another value than full or
 * normal. */
int time_limits_check_options(const struct load_opts *o, struct err *e);
/* Sets them for a connection that was just opened, if one is given. */
int time_limits_set_if_given(struct loader *l, struct err *e);
/* Sets them again after a script of the user, which may have changed options of
 * the session: also those that db_open() sets. */
int time_limits_set(struct loader *l, struct err *e);
/* Sets --lock-timeout and --statement-timeout for another connection. */
int time_limits_set_for(
    struct db *db, const struct load_opts *o, struct err *e);
/* If the database has failed because a limit was over, begins the message with
 * the option that sets this limit. */
void time_limits_name_in_error(
    const struct load_opts *o, const struct db_fault *f, struct err *e);

#endif
