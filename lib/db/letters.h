/* Dead letters: rejects kept in the database, with all their occurrences.
 * Borrows: a reject line (etl-record(5)) until the call returns.
 * Gives: storing a known occurrence changes nothing; a new one of a known
 *        reject adds 1 to attempts and opens a resolved letter again.
 * Fails: ERR_DATA for a line that is no reject line. */
#ifndef DB_LETTERS_H
#define DB_LETTERS_H

#include "base/buf.h"
#include "db/db.h"

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
int letters_settle(struct db *db, struct letter_replay *v, size_t n,
    const char *run, int64_t run_row, int64_t *added, struct err *e);
/* Both for lines alone; *added is set. */
int letters_put(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e);
int letter_check(const char *line, size_t len, struct err *e);  /* ERR_DATA */

struct letter_filter {          /* NULL or 0: any */
	const char *stage, *code, *pipeline, *run, *status;
	const char *since, *until;      /* RFC 3339, of last_seen_at */
	const char *id;         /* number, or unambiguous start of reject id */
	uint64_t limit;
};

struct letter {                 /* valid until the next letter_next() */
	int64_t id, attempts, resolved_upto;
	const char *reject_id, *stage, *code, *pipeline, *run, *message,
	    *pointer, *origin, *created_at, *last_seen_at, *status,
	    *sqlstate, *reason;
	const char *raw;
	size_t raw_len;
	int http_status;        /* 0: none */
	bool retryable;
	bool cut;               /* raw is only the start (too_long) */
};

struct letters;
int letters_open(struct letters **l, struct db *db,
    const struct letter_filter *f, struct err *e);      /* oldest first */
int letters_next(struct letters *l, struct letter *out, struct err *e);
void letters_close(struct letters *l);

/* By hand: resolved or discarded, resolved_upto = attempts. ERR_LIMIT where
 * id names none, ERR_USAGE where it names several. */
int letter_close(struct db *db, const char *id, const char *status,
    const char *reason, struct err *e);

#endif
