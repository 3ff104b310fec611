/* What becomes of a record of --each: a record of the output, with the members
 * of --as and --count-as at its end, or a reject.
 * Fails: each_...reject...() as stage_reject() does. */
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

struct each_open_record each_open_record(const struct json *record);
/* Closes the object in *out, of which the open record and the new members were
 * written, and emits it. If it is longer than --max-record, rejects the
 * line. */
int each_end_and_emit_or_reject(struct stage *s, struct buf *out,
    const struct line *l, struct err *e);

/* Returns the name of --as or --count-as if the record already has a member of
 * this name, else NULL. */
const char *each_find_name_in_record(
    const struct extract_opts *o, const struct json *record);
extern const char each_has_name[];      /* the message of such a reject */
/* Rejects the line because of its member `name`. The JSON Pointer in the reject
 * is the path of this member. */
int each_reject_for_member(struct stage *s, const struct line *l,
    const char *code, const char *name, size_t n, const char *why,
    struct err *e);
/* Rejects the line because its request has failed. */
int each_reject_for_request(struct stage *s, const struct line *l, int status,
    const struct err *why, struct err *e);

/* In a replay, a letter of --each comes as a raw mark, because its stage may
 * have the name extract. Sets *l to its bytes, the line that was rejected; they
 * are valid until the next call. */
int each_read_raw_mark(struct raw_record *raw, const struct line *mark,
    struct line *l, struct err *e);
/* Fills the reject of a line that has a line feed: only in a replay. */
bool each_has_line_feed(const struct line *l, struct reject *r);

#endif
