/* A record against the table: which columns it names and where its values
 * are. Owns: what it keeps from record to record; reader_close() frees it.
 * Borrows: stage, target; a record's values hold until the next reader_next().
 * Gives: 1 a record, in json, value and shape; 0 a reject, in *why, whose
 *        texts hold as long; -1 failed. */
#ifndef LOAD_RECORD_H
#define LOAD_RECORD_H

#include "stream/stage.h"
#include "table/target.h"

struct shape {                          /* columns that a record names */
	size_t *columns, n;             /* in table order */
	size_t id;                      /* 0, 1, ... */
};

struct reader {
	struct stage *stage;
	const struct target *target;
	enum json_members duplicates;
	struct json json, inner;
	uint32_t *value;                /* by column: its token, 0 none */
	const struct shape *shape;
	struct shape **shapes;
	size_t nshapes;
	size_t *lens;                   /* of the columns' names */
	size_t *guess, nguess;          /* columns as the last one had them */
	struct buf text, pointer;
	char message[512];
};

enum { SHAPES_MAX = 512 };              /* then reader_renew() */

int reader_open(struct reader *r, struct stage *s, const struct target *t,
    enum json_members duplicates, struct err *e);
void reader_close(struct reader *r);
int reader_next(struct reader *r, const struct line *l, struct reject *why,
    struct err *e);
/* Many shapes came: forget them all. Whoever keeps something by shape id has
 * to ask before each chunk, and forget too when this is true. */
bool reader_renew(struct reader *r);
/* Fills *why: the value of this column is at fault. Returns 0. */
int reader_blame(struct reader *r, struct reject *why, size_t column,
    const char *code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Appends the key's values as JSON if the record has them all. */
int reader_key(struct reader *r, const struct line *l, struct buf *out,
    struct err *e);             /* 1, 0 it has none, -1 failed */

#endif
