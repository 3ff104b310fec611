/* etl-load --undo: undoes what a run has done to a table, by the images that
 * --keep-before has stored, in one transaction.
 * Borrows: the options.
 * Fails: ERR_LIMIT if there is no such run or it was undone before, ERR_DATA if
 *        a row is not as the run has left it, ERR_USAGE if the name fits
 *        several runs or has fewer than 8 characters of the id. */
#ifndef LOAD_UNDO_H
#define LOAD_UNDO_H

#include "load.h"

/* Also checks the options about what a load keeps for --undo.
 * spec: the table of the program's options. */
int undo_check_options(const struct load_opts *o, const struct opt_spec *spec,
    struct err *e);
int undo_run(const struct load_opts *o, struct err *e);

#endif
