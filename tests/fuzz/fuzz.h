/* For fuzz targets: the function that each one defines, and MUST(), which ends
 * the process if a condition is false.  A target is tests/fuzz/NAME.c; its
 * saved inputs are in corpus-NAME.  run.sh builds it with libFuzzer, replay.t
 * with replay.c. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(x) ((x) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #x))

static inline _Noreturn void
fuzz_failed(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
