/* Writes the result for a record of --each: the record with the members of --as
 * and --count-as added at its end, or a reject.
 * Fails: the functions that reject fail as stage_reject() does. */
#ifndef EXTRACT_EACH_OUTPUT_H
#define EXTRACT_EACH_OUTPUT_H

#include "extract.h"
#include "json/scan.h"
#include "replay/raw_record.h"
#include "stream/stage.h"

/* A record without its closing brace, so that members can be added at its end:
 * `len` bytes of its line, from the offset `at`. */
struct each_open_record {
	size_t at, len;
};

/* Returns the place and the length of the record's text without its closing
 * brace. */
struct each_open_record each_record_start(const struct json *record);
/* Call this when *out has the open record and the new members. Adds the closing
 * brace and emits the record. If the record is longer than --max-record,
 * rejects the input line instead. */
int each_emit(struct stage *s, struct buf *out, const struct line *l,
    struct err *e);

/* Returns the name of --as or --count-as if the record already has a member of
 * this name, else NULL. */
const char *each_find_name(const struct extract_opts *o,
    const struct json *record);
extern const char each_has_name[];      /* the message of the reject in this
					 * case */
/* Rejects the line because of its member `name`. The reject has the JSON
 * Pointer of this member. */
int each_reject_member(struct stage *s, const struct line *l, const char *code,
    const char *name, size_t n, const char *why, struct err *e);
/* Rejects the line because its request has failed. */
int each_reject_request(struct stage *s, const struct line *l, int status,
    const struct err *why, struct err *e);

/* Sets *l to the bytes in a raw mark of a replay: the line that was rejected.
 * They are valid until the next call. etl-dlq replay writes a letter as a raw
 * mark if its stage has the name extract, and a stage of --each may have this
 * name. */
int each_read_raw(struct raw_record *raw, const struct line *mark,
    struct line *l, struct err *e);
/* Returns true and fills in *r if the line contains a line feed. Only a line of
 * a raw mark can contain one. */
bool each_has_line_feed(const struct line *l, struct reject *r);

#endif
