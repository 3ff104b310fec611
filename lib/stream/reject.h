/* A record that a stage could not take, as one line (etl-record(5)).
 * Borrows: all texts, until the call returns; NULL or 0 means not there.
 * Gives: reject_put() appends the whole line without LF; the id is the hash
 *        of pipeline, stage and raw, where none is given.
 * The writer decides once where rejects go: --rejects FILE, descriptor 3, the
 * stream, or nowhere (the first one is ERR_DATA), and enforces the limit. */
#ifndef STREAM_REJECT_H
#define STREAM_REJECT_H

#include "base/buf.h"
#include "base/stdfd.h"
#include "stream/line_writer.h"
#include "stream/lines.h"

#include <stdint.h>

struct origin {
	const char *kind, *uri, *key;
	uint64_t line, offset, page, index;     /* from 1; offset where line */
	bool has_offset;
};

struct reject {
	const char *id;         /* NULL: computed */
	const char *code, *message, *pointer, *sqlstate;
	int http_status;
	bool retryable;
	struct origin origin;
	const char *raw;
	size_t raw_len;
	uint64_t bytes;         /* of a line that was too long: its length, */
	const char *sha256;     /* and hash; raw is its start */
};

struct reject_who {             /* the same in all rejects of a process */
	const char *run, *pipeline;     /* NULL outside etl-run */
	char stage[64];
	char process[48];       /* of occurrence: RUN, */
	char tail[5];           /* and XXXX */
	uint64_t n;             /* rejects so far */
};

void reject_who_init(struct reject_who *w, const char *stage);  /* reads
                                 * ETL_RUN and ETL_PIPELINE */
/* raw and origin from a line, where r has none. */
void reject_line(struct reject *r, const struct line *l);
int reject_put(struct buf *out, struct reject_who *w, const struct reject *r,
    struct err *e);

enum reject_way { REJECT_NOWHERE, REJECT_ASIDE, REJECT_STREAM };

/* "N" or "N%"; NULL is 50%. N counts from the first record, N% once 20 have
 * been seen. */
struct reject_limit {
	uint64_t count;
	unsigned percent;
	bool by_percent;
};
int reject_limit_parse(struct reject_limit *l, const char *text,
    struct err *e);

/* The causes so far, 20 at most: count, code, message and an example each. */
struct causes;
int causes_new(struct causes **c, struct err *e);
void causes_add(struct causes *c, const char *code, const char *message,
    const char *example, size_t len, uint64_t line);
void causes_put(struct buf *b, const struct causes *c);
/* If the first line of the input is among the causes and is not NDJSON: appends
 * what the input looks like. */
void causes_put_format(struct buf *b, const struct causes *c);
void causes_free(struct causes *c);
bool reject_over(const struct reject_limit *l, uint64_t rejected,
    uint64_t seen);
/* Fails with ERR_LIMIT and the causes where the limit is passed, else 0. */
int reject_check(const struct reject_limit *l, uint64_t rejected,
    uint64_t seen, const struct causes *c, struct err *e);

/* Prints a warning with the causes if all records were rejected, but are too
 * few to be judged by the limit, so that the exit code is 0. */
void reject_warn_all(const char *program, const struct reject_limit *l,
    uint64_t rejected, uint64_t seen, const struct causes *c);

/* Where lines go that leave the stream: a file or descriptor 3. */
struct aside;
struct stat;
int aside_open(struct aside **a, const char *file, const struct stdfd *s,
    struct err *e);             /* *a NULL where there is neither */
int aside_write(struct aside *a, const char *line, size_t len,
    struct err *e);             /* LF in it: one write, locked on a pipe */
/* They go into the file or pipe that *st is of; none into a device. */
bool aside_is(const struct aside *a, const struct stat *st);
void aside_close(struct aside *a);

#endif
