/* The messages of a Singer tap, one JSON object a line (Singer specification
 * 0.3): makes the record of a RECORD message, finds the value of a STATE
 * message.
 * Borrows: the options and the name, until singer_release().
 * Gives: singer_read() returns SINGER_ITEM for a record or a reject,
 *        SINGER_STATE with the value, valid until the next call, or
 *        SINGER_NOTHING.
 * Fails: ERR_CONFIG for a BATCH message, whose records are in other files. */
#ifndef EXTRACT_SINGER_MESSAGE_H
#define EXTRACT_SINGER_MESSAGE_H

#include "base/buf.h"
#include "common/extract.h"
#include "common/item.h"
#include "json/scan.h"

enum {
	/* A line may be this much longer than --max-record, because the RECORD
	 * message has other members beside the record. */
	SINGER_ENVELOPE = 64 << 10,
	SINGER_UNKNOWN = 8,             /* number of unknown types that are
					 * remembered */
	SINGER_TYPE_SHOWN = 32,         /* bytes of such a type that a warning
					 * shows */
	SINGER_TYPE = 6 * SINGER_TYPE_SHOWN + 1         /* text_show() may write
							 * 6 for each byte */
};

enum singer_result { SINGER_FAILED = -1, SINGER_NOTHING, SINGER_ITEM,
	SINGER_STATE };

struct singer_value {
	const char *p;
	size_t n;
};

struct singer {
	const struct extract_opts *o;
	const char *name;       /* the tap or the file, for messages */
	bool is_child;          /* a child of --jobs must not print: see
				 * warn() */
	struct json j;
	struct buf record, text, why;
	bool *has_come;         /* for each --select: a message named this
				 * stream */
	char unknown[SINGER_UNKNOWN][SINGER_TYPE];
	size_t n_unknown;       /* types of messages that were skipped */
	bool has_noted_version;
};

int singer_init(struct singer *s, const struct extract *x, const char *name,
    struct err *e);
void singer_release(struct singer *s);
/* Reads it->line. If it returns SINGER_ITEM, it has set the other members of
 * *it for a record or a reject. */
enum singer_result singer_read(struct singer *s, struct item *it,
    struct singer_value *state, struct err *e);
/* Call this after the last message. Warns of each --select that names a stream
 * without messages. */
int singer_warn_missing(struct singer *s, struct err *e);

#endif
