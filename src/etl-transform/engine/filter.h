/* libjq. filter_compile() takes 20 ms and more, as libjq also compiles its own
 * functions; it may be left to the first filter_run(). Only filter_prepare()
 * opens files and looks at the terminal: the rest works in the sandbox, too.
 * Owns:    filter_prepare() fills *f; filter_free() frees it, NULL allowed.
 * Borrows: conf until filter_free().
 * Fails:   as values. If filter_run() compiles and libjq refuses the filter, it
 *          rejects the record. See engine.h for what happens without memory. */
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
