/* The four modes of etl-extract. run_sources() writes the records of all
 * SOURCEs to the stream. run_each() makes one HTTP request for each record of
 * standard input (--each), and run_batch() makes one request for several
 * records (--batch-each). run_replay() reads the bytes of letters from a replay
 * on standard input.
 * Borrows: x and the stage, which belong to main(). */
#ifndef EXTRACT_RUN_H
#define EXTRACT_RUN_H

#include "common/extract.h"
#include "stream/stage.h"

int run_sources(struct extract *x, struct stage *s, char *const *uri,
    size_t n, struct err *e);
int run_each(struct extract *x, struct stage *s, struct err *e);
/* Called by run_each(), which first checks the options of --each. */
int run_batch(struct extract *x, struct stage *s, struct err *e);
int run_replay(struct extract *x, struct stage *s, struct err *e);

#endif
