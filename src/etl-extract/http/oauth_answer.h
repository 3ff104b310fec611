/* Reads the answer of a token server (RFC 6749, 5.1).
 * Gives: 0, the token, and its lifetime in milliseconds, or -1 as the lifetime
 *        if the answer does not contain it.
 * Fails: ERR_PEER if there is no token, if it is longer than the buffer, if it
 *        has characters that a header cannot have, or if it is not of the type
 *        Bearer. The message shows nothing of the answer. */
#ifndef EXTRACT_OAUTH_ANSWER_H
#define EXTRACT_OAUTH_ANSWER_H

#include "base/buf.h"

#include <stdint.h>

int oauth_answer_read(const char *text, size_t n, struct buf *token,
    int64_t *life_ms, struct err *e);

#endif
