/* Decodes a gzip stream (RFC 1952) piece by piece. The stream may have several
 * members; their contents are joined. NUL bytes after a member are skipped: a
 * tape or another block device fills its last block with them.
 * Gives: gunzip_decode() returns the first fault, and then the same fault in
 *        each later call. The call that finds the fault may also decode some
 *        bytes. After GUNZIP_DAMAGED, gunzip_why_damaged() is zlib's
 *        message. */
#ifndef EXTRACT_GUNZIP_H
#define EXTRACT_GUNZIP_H

#include "base/errval.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gunzip_result {
	GUNZIP_OK,
	GUNZIP_NO_MEMORY,
	GUNZIP_DAMAGED,
	GUNZIP_NO_MEMBER        /* other data than gzip follows a member */
};

struct gunzip;

struct gunzip *gunzip_new(void);        /* NULL if memory is out */
/* Decodes the n bytes at p into the `room` bytes at out. Sets *used to the
 * number of bytes read from p, and *made to the number of bytes written to
 * out. */
enum gunzip_result gunzip_decode(struct gunzip *z, const char *p, size_t n,
    size_t *used, char *out, size_t room, size_t *made);
const char *gunzip_why_damaged(const struct gunzip *z);
/* True if the input ended at the end of a member, so that nothing is
 * missing. */
bool gunzip_is_complete(const struct gunzip *z);
/* True if gunzip_decode() will return more bytes, or a fault, without further
 * input. */
bool gunzip_has_more(const struct gunzip *z);
void gunzip_free(struct gunzip *z);

/* The limit on how much longer compressed data may become (--max-ratio): a
 * small file or answer could otherwise keep a run busy for ever, and fill the
 * disk. */

/* True if `raw` bytes have become more than `most` times as long. The first 64
 * MiB are always allowed. */
bool growth_is_too_large(uint64_t raw, uint64_t decoded, uint64_t most);
/* what: such as "the compressed data". */
int growth_set_error(struct err *e, enum err_code code, const char *what,
    uint64_t most);

#endif
