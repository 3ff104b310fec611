/* The interface of a kind of source. Each kind is one file with one const
 * struct; source.c lists them.
 * Owns:    open() fills *self; close() frees it and accepts NULL.
 * Borrows: x and uri, until close().
 * Gives:   next() fills *it, which is valid until the next call. If next()
 *          returns SOURCE_PAUSE, its following call may wait for input, so the
 *          caller should flush the output first.
 * Fails:   transient if another run may succeed. */
#ifndef EXTRACT_SOURCE_H
#define EXTRACT_SOURCE_H

#include "common/extract.h"
#include "common/item.h"
#include "common/options.h"
#include "stream/stage.h"

enum source_next { SOURCE_FAILED = -1, SOURCE_END, SOURCE_ITEM, SOURCE_PAUSE,
	SOURCE_MARK             /* all items so far must be written; then call
				 * write_mark() */
};

struct source {
	unsigned kind;                  /* its bit: KIND_CSV, ... */
	const char *const *schemes;     /* of URLs; NULL: it reads no URLs */
	const char *const *formats;     /* of files, which it reads by their
					 * names; NULL: it reads no files */
	int (*open)(void **self, struct extract *x, const char *uri,
	    struct err *e);
	enum source_next (*next)(void *self, struct item *it, struct err *e);
	void (*close)(void *self);
	/* Writes the mark for which next() has returned SOURCE_MARK. NULL:
	 * next() never does so. */
	int (*write_mark)(void *self, struct stage *s, struct err *e);
};

extern const struct source source_http;
extern const struct source source_ndjson;
extern const struct source source_csv;
extern const struct source source_sql;
extern const struct source source_json;
extern const struct source source_singer;
extern const struct source source_tap;  /* for --singer; not in source.c */

/* True if a file of this name can be a source when a directory is read:
 * --format is given, or its suffix is known. */
bool source_accepts_file(const struct extract_opts *o, const char *path);
/* True if uri is a URL of HTTP that is read as a file: --format is given, or
 * the suffix of its path is that of a file (but .json only if it is compressed:
 * services for pages use it too). */
bool source_is_file_url(const struct extract_opts *o, const char *uri);
/* Finds the kind of source for uri: a URL by its scheme, a file by --format or
 * else by its suffix. "-" is NDJSON. */
int source_choose(const struct source **s, const struct extract_opts *o,
    const char *uri, struct err *e);

#endif
