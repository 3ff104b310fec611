/* Decodes one escape: %2B (URL), \/ or \u002b (JSON), &plus; &#43; or &#x2b;
 * (HTML). Knows all names of HTML for visible ASCII characters.
 * Gives: the length of the escape at p, and the *n bytes of its character, as
 *        UTF-8; 0 if no complete escape is at p.
 * Fails: never. */
#ifndef EXTRACT_UNESCAPE_H
#define EXTRACT_UNESCAPE_H

#include <stdbool.h>
#include <stddef.h>

size_t unescape(const char *p, const char *end, char out[4], size_t *n);
/* True if p may be the start of an escape whose rest was cut off at `end`. */
bool is_cut_escape(const char *p, const char *end);

#endif
