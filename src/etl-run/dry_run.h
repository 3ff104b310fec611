/* --dry-run: prints on stdout what etl-run would execute. Opens no database,
 * creates no file, takes no lock, and prints no values of variables and no
 * passwords.
 * Gives: the exit code. */
#ifndef RUN_DRY_RUN_H
#define RUN_DRY_RUN_H

#include "attempt.h"

int dry_run_print(const struct job *j);

#endif
