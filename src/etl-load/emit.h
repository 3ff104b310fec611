/* --emit changes|rows: after each COMMIT, writes the rows that the batch has
 * changed to standard output, as a stream of its own.
 * Owns:  struct emit in l->emit; emit_close() frees it.
 * Each function does nothing if --emit is not given. */
#ifndef LOAD_EMIT_H
#define LOAD_EMIT_H

#include "base/stdfd.h"

struct load_opts;
struct loader;

int emit_check(const struct load_opts *o, struct err *e);
int emit_open(struct loader *l, const struct stdfd *fds, struct err *e);
/* At the end of the input: writes the mark `end`, or, if the load has failed,
 * the mark `failed` with *e. */
int emit_finish(struct loader *l, struct err *e);
void emit_write_failed(struct loader *l, const struct err *e);
void emit_close(struct loader *l);

#endif
