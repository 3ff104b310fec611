/* Where records come from. One file per kind, one const struct per file, all
 * listed in source.c.
 * Owns:    open() fills *self; close() frees it, NULL allowed.
 * Borrows: x and uri until close().
 * Gives:   next(): one JSON text as it stands, which holds until the next
 *          call. SOURCE_PAUSE before it waits: flush what there is.
 * Fails:   never prints, never exits; says transient where it knows. */
#ifndef EXTRACT_SOURCE_H
#define EXTRACT_SOURCE_H

#include "extract.h"
#include "item.h"

enum source_next { SOURCE_FAILED = -1, SOURCE_END, SOURCE_ITEM, SOURCE_PAUSE };

struct source {
	const char *const *schemes;     /* of its URLs; NULL: none */
	const char *const *formats;     /* of its files; NULL: none */
	int (*open)(void **self, struct extract *x, const char *uri,
	    struct err *e);
	enum source_next (*next)(void *self, struct item *it, struct err *e);
	void (*close)(void *self);
};

extern const struct source source_http;
extern const struct source source_ndjson;

/* By scheme; a file by --format, else by its suffix; "-" is ndjson. */
int source_find(const struct source **s, const struct extract_opts *o,
    const char *uri, struct err *e);

#endif
