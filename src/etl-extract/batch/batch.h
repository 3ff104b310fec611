/* The records of --batch-each that wait for their request.
 * Owns:  copies of their lines and of their ids, until batch_clear().
 * Gives: the records in the order of the input. A record without a valid id is
 *        in the batch too: it will be rejected, and its reject must keep its
 *        place in this order. */
#ifndef EXTRACT_BATCH_H
#define EXTRACT_BATCH_H

#include "base/buf.h"
#include "each_output.h"
#include "stream/lines.h"

struct batch_record {
	struct line line;       /* without data: see batch_line() */
	size_t at;              /* where its bytes are in `lines` */
	struct each_open_record open;
	size_t id_at, id_len;   /* in `ids`; id_len 0: it has no id */
	bool id_is_string;      /* in the record the id is a JSON string; `ids`
				 * has its decoded text */
	size_t group;           /* index in join.group (join.h) */
};

struct batch {
	struct buf lines, ids;
	struct batch_record *v;
	size_t n, cap;
	size_t id_bytes;        /* length of the encoded ids, with a comma after
				 * each */
	int64_t since;          /* clock_ms() when the first record was added */
};

void batch_init(struct batch *b);
void batch_release(struct batch *b);
void batch_clear(struct batch *b);
/* Adds a copy of the line as a record without an id. *added is valid until the
 * next call. */
int batch_add(struct batch *b, const struct line *l,
    struct batch_record **added, struct err *e);
/* Sets the id of the record that was added last. The id needs id_bytes bytes in
 * the request. */
int batch_set_id(struct batch *b, const struct buf *id, bool is_string,
    size_t id_bytes, struct err *e);
/* True if the records of the batch use so much memory that no more may be
 * added. */
bool batch_is_large(const struct batch *b);
/* Returns the line of a record. It is valid until the next batch_add() or
 * batch_clear(). */
struct line batch_line(const struct batch *b, const struct batch_record *r);

#endif
