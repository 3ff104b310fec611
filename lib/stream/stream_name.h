/* The names of streams and stages: the default name of a stream, and the checks
 * of the names that --stream and --stage give.
 * Gives: a default name that is the same in every run, because it is a part of
 *        the id of a dead letter (a stored reject).
 * Fails: ERR_USAGE for a name that cannot be used. */
#ifndef STREAM_STREAM_NAME_H
#define STREAM_STREAM_NAME_H

#include "base/buf.h"

/* Appends the default name of a stream. For a URL this is the last part of its
 * path ("posts" for https://h/api/posts?x=1), or the host if there is no path.
 * For a file it is the name without the folder. If SOURCE is NULL or "-", it is
 * the name of the file that standard input reads, or "stdin" if that is a
 * pipe. */
void stream_name_put(struct buf *b, const char *source);

int stream_name_check(const char *name, struct err *e);
/* Checks `name`, the value of --stage. `program` is the stage name that this
 * program has without --stage, such as "transform". Refuses the name of another
 * etl program: the rejects of both would have the same stage name. */
int stream_check_stage(const char *name, const char *program, struct err *e);

#endif
