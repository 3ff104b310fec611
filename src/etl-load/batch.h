/* The records of a batch: their lines, their tables, the outcome of one try to
 * load them, and their reject lines. */
#ifndef LOAD_BATCH_H
#define LOAD_BATCH_H

#include "base/buf.h"
#include "base/clock.h"
#include "json/scan.h"
#include "row.h"
#include "spec.h"
#include "stream/lines.h"
#include "stream/reject.h"
#include "stream/stage.h"

#include <sys/types.h>

/* How many records were read, and how many had each outcome. */
struct sums {
	uint64_t in, inserted, updated, unchanged, superseded, skipped,
	    deleted, missed, rejected;
	uint64_t removed;       /* rows that the mode has deleted or marked as
	                         * deleted, such as all old rows in --mode
	                         * replace: a number of rows, not of records */
};

void sums_add(struct sums *to, const struct sums *t);

/* The records of a batch that were refused, each with the reason.
 * Owns:  copies of the texts; refusals_release() frees them.
 * Borrows: the code of each reason, which must be a constant.
 * Gives: refusals_sort() orders the refusals by item. Then refusals_get() gives
 *        the reason, whose texts are valid until the next refusals_add(). */

struct refusal {
	uint64_t item;
	const char *code;
	size_t message, pointer, sqlstate;      /* offset in texts, or 0 */
};

struct refusals {
	struct refusal *v;
	size_t n, room;
	struct buf texts;
	bool unordered;         /* an item was added after a greater one */
};

void refusals_clear(struct refusals *r);
int refusals_add(struct refusals *r, uint64_t item, const struct reject *why,
    struct err *e);
struct reject refusals_get(const struct refusals *r, size_t i);
/* Returns NULL if the item was not refused. Call refusals_sort() before. */
const struct refusal *refusals_find(const struct refusals *r, uint64_t item);

/* Keeps the lines of a batch, so that a failed transaction can be repeated.
 * Owns:  the last chunk of lines in memory; earlier chunks are in an unnamed
 *        temporary file in TMPDIR. spool_release() frees both.
 * Gives: call spool_rewind(), then spool_next_chunk() for each chunk: 1 the
 *        chunk is in items and data until the next call, 0 no chunk is left, -1
 *        failed. A batch of one chunk is never written to the file.
 * Fails: ERR_IO, ERR_CREATE. */

enum {
	SPOOL_CHUNK = 8 << 20,          /* bytes; a chunk ends when it has so
	                                 * many, and a longer line is written
	                                 * to the file at once */
	SPOOL_LARGE = 12 << 20          /* bytes; a larger buffer is freed
	                                 * after use */
};

enum item_kind {
	ITEM_RECORD, ITEM_REJECT,
	ITEM_LEFT_RECORD, ITEM_LEFT_REJECT      /* of a letter that stays open
	                                         * (commit.h) */
};

struct item {
	size_t at, len;                 /* place of the line in data */
	uint64_t number, offset, bytes; /* as in struct line */
	enum item_kind kind;
	bool too_long;                  /* its SHA-256 follows in data */
};

struct spool {
	struct buf data;
	struct item *items;
	size_t n, cap;
	uint64_t total;                 /* items in all chunks */
	int fd;                         /* the temporary file, if open */
	off_t end, read;                /* the file's size; where the next chunk
	                                 * is read */
	bool open;
	bool given;                     /* spool_next_chunk() has returned
	                                 * the only chunk, the one in memory */
	bool sealed; /* spool_rewind() was called: no line
		      * can be added */
	bool large;                     /* the last line was longer than
	                                 * SPOOL_CHUNK: it is in the file */
};

/* A position between two lines of a batch; spool_cut() removes all lines after
 * this position. */
struct spool_position {
	size_t n, len;
	uint64_t total;
	off_t end;
};

void spool_init(struct spool *s);
void spool_release(struct spool *s);
void spool_clear(struct spool *s);              /* start a new batch */
int spool_add(struct spool *s, enum item_kind kind, const struct line *l,
    struct err *e);
/* Adds the bytes that the caller has appended to s->data, from offset `at` to
 * the end, as one line. */
int spool_add_appended(struct spool *s, size_t at, uint64_t number,
    struct err *e);
/* True if the chunk in memory has at least SPOOL_CHUNK bytes or at least `most`
 * lines. */
bool spool_is_full(const struct spool *s, size_t most);
/* Writes the chunk in memory to the file. */
int spool_write_chunk(struct spool *s, struct err *e);
/* The position after the last line. */
struct spool_position spool_get_end(const struct spool *s);
/* Removes all lines after the position *at. May be called only before the first
 * spool_rewind(). */
int spool_cut(struct spool *s, const struct spool_position *at, struct err *e);
/* The first call also ends the adding of lines. */
int spool_rewind(struct spool *s, struct err *e);
int spool_next_chunk(struct spool *s, struct err *e);
/* Returns item i of the chunk as a struct line, like the one from which it was
 * added. */
struct line spool_get_line(const struct spool *s, size_t i);

/* The reject lines of one try to load a batch, in the order of the input.
 * Owns:  the lines; reject_lines_release() frees them.
 *        Before a batch is tried again, reject_lines_reset() forgets
 *        the failed try. The number of the next occurrence is set back too, so
 *        the same record gives the same reject line in each try. */

struct reject_lines {
	struct stage *stage;
	struct spool spool;
	uint64_t kept;                  /* lines that were stored as dead
	                                 * letters, and those of the loader for
	                                 * a file or descriptor 3 */
	uint64_t first_occurrence;      /* number of the batch's first reject */
	char at[CLOCK_STAMP];           /* the time of the rejects: the begin of
	                                 * the try, so that no row of the same
	                                 * transaction is older */
};

void reject_lines_init(struct reject_lines *r, struct stage *s);
void reject_lines_release(struct reject_lines *r);
/* Called before the first try of a batch. */
void reject_lines_start(struct reject_lines *r);
/* Called before each try of a batch: forgets the lines of the failed try. */
void reject_lines_reset(struct reject_lines *r);
/* Adds a reject line that an earlier stage has sent in the stream. */
int reject_lines_add_sent(struct reject_lines *r, const struct line *l,
    struct err *e);

/* The outcome of one try to load the records of a batch into a table: the
 * counts, and the records that the table refused.
 * Owns:  the reasons; outcome_release() frees them.
 * Borrows: stage, target and chunk (the lines that are being applied). Before a
 *          batch is tried again, outcome_reset() forgets the failed try. */

struct outcome {
	struct stage *stage;
	const struct target *target;
	struct reader reader;
	const struct spool *chunk;
	const uint16_t *table_of;       /* by item of the chunk: the number of
	                                 * its table; NULL: all are of this
	                                 * table */
	uint16_t table;                 /* the number of this table */
	struct sums sums;
	struct refusals refused;        /* of the chunk */
	size_t made;                    /* reject lines made of them */
	struct refusals ending;         /* of the batch, by ordinal: records
	                                 * for which an earlier try was rolled
	                                 * back */
	bool judge_all;                 /* all --retries are used up: also an
	                                 * error that usually passes, such as a
	                                 * deadlock, may be a record's */
	uint64_t most_equal;            /* records of one key, at most, whose
	                                 * row was written once for each of
	                                 * them: the time grows with the square
	                                 * of this number */
	uint64_t ordinal;               /* number in the batch of the chunk's
	                                 * first item */
	bool begun;                     /* the sink has applied a chunk of this
	                                 * try before */
	struct buf pointer;             /* of the last reject */
	struct buf key;                 /* the key of the last reject, as a JSON
	                                 * array */
	char violated[128];             /* the first unique index that a
	                                 * record violated; "" if none has */
};

int outcome_init(struct outcome *o, struct stage *s, const struct target *t,
    enum json_members duplicates, struct err *e);
void outcome_release(struct outcome *o);
void outcome_start_batch(
    struct outcome *o); /* before the first try of a batch */
void outcome_reset(struct outcome *o);  /* before each try of a batch */
/* outcome_start_chunk() is called before the records of a chunk are applied,
 * outcome_end_chunk() after that. */
void outcome_start_chunk(struct outcome *o, const struct spool *chunk,
    const uint16_t *table_of);
void outcome_end_chunk(struct outcome *o);

/* True if item i of the chunk is a record of the table. */
static inline bool
outcome_has_record(const struct outcome *o, size_t i)
{
	return o->chunk->items[i].kind == ITEM_RECORD &&
	    (o->table_of == NULL || o->table_of[i] == o->table);
}
/* Rejects item i of the chunk for the reason *why. */
int outcome_add_reject(struct outcome *o, size_t item, const struct reject *why,
    struct err *e);
/* Rejects item i because the database refused it. The code of the reject is
 * made from the SQLSTATE, its pointer from the name of the column. */
int outcome_reject_fault(struct outcome *o, size_t i, const struct db_fault *f,
    const char *message, struct err *e);
/* Notes that item i must be rejected in the next try of the batch, although its
 * row was written in this try: the row has ended the transaction (a trigger of
 * SQLite can do this), or the table of --nested refuses an element of the
 * record. outcome_reject_noted() rejects an item that was noted and returns 1;
 * it returns 0 for other items. */
int outcome_note_reject(struct outcome *o, size_t i, const struct reject *why,
    struct err *e);
int outcome_reject_noted(struct outcome *o, size_t i, struct err *e);
/* Sorts the rejects by item. Called before the reject lines are made. */
void outcome_sort_rejects(struct outcome *o);
/* If item i was rejected, adds its reject line to *to, with the bytes of the
 * record, its origin and the id of its key. Called for each item, in order. */
int outcome_make_line(struct outcome *o, size_t i, struct reject_lines *to,
    struct err *e);

/* The bytes of the rejected record in a reject line. */

/* Appends the text of a member of the reject line, if it is a string. */
void put_string_member(struct buf *b, const struct json *j, const char *name);
/* Appends the bytes of the rejected record: the member `raw` of the reject
 * line, or the decoded member `raw_base64`. */
void put_rejected_bytes(struct buf *b, const struct json *j);

/* Visits the records in o->chunk (the part of the batch that is in memory) and
 * reads some of their values.
 * Fails: -1; ERR_RETRY if a signal has asked the program to stop. */

/* A sink remembers the keys and scopes that it has seen in order to skip
 * repeated ones. Beyond this number of bytes it forgets them all: a repeated
 * key is then processed a second time, which costs time but changes no
 * result. */
enum { REMEMBERED_MAX = 1 << 20 };

/* Reads some values of the record *l. Returns 1; 0: the record has no value for
 * one of them; -1 with *e. */
typedef int take_part(
    void *self, struct reader *r, const struct line *l, struct err *e);

/* Calls take() for each record of the table in the chunk. Adds to *unreadable
 * the number of records for which take() returned 0. */
int chunk_each_record(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e);
/* Calls take() for each rejected record of the chunk. The loader itself has
 * rejected it, or an earlier stage has sent its reject line in the stream. With
 * --tables a rejected record that names no table could belong to any table, so
 * the call for each table counts it in *unreadable. */
int chunk_each_rejected(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e);

/* Finds the table of each record of a chunk by the value at --table-from.
 * Owns:  buffers and reasons; route_release() frees them.
 * Borrows: stage and list.
 * Gives: route_find_tables() sets table_of and records. A record
 *        without a table is rejected or, if it is a tombstone (--mode cdc),
 *        skipped. It is in no struct outcome:
 *        route_count_chunk() counts it, and
 *        route_make_line() makes its reject line. */

enum { NO_TABLE = UINT16_MAX };

struct route {
	struct stage *stage;
	const struct table_list *list;
	const char *pointer;            /* --table-from */
	unsigned levels;                /* of nesting, down to the value */
	bool tombstones;                /* a line `null` is skipped */
	bool rejects_too;               /* also find the tables of records that
	                                 * earlier stages have rejected */
	struct json json;
	struct buf text, raw;
	uint16_t *table_of;             /* by item of the chunk: the number of
	                                 * its table, or NO_TABLE */
	size_t room;
	size_t *records;                /* by table: records in the chunk */
	size_t last;                    /* the table of the last record */
	uint64_t skipped;               /* tombstones in the chunk */
	struct refusals refused;        /* of the chunk */
	size_t made;                    /* reject lines made of them */
	struct sums sums;               /* of the batch */
	char message[512];
};

int route_open(struct route *r, struct stage *s, const struct table_list *list,
    const char *pointer, struct err *e);
void route_release(struct route *r);
/* Forgets the failed try. Called before each try of a batch. */
void route_reset(struct route *r);
int route_find_tables(struct route *r, const struct spool *chunk,
    struct err *e);
/* Like outcome_make_line(), for a record without a table. The member `target`
 * of the reject line is the pointer of --table-from, so that the letter can be
 * replayed by a load with other --tables. */
int route_make_line(struct route *r, const struct spool *chunk, size_t i,
    uint64_t ordinal, struct reject_lines *to, struct err *e);
/* Called when the records of the chunk were loaded: counts the chunk's records
 * without a table. */
void route_count_chunk(struct route *r);

#endif
