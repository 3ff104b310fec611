/* The native engine: runs the part of jq that is in resolve.c and functions.c,
 * many times faster than libjq.
 * Owns:  the program and its memory; native_free() accepts NULL.
 * Gives: native_compile() returns 1, or 0 with *lacks if it cannot run the
 *        filter. native_run() returns false if libjq must run the record, from
 *        its beginning: the outcome is then empty.
 * Fails: -1 if memory is out. */
#ifndef TRANSFORM_NATIVE_H
#define TRANSFORM_NATIVE_H

#include "engine/engine.h"
#include "native/value.h"

struct native;

/* Returns true if native_compile() may be called before libjq has compiled the
 * filter. */
bool native_may_go_first(const struct engine_conf *c);
/* A return value of 1 means that libjq accepts the filter, too. Exception: if
 * lacks->doubtful is set, libjq may still refuse it. */
int native_compile(struct native **n, const struct engine_conf *c,
    struct lacks *lacks, struct err *e);
bool native_run(struct native *n, const struct json *j, struct outcome *o);
void native_free(struct native *n);

#endif
