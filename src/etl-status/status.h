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
	const char *db, *run;
	bool json;
};

struct status {
	const struct status_opts *opts;
	struct db *db;
	struct out *out;
};

int run_report(struct status *s, struct err *e);

/* The text, with nothing in it that a terminal obeys. */
int status_print(struct status *s, struct buf *text, struct err *e);

#endif
