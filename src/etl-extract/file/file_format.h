/* The format and the compression of a file. They follow from --format and from
 * the suffixes of the name: a.csv.gz is CSV, compressed with gzip. The name of
 * a URL is its path. */
#ifndef EXTRACT_FILE_FORMAT_H
#define EXTRACT_FILE_FORMAT_H

#include "base/buf.h"
#include "common/extract.h"
#include "file/input.h"

#include <stdbool.h>
#include <stddef.h>

struct file_format {
	const char *name;       /* not terminated; such as csv or jsonl */
	size_t len;             /* 0: there is neither --format nor a suffix */
	enum compression compression;
};

/* *f borrows the path and the options. Without --format, standard input has the
 * format ndjson. */
void file_format_of(struct file_format *f, const struct extract_opts *o,
    const char *path);
/* True for the format tsv, in upper or lower case. */
bool file_is_tsv(const struct file_format *f);

/* The option --source-file FIELD: each record gets the member FIELD with the
 * name of its file. path_member_check() also checks the FIELD of
 * --select-as. */

/* Checks a member name that was given to `option`. `field` may be NULL. Fails
 * with ERR_USAGE. */
int path_member_check(const char *option, const char *field, struct err *e);
/* Appends the end of a record: ,"FIELD":"PATH"} or only } if field is NULL.
 * Bytes of the path that are not UTF-8 are written as escapes. */
void path_member_put(struct buf *b, const char *field, const char *path);
/* Adds the member at the end of a record. */
void path_member_add(struct buf *record, const char *field, const char *path);

/* Distinguishes a SOURCE that is a URL from the name of a file. */

/* Returns the length of the scheme: 4 for http://..., 6 for sqlite:PATH, which
 * needs no "//". Returns 0 if there is no scheme. */
size_t scheme_length(const char *uri);
/* True if uri is a URL, such as http://..., or is sqlite:PATH. */
bool scheme_is_present(const char *uri);

#endif
