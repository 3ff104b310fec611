/* Gives advice for messages about rejected records: which format an input has
 * that is not NDJSON, and how to run a filter that has changed marks (lines
 * that describe the stream and are not records) into records. */
#ifndef STREAM_INPUT_FORMAT_H
#define STREAM_INPUT_FORMAT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* CODE, LINE and P are the reject code, the line number and the first bytes of
 * a rejected record. If it is the first line, not a JSON object, and looks like
 * a known format, appends "; " with the name of the format and advice on how to
 * convert it. */
void input_advise_format(struct buf *b, const char *code, uint64_t line,
    const char *p, size_t n);

/* Returns true for an object with a null whose other values are null or uuids.
 * A filter such as {id, title} makes such an object from a mark. */
bool input_may_be_mark(const char *p, size_t n);
/* Appends "; " with advice on how to run a filter that has changed a mark. */
void input_advise_filter(struct buf *b, uint64_t line);

#endif
