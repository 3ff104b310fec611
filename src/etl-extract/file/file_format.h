/* The format and the compression of a file. They follow from --format and from
 * the suffixes of the name: a.csv.gz is CSV, compressed with gzip. The name of
 * a URL is its path. */
#ifndef EXTRACT_FILE_FORMAT_H
#define EXTRACT_FILE_FORMAT_H

#include "extract.h"
#include "file/input.h"

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

#endif
