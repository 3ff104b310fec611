/* Reads a CSV text that is wholly in memory, byte by byte, as etl-extract(1)
 * describes it: a second reader to compare the reader of etl-extract with.
 * Borrows: the text and the dialect.
 * Gives: csv_oracle_next() sets the place of the next record, or returns false.
 *        csv_oracle_field() decodes the field at *at, which begins as o->begin,
 *        into `out`, and goes on to the next one. */
#ifndef FUZZ_CSV_ORACLE_H
#define FUZZ_CSV_ORACLE_H

#include "csv/csv_reader.h"

#include <stddef.h>

struct csv_oracle {
	const struct csv_dialect *d;
	const char *p;
	size_t n, at;           /* at: where the next record may begin */
	uint64_t skip, lines;   /* lines: so many are before `at` */
	/* Of the record: */
	size_t begin, end;      /* without its line end */
	uint64_t line;
	size_t fields;
	size_t bad_quote;       /* a quote that closes wrongly, or SIZE_MAX */
};

void csv_oracle_start(struct csv_oracle *o, const struct csv_dialect *d,
    const char *p, size_t n);
bool csv_oracle_next(struct csv_oracle *o);
/* Returns the length of the text. *quoted: the field stands in quotes. */
size_t csv_oracle_field(
    const struct csv_oracle *o, size_t *at, char *out, bool *quoted);
bool csv_oracle_is_utf8(const char *p, size_t n);

#endif
