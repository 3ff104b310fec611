/* The two ways etl-extract works: sources into a stream, or a request for
 * each record of one.
 * Borrows: x and the stage; both belong to main. */
#ifndef EXTRACT_RUN_H
#define EXTRACT_RUN_H

#include "extract.h"
#include "stream/stage.h"

int run_sources(struct extract *x, struct stage *s, char *const *uri,
    size_t n, struct err *e);
int run_each(struct extract *x, struct stage *s, struct err *e);

#endif
