/* For tests of lib/json: each text is copied to the end of an allocation, so
 * that sanitizers report a read past its end. */
#ifndef JSON_HELP_H
#define JSON_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* needs these four */
#include <cmocka.h>

#include "json/scan.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(s) (s), sizeof(s) - 1

struct scanned {
	struct json j;
	struct json_fault f;
	char *copy;
	int rc;
};

static inline void
scan(struct scanned *s, const char *text, size_t n, unsigned int levels,
    enum json_members dup)
{
	char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	*s = (struct scanned){ 0 };
	s->rc = json_scan(&s->j, copy, n, levels, dup, &s->f);
	s->copy = copy;
	if (s->rc == -1) {
		assert_false(s->f.nomem);
		assert_true(s->f.at <= n);
		assert_int_equal(s->j.n, 0);
	}
}

static inline void
scanned_free(struct scanned *s)
{
	json_release(&s->j);
	free(s->copy);
}

/* Returns text repeated n times, which the caller frees. */
static inline char *
repeat(const char *text, size_t n)
{
	size_t len = strlen(text);
	char *p = malloc(len * n + 1);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		memcpy(p + i * len, text, len);
	return p;
}

#endif
