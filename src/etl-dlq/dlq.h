/* What the sub-commands share: options, the database, output.
 * Borrows: everything until the sub-command returns.
 * A sub-command is one function in one file, listed in main.c; it prints to
 * out, warns on stderr, and gives its failure as a value. */
#ifndef DLQ_DLQ_H
#define DLQ_DLQ_H

#include "base/clock.h"
#include "base/stdfd.h"
#include "db/letters.h"
#include "stream/out.h"

struct dlq_opts {
	const char *db, *stage, *code, *pipeline, *run, *since, *until,
	    *status, *reason;
	uint64_t limit;
	bool json, raw, once;
};

/* The letters that the options choose; open ones if they do not say. */
struct selection {
	struct letter_filter filter;
	char since[CLOCK_STAMP], until[CLOCK_STAMP];
};

struct dlq {
	const struct dlq_opts *opts;
	struct selection selection;
	const struct stdfd *fds;
	char **args;
	int nargs;
	struct db *db;
	struct out *out;
};

int put_command(struct dlq *d, struct err *e);
int list_command(struct dlq *d, struct err *e);
int show_command(struct dlq *d, struct err *e);
int replay_command(struct dlq *d, struct err *e);
int resolve_command(struct dlq *d, struct err *e);
int discard_command(struct dlq *d, struct err *e);

int dlq_open(struct dlq *d, struct err *e);      /* the database */
int selection_init(struct selection *s, const struct dlq_opts *o,
    struct err *e);

/* A time as users write it (2026-05-30, 2026-05-30T12:00:00+02:00, or 2d:
 * two days ago) as a stamp. Fails: ERR_USAGE. */
int when_parse(char out[CLOCK_STAMP], const char *text, struct err *e);

/* A letter as one line of JSON, with nothing in it that a terminal obeys. */
int letter_json(struct buf *line, const struct letter *l, struct err *e);

#endif
