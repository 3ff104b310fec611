/* What the sub-reports share: options, the database, output.
 * Borrows: everything until the sub-report returns.
 * A sub-report is one function, listed in main.c; it prints to out and gives
 * its failure as a value. */
#ifndef STATUS_STATUS_H
#define STATUS_STATUS_H

#include "base/buf.h"
#include "db/db.h"
#include "stream/line_writer.h"

struct status_opts {
	const char *db, *run, *pipeline;
	uint64_t limit;         /* 0: not given */
	bool json, failed;
};

struct status {
	const struct status_opts *opts;
	struct db *db;
	struct out *out;
};

/* The reports. */
int list_report(struct status *s, struct err *e);
int run_report(struct status *s, struct err *e);

/* Gives the number of the last run that --pipeline and --failed select. Fails
 * with ERR_LIMIT if there is none. */
int list_last(struct status *s, int64_t *id, struct err *e);

/* The text, with nothing in it that a terminal obeys. */
int status_print(struct status *s, struct buf *text, struct err *e);
/* Appends a member to a JSON object. The text comes from the database; bytes
 * that are not UTF-8, which SQLite allows, become "?". */
void status_put_text(struct buf *b, const char *name, const char *s, size_t n);

#endif
