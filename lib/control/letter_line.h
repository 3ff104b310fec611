/* Parses a reject line (etl-record(5)) into the values that are stored.
 * Owns:  the unescaped texts; the next line overwrites them.
 * Borrows: the line until letter_line_parse() returns.
 * Gives: v[] in the order of the enum; DB_NULL if the line has no such member.
 *        In texts a NUL becomes "?", because PostgreSQL cannot store NUL. A
 *        time in the future becomes the present time.
 * Fails: ERR_DATA for a line that is not a reject line. */
#ifndef CONTROL_LETTER_LINE_H
#define CONTROL_LETTER_LINE_H

#include "base/buf.h"
#include "base/hash.h"
#include "db/db.h"
#include "json/scan.h"

enum letter_field {
	LETTER_ID, LETTER_OCCURRENCE, LETTER_PIPELINE, LETTER_RUN,
	LETTER_STAGE, LETTER_CODE, LETTER_MESSAGE, LETTER_POINTER,
	LETTER_ORIGIN, LETTER_SQLSTATE, LETTER_HTTP, LETTER_RETRYABLE,
	LETTER_AT, LETTER_RAW, LETTER_RAW_DATA, LETTER_BYTES, LETTER_SHA256,
	LETTER_STREAM, LETTER_TARGET,
	LETTER_COLUMNS,         /* the fields before this one are columns of
	                         * dead_letters, or stored with an occurrence */
	LETTER_OWN_ID = LETTER_COLUMNS, /* DB_NULL if the id of the line is the
	                                 * id that is computed from its other
	                                 * members (etl-record(5)). Else the
	                                 * computed id: if another record's
	                                 * letter has the line's id, the line is
	                                 * stored under the computed id */
	LETTER_N
};

struct letter_line {
	struct db_value v[LETTER_N];
	struct json json, inner;
	struct buf text, scratch;
	char own_id[HASH_HEX];
};

void letter_line_init(struct letter_line *l);
int letter_line_parse(struct letter_line *l, const char *line, size_t len,
    struct err *e);
void letter_line_release(struct letter_line *l);

#endif
