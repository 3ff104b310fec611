/* etl-load --undo: undoes in one transaction what a run has done to its tables,
 * or to the one of --table, with the images that --keep-before has stored.
 * Borrows: the options.
 * Fails: ERR_LIMIT if there is no such run or it was undone before; ERR_DATA if
 *        a row has changed since the run, or has no image; ERR_USAGE if several
 *        runs have an id that starts with the given text. */
#ifndef LOAD_UNDO_H
#define LOAD_UNDO_H

#include "spec.h"

/* Checks the options of an undo or, without --undo, those options of a load
 * that --undo depends on. spec: the table of the program's options. */
int undo_check_options(const struct load_opts *o, const struct opt_spec *spec,
    struct err *e);
int undo_run(const struct load_opts *o, struct err *e);

#endif
