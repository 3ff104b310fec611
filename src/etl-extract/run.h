/* The ways in which etl-extract works: run_sources() writes the records of all
 * SOURCEs to the stream; run_each() makes one HTTP request for each record of
 * standard input (--each); run_batch() makes one for several of them
 * (--batch-each); run_replay() reads the bytes of letters in a replay on
 * standard input.
 * Borrows: x and the stage; both belong to main(). */
#ifndef EXTRACT_RUN_H
#define EXTRACT_RUN_H

#include "extract.h"
#include "stream/stage.h"

int run_sources(struct extract *x, struct stage *s, char *const *uri,
    size_t n, struct err *e);
int run_each(struct extract *x, struct stage *s, struct err *e);
/* run_each() calls it, once it has checked the options of --each. */
int run_batch(struct extract *x, struct stage *s, struct err *e);
int run_replay(struct extract *x, struct stage *s, struct err *e);

#endif
