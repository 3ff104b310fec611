/* Dead letters: rejects (records that a stage did not accept) stored in the
 * database. An occurrence is one rejection of such a record.
 * Borrows: a reject line (etl-record(5)) until the call returns.
 * Gives: storing an occurrence a second time changes nothing. Another
 *        occurrence of a stored reject adds 1 to attempts, and reopens the
 *        letter if it was resolved.
 * Fails: ERR_DATA for a line that is not a reject line. */
#ifndef CONTROL_LETTERS_H
#define CONTROL_LETTERS_H

#include "base/buf.h"
#include "base/hash.h"
#include "db/db.h"
#include "json/scan.h"

enum { LETTER_NAME = 256 };     /* maximum bytes of id, occurrence, stage,
				 * code */

struct letter_text {
	const char *p;
	size_t len;
};

struct letter_replay {          /* a letter whose record was sent through the
	                         * pipeline again (from the mark resolve) */
	const char *id;         /* the reject id */
	int64_t seen, upto;     /* attempts and resolved_upto when the replay
	                         * read the letter */
	bool stays;             /* the loader has not written the record, and
	                         * the letter stays as it is */
	bool lost;              /* out: another command has changed
	                         * resolved_upto since then, or the letter is
	                         * not of the replay's group */
};

/* The letters that one replay may send. They all were rejected by the same
 * stage, in the same stream of the same pipeline. A member that is NULL or ""
 * selects the letters without a value. */
struct letter_group {
	const char *pipeline, *stream, *stage;
	const char *target;     /* the table of the loader that resolves the
	                         * letters. The group has no letters that a
	                         * loader into another table has rejected */
};

/* The letters that a batch resolves. */
struct letter_replays {
	struct letter_replay *v;
	size_t n;
	struct letter_group of;
	const char *run;        /* NULL outside etl-run */
};

/* Stores the rejects of a transaction. Call letters_add() any number of times,
 * then letters_finish() once, as late as possible: on PostgreSQL only the
 * latter locks letters. It locks all of them, stored and resolved, in the order
 * of their ids, so that two loaders cannot deadlock. Both functions add the
 * number of new occurrences to *added, which may be NULL. run_row is 0 outside
 * etl-run. If the second call sets `lost` of a replayed letter, either another
 * replay was faster, or an earlier COMMIT of this batch succeeded and its
 * answer was lost: the caller then rolls back and reads the ledger (table
 * etl_loads). A line whose id is wrong and belongs to another record's letter
 * must not overwrite that letter. So it is stored under the id of its own
 * bytes, and a warning is printed. */
int letters_add(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e);
/* Like letters_add() for one line. Always releases the line's buffer, and does
 * so before the letter is stored, so that a large line is not in memory
 * twice. */
int letters_add_line(struct db *db, struct buf *line, int64_t run_row,
    int64_t *added, struct err *e);
int letters_finish(struct db *db,
    const struct letter_replays *replays, int64_t run_row, int64_t *added,
    struct err *e);     /* replays may be NULL */
/* Calls take() for each of the letters that exists, with its number in v and
 * the time at which its record was last rejected, as RFC 3339 in UTC. If the
 * open rejections of a letter have different bytes, the time is that of the
 * first one: the letter's record is then older than the last rejection. */
typedef void letter_take_time(void *self, size_t i, const char *at);
int letters_read_times(struct db *db, const struct letter_replay *v, size_t n,
    letter_take_time *take, void *self, struct err *e);
/* Calls letters_add() and letters_finish() for lines without replays. Sets
 * *added to the number of new occurrences. */
int letters_store(struct db *db, const struct letter_text *lines, size_t n,
    int64_t run_row, int64_t *added, struct err *e);
/* Only checks the line. Fails with ERR_DATA if it is not a reject line. */
int letter_check_line(const char *line, size_t len, struct err *e);

struct letter_filter {          /* NULL or 0: no condition */
	const char *stage, *code, *pipeline, *stream, *target, *status;
	const char *run;        /* start of the run's uuid */
	const char *since, *until;      /* timestamps (base/clock.h); they are
	                                 * compared with last_seen_at */
	const char *closed;     /* a timestamp: letters with an earlier
	                         * resolved_at, or earlier last_seen_at if
	                         * resolved_at is NULL */
	const char *pointer;    /* letters with this JSON Pointer, or one below
	                         * it */
	const char *like;       /* letters with this text in the message or in
	                         * raw */
	const char *id;         /* row number, or start of one reject id */
	const int64_t *ids;     /* row numbers; if nids is 0, any */
	size_t nids;
	int64_t run_row;        /* pipeline_runs.id */
	int64_t attempts;       /* fewer attempts than this */
	bool not_open;          /* resolved and discarded letters only */
	uint64_t limit;         /* maximum number of letters that letters_open()
	                         * reads */
};

struct letter {                 /* valid until the next letters_next() */
	int64_t id, attempts, resolved_upto;
	const char *reject_id, *stage, *code, *pipeline, *run, *message,
	    *pointer, *origin, *created_at, *last_seen_at, *status,
	    *sqlstate, *reason, *resolved_at, *resolved_by_run, *erased_at,
	    *sha256, *stream, *target;
	const char *raw;        /* NULL if the record is large:
	                         * letters_read_raw() reads it */
	size_t raw_len;
	int64_t bytes;          /* if raw is only the start of the record: the
	                         * length of the whole line; else 0 */
	int http_status;        /* 0: none */
	bool retryable;
	bool has_own_bytes;     /* some occurrences have other bytes than raw */
};

/* Reads the letters that existed when letters_open() was called, the oldest
 * first. Reads them in pages: between two calls the database holds no lock and
 * no open cursor, so the caller may be slow. */
struct letters;
int letters_open(struct letters **l, struct db *db,
    const struct letter_filter *f, struct err *e);      /* f is borrowed */
int letters_next(struct letters *l, struct letter *out, struct err *e);
/* Reads the bytes of a large record into out->raw. Returns 1; or 0, without
 * out->raw, if the letter has changed since letters_next() returned it. */
int letters_read_raw(struct letters *l, struct letter *out, struct err *e);
void letters_close(struct letters *l);

/* An occurrence of a letter; valid until the next letter_occurrences_next(). */
struct letter_occurrence {
	const char *occurrence, *at, *message;
	bool has_own_bytes;     /* the bytes differ from those of the letter */
	const char *raw;        /* these bytes; NULL if there are none, or if
	                         * they are large */
	size_t raw_len;
	int64_t number;
};
enum letter_occurrences_kind {
	TIMES_ALL,
	TIMES_OPEN,             /* occurrences that no replay has settled */
	TIMES_OPEN_DISTINCT     /* like TIMES_OPEN, but of occurrences with the
	                         * same bytes only the last */
};
struct letter_occurrences;
/* Reads the occurrences of a letter, the first one first. Leaves out
 * occurrences that were stored after the letter was read. */
int letter_occurrences_open(struct letter_occurrences **t, struct db *db,
    const struct letter *l, enum letter_occurrences_kind kind, struct err *e);
int letter_occurrences_next(struct letter_occurrences *t,
    struct letter_occurrence *out, struct err *e);
/* If out->has_own_bytes, reads these bytes into out->raw. Returns 1, or 0 if
 * the bytes were erased or deleted meanwhile. */
int letter_occurrences_read(struct letter_occurrences *t,
    struct letter_occurrence *out, struct err *e);
void letter_occurrences_close(struct letter_occurrences *t);

/* Run a statement of sql/DIALECT/letters.sql with the conditions of the filter,
 * which are inserted after its "WHERE true". own[0] is the value of $1, own[1]
 * of $2, and so on; the filter's values get the numbers after these. */
int letters_query(struct db *db, struct db_rows **r, enum sql_id script,
    const struct db_value *own, size_t n, const struct letter_filter *f,
    struct err *e);
int letters_run(struct db *db, enum sql_id script, const struct db_value *own,
    size_t n, const struct letter_filter *f, int64_t *changed, struct err *e);

/* The user names a run by the number of its row in pipeline_runs or by the
 * start of its uuid. If f->run is such a number, sets f->run_row to it and
 * f->run to NULL. If it is the start of several uuids, fails with ERR_USAGE. */
int letter_filter_run(struct db *db, struct letter_filter *f, struct err *e);

/* Finds the row of the letter that a user named: by its number, or by the
 * start of its reject id. ERR_LIMIT if there is no such letter, ERR_USAGE if
 * there are several. */
int letter_find_row(struct db *db, const char *id, int64_t *out,
    struct err *e);
/* For etl-dlq resolve and discard. Sets the status and the reason, and sets
 * resolved_upto to attempts: all occurrences so far are settled. */
int letter_close(struct db *db, const char *id, const char *status,
    const char *reason, struct err *e);
/* Deletes the bytes of a letter and all its texts that may quote them. Keeps
 * the row with its counts. */
int letter_erase(struct db *db, const char *id, struct err *e);

/* Parses a reject line (etl-record(5)) into the values that are stored.
 * Owns:  the unescaped texts; the next line overwrites them.
 * Borrows: the line until letter_line_parse() returns.
 * Gives: v[] in the order of the enum; DB_NULL if the line has no such member.
 *        In texts a NUL becomes "?", because PostgreSQL cannot store NUL. A
 *        time in the future becomes the present time.
 * Fails: ERR_DATA for a line that is not a reject line. */

enum letter_field {
	LETTER_ID, LETTER_OCCURRENCE, LETTER_PIPELINE, LETTER_RUN,
	LETTER_STAGE, LETTER_CODE, LETTER_MESSAGE, LETTER_POINTER,
	LETTER_ORIGIN, LETTER_SQLSTATE, LETTER_HTTP, LETTER_RETRYABLE,
	LETTER_AT, LETTER_RAW, LETTER_RAW_DATA, LETTER_BYTES, LETTER_SHA256,
	LETTER_STREAM, LETTER_TARGET,
	LETTER_COLUMNS,         /* the fields before this one are columns of
	                         * dead_letters, or stored with an occurrence */
	LETTER_OWN_ID = LETTER_COLUMNS, /* DB_NULL if the id of the line is the
	                                 * id that is computed from its other
	                                 * members (etl-record(5)). Else the
	                                 * computed id: if another record's
	                                 * letter has the line's id, the line is
	                                 * stored under the computed id */
	LETTER_N
};

struct letter_line {
	struct db_value v[LETTER_N];
	struct json json, inner;
	struct buf text, scratch;
	char own_id[HASH_HEX];
};

#endif
