/* The STATE of a Singer tap as the value of a checkpoint: the stored value, and
 * the marks for new values. A STATE covers only the records before it. So its
 * mark is written before any further record, or not at all.
 * Owns:  the values. Borrows: the options.
 * Fails: ERR_CONFIG if the stored value is not a JSON object; ERR_DATA if a
 *        value is too long for a mark. */
#ifndef EXTRACT_SINGER_TAP_STATE_H
#define EXTRACT_SINGER_TAP_STATE_H

#include "base/buf.h"
#include "extract.h"
#include "stream/stage.h"

struct tap_state {
	const struct extract_opts *o;
	char *stored;           /* the value that is stored, or NULL */
	int64_t version;        /* of the stored checkpoint */
	struct buf marked;      /* the value of the last mark, at first the
				 * stored one; empty: none */
	struct buf held;        /* a value that is in no mark yet */
	bool is_held;
	bool has_open_records;  /* records came after the last STATE */
	uint64_t since_mark;    /* records since the last mark */
	int64_t marked_at;      /* clock_ms() of the last mark */
};

/* Reads the stored checkpoint. Without --checkpoint it does nothing, and no
 * value is ever held. */
int tap_state_init(struct tap_state *t, const struct extract_opts *o,
    struct err *e);
void tap_state_release(struct tap_state *t);

/* A STATE came. */
int tap_state_hold(struct tap_state *t, const char *value, size_t n,
    struct err *e);
/* Call this for each record or reject. A STATE that is still held is dropped,
 * because it does not cover this record. */
void tap_state_note_record(struct tap_state *t);
/* How many ms the held value may wait for its mark. 0: a mark is due; -1: no
 * value is held. */
int tap_state_wait_ms(const struct tap_state *t);
/* Writes a mark with the held value, if there is one. */
int tap_state_write_mark(
    struct tap_state *t, struct stage *s, struct err *e);

#endif
