/* The options that say how the fields of a CSV file are separated and quoted.
 * Borrows: the texts of the options.
 * Fails: ERR_USAGE. */
#ifndef EXTRACT_CSV_DIALECT_H
#define EXTRACT_CSV_DIALECT_H

#include "base/errval.h"
#include "extract.h"

struct csv_dialect {
	char delimiter;
	char quote;             /* NUL: no field is quoted */
	const char *null;       /* a field without quotes that means null, or
				 * NULL */
	size_t null_len;
	const char *comment;    /* lines that start with this text are skipped;
				 * or NULL */
	size_t comment_len;
	uint64_t skip;          /* number of lines before the header */
};

int csv_dialect_parse(struct csv_dialect *d, const struct extract_opts *o,
    bool is_tsv, struct err *e);

#endif
