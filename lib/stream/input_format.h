/* Guesses for messages what an input is that is not NDJSON, and whether a
 * record was a mark (a line that describes the stream and is no record) before
 * a filter that is no etl program has changed it. */
#ifndef STREAM_INPUT_FORMAT_H
#define STREAM_INPUT_FORMAT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* CODE, LINE, P: the reject code, line number and first bytes of a rejected
 * record. If it is the first line and no JSON object, and looks like a known
 * format, appends "; " with the name of the format and how to convert it. */
void input_format_append_advice(struct buf *b, const char *code, uint64_t line,
    const char *p, size_t n);

/* True for an object that has members with null, and no others except uuids:
 * {id, title} makes such an object from a mark. */
bool record_may_have_been_mark(const char *p, size_t n);
/* Appends "; " and how to run the filter instead. */
void mark_append_advice(struct buf *b, uint64_t line);

#endif
