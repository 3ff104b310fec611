/* Guesses from the start of an input that is not NDJSON what it is, for
 * messages. */
#ifndef STREAM_INPUT_FORMAT_H
#define STREAM_INPUT_FORMAT_H

#include "base/buf.h"

#include <stdint.h>

/* CODE, LINE, P: the reject code, line number and first bytes of a rejected
 * record. If it is the first line and no JSON object, and looks like a known
 * format, appends "; " with the name of the format and how to convert it. */
void input_format_append_advice(struct buf *b, const char *code, uint64_t line,
    const char *p, size_t n);

#endif
