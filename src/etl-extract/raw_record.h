/* A raw mark of a replay: the bytes of one record that etl-extract has rejected
 * before, and the origin of the record.
 * Owns:  the buffers; each call of raw_record_parse() overwrites them.
 * Fails: ERR_PEER if the mark has no bytes, or is not as etl-dlq writes it. */
#ifndef EXTRACT_RAW_RECORD_H
#define EXTRACT_RAW_RECORD_H

#include "base/buf.h"
#include "json/scan.h"

struct raw_record {
	struct json j;
	struct buf bytes;
	struct buf columns;     /* the names of the CSV columns as a CSV record;
				 * empty: none */
	struct buf columns_json;        /* the same as a JSON array */
	struct buf origin;      /* the members of the reject's origin, as JSON
				 * text without braces */
	struct buf uri;         /* the file or URL; empty: not known */
};

void raw_record_init(struct raw_record *r);
void raw_record_release(struct raw_record *r);
int raw_record_parse(
    struct raw_record *r, const char *line, size_t len, struct err *e);

#endif
