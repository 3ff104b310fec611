/* --dry-run: what would be run, on stdout. Opens no database, makes no file,
 * takes no lock; values of variables and passwords are not shown.
 * Gives: the exit code. */
#ifndef RUN_DRY_RUN_H
#define RUN_DRY_RUN_H

#include "attempt.h"

int plan_print(const struct job *j);

#endif
