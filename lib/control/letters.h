/* Dead letters: rejects kept in the database, with all their occurrences.
 * Borrows: a reject line (etl-record(5)) until the call returns.
 * Gives: storing a known occurrence changes nothing; a new one of a known
 *        reject adds 1 to attempts and opens a resolved letter again.
 * Fails: ERR_DATA for a line that is no reject line. */
#ifndef CONTROL_LETTERS_H
#define CONTROL_LETTERS_H

#include "base/buf.h"
#include "db/db.h"

enum { LETTER_NAME = 256 };     /* bytes of id, occurrence, stage, code */

struct letter_text {
	const char *p;
	size_t len;
};

struct letter_replay {          /* what a resolve mark says */
	const char *id;         /* the reject id */
	int64_t seen, upto;     /* attempts, resolved_upto when it was read */
	bool lost;              /* out: resolved_upto is not upto any more */
};

/* The letters of a transaction: add any number of times, then settle once,
 * as late as can be. Until then no letter is locked on PostgreSQL, and then
 * all, stored and resolved, in order of their ids: two loaders do not
 * deadlock. *added (may be NULL) goes up by the occurrences that were not
 * known, in either call; run, run_row: NULL, 0 outside etl-run.
 * One lost means that another replay was faster, or that the COMMIT before
 * was done and its answer lost: roll back, look at the ledger. */
int letters_add(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e);
/* One line alone, whose buffer is released before its letter is stored, also
 * on failure: a large one is not held twice. */
int letters_add_large(struct db *db, struct buf *line, int64_t run_row,
    int64_t *added, struct err *e);
int letters_settle(struct db *db, struct letter_replay *v, size_t n,
    const char *run, int64_t run_row, int64_t *added, struct err *e);
/* Both for lines alone; *added is set. */
int letters_put(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e);
int letter_check(const char *line, size_t len, struct err *e);  /* ERR_DATA */

struct letter_filter {          /* NULL or 0: any */
	const char *stage, *code, *pipeline, *status;
	const char *run;        /* how its uuid begins */
	const char *since, *until;      /* stamps (base/clock.h): seen last */
	const char *closed;     /* a stamp: closed, or else seen last, before */
	const char *pointer;    /* this one or below it */
	const char *like;       /* a part of message or raw */
	const char *id;         /* number, or unambiguous start of reject id */
	const int64_t *ids;     /* numbers; nids 0: any */
	size_t nids;
	int64_t run_row;        /* of pipeline_runs */
	int64_t attempts;       /* fewer than so many */
	bool not_open;
	uint64_t limit;         /* of letters_open() */
};

struct letter {                 /* valid until the next letters_next() */
	int64_t id, attempts, resolved_upto;
	const char *reject_id, *stage, *code, *pipeline, *run, *message,
	    *pointer, *origin, *created_at, *last_seen_at, *status,
	    *sqlstate, *reason, *resolved_at, *resolved_by_run, *erased_at,
	    *sha256;
	const char *raw;        /* NULL: large, letters_raw() reads it */
	size_t raw_len;
	int64_t bytes;          /* of the line, where raw is its start; 0 */
	int http_status;        /* 0: none */
	bool retryable;
};

/* The oldest first, of those that there are when it is opened. They are read
 * in pages, and nothing is locked or open in the database between calls: the
 * caller may take its time. */
struct letters;
int letters_open(struct letters **l, struct db *db,
    const struct letter_filter *f, struct err *e);      /* f is borrowed */
int letters_next(struct letters *l, struct letter *out, struct err *e);
/* Sets out->raw; 0 where the letter has changed since: it is left alone. */
int letters_raw(struct letters *l, struct letter *out, struct err *e);
void letters_close(struct letters *l);

/* All occurrences of a letter, the oldest first. */
struct letter_time {            /* valid until the next one */
	const char *occurrence, *at, *message;
};
struct letter_times;
int letter_times_open(struct letter_times **t, struct db *db, int64_t letter,
    struct err *e);
int letter_times_next(struct letter_times *t, struct letter_time *out,
    struct err *e);
void letter_times_close(struct letter_times *t);

/* One of the scripts of letters, its own values first, with the conditions
 * of a filter in place of "WHERE true". */
int letters_query(struct db *db, struct db_rows **r, enum sql_id script,
    const struct db_value *own, size_t n, const struct letter_filter *f,
    struct err *e);
int letters_run(struct db *db, enum sql_id script, const struct db_value *own,
    size_t n, const struct letter_filter *f, int64_t *changed, struct err *e);

/* A run as people name it: one that is the number of a row becomes run_row.
 * ERR_USAGE where several begin so. */
int letter_filter_run(struct db *db, struct letter_filter *f, struct err *e);

/* The number of the letter that id names. ERR_LIMIT where it names none,
 * ERR_USAGE where several. */
int letter_find(struct db *db, const char *id, int64_t *out, struct err *e);
/* By hand: resolved or discarded, resolved_upto = attempts. */
int letter_close(struct db *db, const char *id, const char *status,
    const char *reason, struct err *e);
/* Its bytes are gone for good, and what quotes them; counts stay. */
int letter_erase(struct db *db, const char *id, struct err *e);

#endif
