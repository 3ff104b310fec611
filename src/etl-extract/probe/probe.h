/* --probe: requests a URL once and prints the command that reads all of it:
 * where the records are, how to page, and what else the answer shows. The lines
 * before the command begin with # and say how certain each part is.
 * Borrows: x, whose HTTP client it opens.
 * Fails: as fetch.h; ERR_USAGE for options that cannot be used with --probe. */
#ifndef EXTRACT_PROBE_H
#define EXTRACT_PROBE_H

#include "common/extract.h"

int probe_run(struct extract *x, char *const *uri, size_t n, struct err *e);

#endif
