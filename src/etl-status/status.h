/* The context of the reports: options, database, output. Each report is one
 * function; it prints to out, and returns -1 with *e if it fails.
 * Borrows: everything until the report returns. */
#ifndef STATUS_STATUS_H
#define STATUS_STATUS_H

#include "base/buf.h"
#include "db/db.h"
#include "stream/line_writer.h"

struct status_opts {
	const char *db, *control_schema, *run, *pipeline;
	uint64_t limit;         /* 0: not given */
	bool json, failed;
};

struct status {
	const struct status_opts *opts;
	struct db *db;
	struct out *out;
};

int print_run_report(struct status *s, struct err *e);

/* Sets *id to the number of the last run that --pipeline and --failed select.
 * Fails with ERR_LIMIT if there is none. */
int find_last_run(struct status *s, int64_t *id, struct err *e);

/* Prints the lines of a text, with control characters escaped. */
int status_print(struct status *s, struct buf *text, struct err *e);
/* Appends a member to a JSON object. The text comes from the database; bytes
 * that are not UTF-8, which SQLite allows, become "?". */
void status_put_text(struct buf *b, const char *name, const char *s, size_t n);

#endif
