/* Splits JSON text into its records while it is being read.
 * Owns:  a window of the text, at most max_record + 512 KiB.
 * Gives: splitter_next() returns SPLIT_RECORD as soon as the last byte of a
 *        record was read; the line is valid until the next call. SPLIT_MORE:
 *        call splitter_read() first.
 * Fails: SPLIT_BROKEN if the text outside of the records is not valid JSON, or
 *        ends too early. */
#ifndef EXTRACT_SPLITTER_H
#define EXTRACT_SPLITTER_H

#include "document/walk.h"
#include "stream/lines.h"

enum split_next { SPLIT_FAILED = -1, SPLIT_END, SPLIT_RECORD, SPLIT_MORE,
	SPLIT_BROKEN };

struct splitter;

/* The configuration is borrowed. */
int splitter_open(struct splitter **s, const struct walk_conf *c,
    size_t max_record, struct err *e);
void splitter_close(struct splitter *s);
/* Prepares for another text, which is read from its first byte. */
void splitter_restart(struct splitter *s);
/* For a record longer than max_record, sets record->too_long as lines.h says.
 * record->number counts the records from 1. */
enum split_next splitter_next(
    struct splitter *s, struct line *record, struct err *e);
/* Reads more of the text with one call of r.read(). */
int splitter_read(struct splitter *s, struct lines_reader r, struct err *e);
/* True if the last record was not inside an array or object. */
bool splitter_was_top(const struct splitter *s);

/* What is wrong, after SPLIT_BROKEN. */
const struct walk_fault *splitter_fault(const struct splitter *s);
/* After WALK_TWO_ARRAYS: the names of the two array members, in quotes. */
const struct buf *splitter_first_array(const struct splitter *s);
const struct buf *splitter_second_array(const struct splitter *s);
/* After SPLIT_END, if the text is the answer of a server: the text without its
 * records, see walk.h. */
const struct buf *splitter_outline(const struct splitter *s);
/* The offset in the outline at which the records were removed: between the
 * brackets of the empty array that remains. 0: the answer had null in place of
 * this array. */
size_t splitter_records_at(const struct splitter *s);

#endif
