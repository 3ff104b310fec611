/* The format and the compression of a file, by --format and the suffixes of its
 * name: a.csv.gz is CSV in gzip. */
#ifndef EXTRACT_FILE_FORMAT_H
#define EXTRACT_FILE_FORMAT_H

#include "extract.h"
#include "file/input.h"

struct file_format {
	const char *name;       /* not terminated; such as csv or jsonl */
	size_t len;             /* 0: neither --format nor a suffix */
	enum compression compression;
};

/* F borrows the path and the options. Standard input has the format of
 * --format, or else ndjson. */
void file_format_of(struct file_format *f, const struct extract_opts *o,
    const char *path);
/* True for tsv, in any case of letters. */
bool file_format_is_tsv(const struct file_format *f);

#endif
