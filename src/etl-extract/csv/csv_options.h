/* The options for CSV files, parsed.
 * Owns:  the types.
 * Fails: ERR_USAGE. */
#ifndef EXTRACT_CSV_OPTIONS_H
#define EXTRACT_CSV_OPTIONS_H

#include "csv/csv_columns.h"
#include "csv/csv_reader.h"

struct csv_options {
	struct csv_dialect dialect;
	struct csv_types_option types;
};

int csv_options_parse(struct csv_options *c, const struct extract_opts *o,
    bool is_tsv, struct err *e);
void csv_options_release(struct csv_options *c);
int csv_options_check(const struct extract_opts *o, struct err *e);

#endif
