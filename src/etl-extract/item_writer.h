/* Checks the elements that a source has read. Writes each one to the stream, as
 * a record or as a reject with the cause.
 * Owns:  the buffers.
 * Borrows: x and the stage. */
#ifndef EXTRACT_ITEM_WRITER_H
#define EXTRACT_ITEM_WRITER_H

#include "base/buf.h"
#include "common/ahead.h"
#include "common/extract.h"
#include "common/item.h"
#include "raw_record.h"
#include "stream/stage.h"

/* What the bytes of one raw mark became: records or one reject. */
struct collected {
	struct buf lines;       /* the records, each with its line end */
	uint64_t n;             /* number of records in `lines` */
	bool is_rejected;       /* a reject was written instead */
	const struct raw_record *from;
};

struct item_writer {
	const struct extract *x;
	struct stage *stage;
	struct ahead_output *ahead;     /* in a child of --jobs: it gets the
					 * records, and not the stage */
	struct collected *collected;    /* in a replay: the same; else NULL */
	bool cut;               /* with --new-files and --source-file: the file
				 * ends in the middle of a record */
	struct json j;
	struct buf record;      /* one record in its compact form */
	struct buf original;    /* a rejected line in the encoding of its
				 * file */
};

void item_writer_init(struct item_writer *w, const struct extract *x,
    struct stage *stage);
void item_writer_release(struct item_writer *w);
/* Checks one line of a file or one element of an HTTP answer: it must be a JSON
 * object and, with --checkpoint, have a valid value in the member of
 * --cursor-field. Writes it to standard output as a record. If a check fails,
 * writes a reject with the same bytes and the cause. An element that the source
 * has already checked is written without a check. */
int item_write(struct item_writer *w, const struct item *it, struct err *e);
/* In a replay: rejects the letter again, with the bytes and the origin that it
 * already has. Later calls for the same letter do nothing. */
int item_reject_again(struct item_writer *w, struct reject *r, struct err *e);

#endif
