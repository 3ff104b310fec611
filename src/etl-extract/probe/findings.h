/* What --probe has found in an answer. Each part is an option with its value,
 * how certain it is, and why.
 * Owns:  the texts; findings_release() frees them. */
#ifndef EXTRACT_FINDINGS_H
#define EXTRACT_FINDINGS_H

#include "base/buf.h"

enum sureness { NOT_FOUND, GUESS, LIKELY, SURE };

/* PART_FIELD is only printed as a comment, not as an option: it is for
 * incremental runs. */
enum part {
	PART_RECORDS, PART_PAGING, PART_NEXT, PART_INTO, PART_MORE, PART_SIZE,
	PART_TOTAL, PART_FIELD, PARTS
};

struct finding {
	enum sureness sure;
	struct buf value;       /* of the option; empty: the option is not
				 * needed */
	struct buf why;
};

struct findings {
	struct finding part[PARTS];
};

void findings_init(struct findings *f);
void findings_release(struct findings *f);
/* Sets a part. If the part is already set with the same or a higher certainty,
 * does nothing. */
void findings_set(struct findings *f, enum part part, enum sureness sure,
    const char *value, const char *why);
/* These append the comment lines, which begin with #, and the options of the
 * command. */
void findings_put_comments(const struct findings *f, struct buf *b);
void findings_put_options(const struct findings *f, struct buf *b);
/* Fails if memory was out in an earlier call. */
int findings_check(struct findings *f, struct err *e);

#endif
