/* --emit changes|rows: after each COMMIT, writes the rows that the batch has
 * changed to standard output, as a stream of its own.
 * Flow:  emit_collect() reads the changes inside the transaction. emit_keep()
 *        is called before the COMMIT is sent, and emit_write_committed() once
 *        it is known to be done. A try between the two collects its own lines
 *        and keeps those of the COMMIT.
 * Each function does nothing if --emit is not given. */
#ifndef LOAD_EMIT_H
#define LOAD_EMIT_H

#include "loader.h"

int emit_check(const struct load_opts *o, struct err *e);
int emit_open(struct loader *l, const struct stdfd *fds, struct err *e);
int emit_collect(struct loader *l, struct err *e);
void emit_keep(struct loader *l);
int emit_write_committed(struct loader *l, struct err *e);
/* At the end of the input: writes the mark `end`, or, if the load has failed,
 * the mark `failed` with *e. */
int emit_finish(struct loader *l, struct err *e);
void emit_write_failed(struct loader *l, const struct err *e);
void emit_close(struct loader *l);

#endif
