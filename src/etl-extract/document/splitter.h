/* Splits JSON text into its records while it is being read.
 * Owns:  a window of the text, which grows up to the longest record that is
 *        accepted and 512 KiB.
 * Gives: splitter_next() returns SPLIT_RECORD as soon as the last byte of a
 *        record has come; the line is valid until the next call. SPLIT_MORE:
 *        call splitter_read() first.
 * Fails: SPLIT_BROKEN if the text is wrong outside of the records or is cut. */
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
/* Starts anew, with the first byte of another text. */
void splitter_restart(struct splitter *s);
/* A record that is longer than max_record is too_long, as in lines.h. number is
 * the number of the record, from 1. */
enum split_next splitter_next(
    struct splitter *s, struct line *record, struct err *e);
/* Reads more of the text: one call of r.read(). */
int splitter_read(struct splitter *s, struct lines_reader r, struct err *e);
/* True if the last record was a top-level value. */
bool splitter_record_was_top_value(const struct splitter *s);

/* What is wrong, after SPLIT_BROKEN. */
const struct walk_fault *splitter_fault(const struct splitter *s);
/* After WALK_TWO_ARRAYS: the names of the two members, with their quotes. */
const struct buf *splitter_first_array(const struct splitter *s);
const struct buf *splitter_second_array(const struct splitter *s);
/* After SPLIT_END, of an answer: see walk.h. */
const struct buf *splitter_outline(const struct splitter *s);
/* Where the records were: between the brackets of an array in the outline; 0 if
 * there was null in place of an array. */
size_t splitter_outline_records(const struct splitter *s);

#endif
