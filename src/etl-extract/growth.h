/* The limit on how much longer compressed data may become (--max-ratio): a
 * small file or answer could otherwise keep a run busy for ever, and fill the
 * disk. */
#ifndef EXTRACT_GROWTH_H
#define EXTRACT_GROWTH_H

#include "base/errval.h"

#include <stdint.h>

/* True if `raw` bytes have become more than `most` times as long. The first 64
 * MiB are always allowed. */
bool growth_is_too_large(uint64_t raw, uint64_t decoded, uint64_t most);
/* what: such as "the compressed data". */
int growth_set_error(struct err *e, enum err_code code, const char *what,
    uint64_t most);

#endif
