/* Finds and masks the copies of the secret in texts that are shown, sent to
 * another origin or recorded. */
#ifndef EXTRACT_MASK_H
#define EXTRACT_MASK_H

#include "http/auth.h"

/* These functions find each copy of the secret, also an escaped one
 * (mask.c). With --auth basic they also find the password alone, and
 * USER:PASSWORD in base64. With --auth oauth2 they also find the token, and
 * ID:SECRET in base64. A cut text is the start of a longer text. If a cut text
 * ends with the start of the secret, this start counts as a copy. Half of a
 * secret counts too, except for credentials_mask(), whose text is used again as
 * data. */
bool credentials_in_url(const struct credentials *c, const char *p, size_t n);
bool credentials_in_cut(const struct credentials *c, const char *p, size_t n);
/* Replaces each copy of the secret by ***. Fails if memory is out, or if an
 * earlier append to the buffer has failed. */
int credentials_mask(const struct credentials *c, struct buf *b, struct err *e);
/* Like credentials_mask(), for messages. They do not fail: if memory is out,
 * they replace the whole text by ***. */
void credentials_mask_msg(const struct credentials *c, struct buf *b);
void credentials_mask_cut(const struct credentials *c, struct buf *b);

#endif
