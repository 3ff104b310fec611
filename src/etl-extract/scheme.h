/* Distinguishes a SOURCE that is a URL from the name of a file. */
#ifndef EXTRACT_SCHEME_H
#define EXTRACT_SCHEME_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the length of the scheme: 4 for http://..., 6 for sqlite:PATH, which
 * needs no "//". Returns 0 if there is no scheme. */
size_t scheme_length(const char *uri);
/* True if uri is a URL, such as http://..., or is sqlite:PATH. */
bool scheme_is_present(const char *uri);

#endif
