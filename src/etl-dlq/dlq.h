/* What the sub-commands share: options, the database, output.
 * Borrows: everything until the sub-command returns.
 * A sub-command is one function in one file, listed in main.c; it prints to
 * out, warns on stderr, and gives its failure as a value. */
#ifndef DLQ_DLQ_H
#define DLQ_DLQ_H

#include "base/clock.h"
#include "base/stdfd.h"
#include "control/letters.h"
#include "stream/line_writer.h"

#include <stdio.h>

/* No --older-than was given. */
#define OLDER_NONE UINT64_MAX

struct dlq_opts {
	const char *db, *stage, *code, *pipeline, *run, *since, *until,
	    *status, *reason, *pointer, *like, *bad;
	uint64_t limit, max_attempts, max_record, older_than;
	bool json, raw, once, open;
};

/* The letters that the options choose. */
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

/* What put has read: reject lines in a temporary file, so that no transaction
 * waits for a pipe.  Bad lines are told, and kept in --bad. */
struct intake;
int intake_new(struct intake **in, const char *bad, struct err *e);
int intake_file(struct intake *in, const char *name, struct err *e);
int intake_end(struct intake *in, struct err *e);
FILE *intake_rejects(const struct intake *in);
void intake_counts(const struct intake *in, uint64_t *rejects,
    uint64_t *others, uint64_t *bad);
void intake_free(struct intake *in);

int put_command(struct dlq *d, struct err *e);
int list_command(struct dlq *d, struct err *e);
int show_command(struct dlq *d, struct err *e);
int stats_command(struct dlq *d, struct err *e);
int replay_command(struct dlq *d, struct err *e);
int export_command(struct dlq *d, struct err *e);
int resolve_command(struct dlq *d, struct err *e);
int discard_command(struct dlq *d, struct err *e);
int erase_command(struct dlq *d, struct err *e);
int purge_command(struct dlq *d, struct err *e);

/* One that is there; completes the selection. */
int dlq_open(struct dlq *d, struct err *e);
/* Told on a terminal only: a name or the database may be mistyped. */
void dlq_none(const struct dlq *d, const char *what);
/* status: what --status is where it is not given; NULL any. */
int selection_init(struct selection *s, const struct dlq_opts *o,
    const char *status, struct err *e);

/* A time as users write it (2026-05-30, 2026-05-30T12:00:00+02:00, or 2d:
 * two days ago) as a stamp. Fails: ERR_USAGE. */
int when_parse(char out[CLOCK_STAMP], const char *option, const char *text,
    struct err *e);
void when_ago(char out[CLOCK_STAMP], uint64_t ms);

/* A letter as one line of JSON, with nothing in it that a terminal obeys. */
int letter_json(struct dlq *d, struct letters *from, struct letter *l,
    bool times, struct err *e);
/* A member, where there is a text to give. */
void text_member(struct buf *b, const char *name, const char *s);
/* A member "raw" or "raw_base64" at the end of a line that is begun. */
int raw_json(struct out *out, const struct letter *l, struct err *e);

/* What is left out is told, the first few by name, and all counted. */
struct left_out {
	const char *command;
	uint64_t n;
};
void left_out_add(struct left_out *o, const struct letter *l,
    const char *why);
void left_out_end(const struct left_out *o);

#endif
