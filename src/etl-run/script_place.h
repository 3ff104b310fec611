/* Where the script of a run is. Its row in pipeline_runs keeps the path, so
 * that two scripts at different paths do not share one name by mistake: they
 * would share the lock, the row of the last run and the dead letters.
 * Fails: ERR_CONFIG if the last run of this name had another script. */
#ifndef RUN_SCRIPT_PLACE_H
#define RUN_SCRIPT_PLACE_H

#include "attempt.h"
#include "db/db.h"

/* Appends the absolute path of the script as the database can store it, with
 * control characters escaped. Appends nothing for -c and standard input. */
int script_place_put(struct buf *place, const struct script *s, struct db *db,
    struct err *e);
/* Refuses a script at `place` if the last run of this name had another one,
 * unless --moved is given. */
int script_place_check(const struct job *j, const char *place, struct db *db,
    struct err *e);

#endif
