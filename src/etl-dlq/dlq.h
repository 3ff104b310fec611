/* The context of the sub-commands: options, database, output. Each sub-command
 * is one function, listed in main.c. It prints to out, writes warnings to
 * stderr, and returns -1 with *e if it fails.
 * Borrows: everything until the sub-command returns. */
#ifndef DLQ_DLQ_H
#define DLQ_DLQ_H

#include "base/clock.h"
#include "base/stdfd.h"
#include "control/letters.h"
#include "stream/line_writer.h"

#include <stdio.h>

/* The value of dlq_opts.older_than if --older-than is not given. */
#define OLDER_NONE UINT64_MAX

struct dlq_opts {
	const char *db, *control_schema, *stage, *code, *pipeline, *stream,
	    *target, *run, *since, *until, *status, *reason, *pointer, *like,
	    *bad;
	uint64_t limit, max_attempts, max_record, older_than;
	bool json, raw, once, open;
};

/* The letters that the options select. */
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

struct intake;

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

/* Opens the database, which must exist, and fills in the selection. */
int dlq_open_database(struct dlq *d, struct err *e);
/* Prints that no letter matches, but for commands other than replay only if
 * stderr is a terminal: they print a result, which is empty. If no letter has
 * the code, stage or pipeline of the selection, also prints the most similar
 * one that a letter has: the user may have mistyped it. */
int dlq_print_no_match(const struct dlq *d, const char *command, struct err *e);

/* The time ms milliseconds ago. */
void put_time_ago(char out[CLOCK_STAMP], uint64_t ms);

/* Prints a letter as one line of JSON, with control characters escaped. If
 * `times` is true, the line also has the occurrences of the letter. */
int print_letter_json(struct dlq *d, struct letters *from, struct letter *l,
    bool times, struct err *e);
/* Reads the occurrences of a letter (the single rejections of its record), each
 * with its bytes. */
struct occurrences {
	const struct letter *letter;
	struct letter_occurrences *times;
	struct letter_occurrence t;     /* the occurrence that was read last */
	struct letter with_its_bytes;   /* a copy of the letter with the bytes
					 * of this occurrence in raw; raw is
					 * NULL if they were erased or
					 * deleted */
};
int occurrences_open(struct occurrences *o, struct dlq *d,
    const struct letter *l, enum letter_occurrences_kind kind, struct err *e);
/* Returns 1 if o->t and o->with_its_bytes are the next occurrence, 0 at the
 * end, -1 on failure. */
int occurrences_next(struct occurrences *o, struct err *e);
void occurrences_close(struct occurrences *o);

/* Writes the member "raw" or "raw_base64" as the next part of a line. */
int write_raw_member(struct out *out, const struct letter *l, struct err *e);

/* Counts the letters that a command leaves out. Prints a warning for each of
 * the first few, and their total at the end. */
struct left_out {
	const char *command;
	uint64_t n;
};
void left_out_add(struct left_out *o, const struct letter *l, const char *why);
void left_out_print_total(const struct left_out *o);

#endif
