/* Runs a filter with libjq. filter_compile() takes 20 ms and more, because
 * libjq also compiles its own functions. Without it, the first filter_run()
 * compiles. Only filter_prepare() opens files and tests whether stderr is a
 * terminal, so all others also work in the sandbox.
 * Owns:    filter_prepare() fills *f; filter_free() frees it and accepts NULL.
 * Borrows: conf until filter_free().
 * Fails:   -1 with *e. filter_run() rejects the record if libjq refuses the
 *          filter, and exits with ENGINE_NOMEM if memory is out. */
#ifndef TRANSFORM_FILTER_H
#define TRANSFORM_FILTER_H

#include "engine/engine.h"

struct filter;

int filter_prepare(
    struct filter **f, const struct engine_conf *c, struct err *e);
int filter_compile(struct filter *f, struct err *e);
void filter_run(struct filter *f, const struct json *j, struct outcome *o);
void filter_free(struct filter *f);

#endif
