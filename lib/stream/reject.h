/* Rejects: records that a stage could not accept. Each one is written as a line
 * (etl-record(5)) to --rejects FILE, to descriptor 3 or into the stream.
 * Borrows: all texts, until the call returns; NULL or 0 means absent.
 * Gives: reject_put_line() appends the line without LF. If r->id is NULL, it
 *        computes the id from pipeline, stream, stage, target and raw.
 * Fails: ERR_DATA if there is no place to write a reject to; ERR_LIMIT if there
 *        are too many rejects. */
#ifndef STREAM_REJECT_H
#define STREAM_REJECT_H

#include "base/buf.h"
#include "base/opt.h"
#include "base/stdfd.h"
#include "stream/line_writer.h"
#include "stream/lines.h"

#include <stdbool.h>
#include <stdint.h>

enum { REJECT_WHY = 192 };      /* size of a message of a stage */

struct origin {
	const char *kind, *uri, *key;
	uint64_t line, offset, page, index;     /* from 1; offset in bytes,
	                                         * from 0 */
	bool has_offset;
	const char *columns;    /* of a CSV file: its columns, a JSON array */
	const char *members;    /* all other members as JSON text, in place of
	                         * the fields above; or NULL */
};

struct reject {
	const char *id;         /* NULL: computed */
	const char *target;     /* the loader's table */
	const char *code, *message, *pointer, *sqlstate;
	int http_status;
	bool retryable;
	struct origin origin;
	const char *raw;
	size_t raw_len;
	uint64_t bytes;         /* length of a line that was too long, else 0 */
	const char *sha256;     /* hash of that line; raw is then its start */
};

struct reject_who {             /* the members that all rejects of a process
				 * have */
	const char *run, *pipeline;     /* NULL outside etl-run */
	const char *stream;             /* NULL in a plain stream */
	char stage[64];
	/* Each rejection has a unique id (member "occurrence"):
	 * PROCESS/STAGE.TAIL/N. */
	char process[48];       /* ETL_RUN, or a random uuid */
	char tail[5];           /* four random digits */
	uint64_t n;             /* rejects so far */
	const char *at;         /* the time of the rejects; NULL: the time at
	                         * which the line is made */
};

/* Reads ETL_RUN and ETL_PIPELINE. */
void reject_who_init(struct reject_who *w, const char *stage);
/* Sets raw and origin of the reject from the line, unless they are set. */
void reject_fill(struct reject *r, const struct line *l);
/* Returns true if the bytes of a rejected record can be written as a JSON
 * string. Otherwise they are written as base64: if they are not UTF-8, or if
 * the escapes would make the string more than about twice as long as the
 * record. Programs that read marks rely on this limit (see MARK_SPARE). */
bool reject_raw_is_text(const char *p, size_t n);
int reject_put_line(struct buf *out, struct reject_who *w,
    const struct reject *r, struct err *e);

enum reject_way { REJECT_NOWHERE, REJECT_TO_FILE, REJECT_TO_STREAM };

/* The limit of --max-rejects: "N" or "N%"; NULL means 50%. A percentage is
 * checked only if the outcome of 20 records is known; at the end of the stream
 * 5 are enough. */
struct reject_tally {
	uint64_t rejected;
	uint64_t seen;          /* records whose outcome is known */
	bool ended;             /* the end of the stream was reached */
	bool plain;             /* the input has no marks: a filter before this
	                         * program may have turned them into records */
};
/* Sets the default if text is NULL. */
int reject_limit_parse(struct limit *l, const char *text, struct err *e);
bool reject_limit_exceeded(
    const struct limit *l, const struct reject_tally *t);

/* Counts rejects by cause. Rejects have the same cause if they have the same
 * code, and if their messages differ only in variable parts such as numbers.
 * Keeps up to 20 causes, each with its first record as an example. */
struct causes;
int causes_new(struct causes **c, struct err *e);
void causes_add(struct causes *c, const char *code, const char *message,
    const char *example, size_t len, uint64_t line);
/* Appends the causes, the most frequent first, with the separator between them.
 * If the text would be longer than `most` bytes, only counts the remaining
 * causes as "others". */
void causes_put(struct buf *b, const struct causes *c, const char *separator,
    size_t most);
void causes_free(struct causes *c);
/* Fails with ERR_LIMIT if the limit is exceeded. The message has the text
 * `stored`, which says what becomes of the data, and a line for each cause. */
int reject_check_limit(const struct limit *l,
    const struct reject_tally *t, const struct causes *c, const char *stored,
    struct err *e);

/* Call this at the end of the stream. If all records were rejected, but there
 * are too few of them for the limit, the exit code is 0. In this case prints a
 * warning with the causes. */
void reject_warn_all(const char *program, const struct limit *l,
    const struct reject_tally *t, const struct causes *c);

/* The file of --rejects, or descriptor 3. */
struct reject_file;
struct stat;
/* Opens --rejects FILE, or else descriptor 3. Sets *a to NULL if there is
 * neither. */
int reject_file_open(struct reject_file **a, const char *file,
    const struct stdfd *s, struct err *e);
/* Writes a line in a way that other programs cannot write into the middle of
 * it: with one write(2), and on a pipe under a lock. */
int reject_file_append(struct reject_file *a, const char *line_with_lf,
    size_t len, struct err *e);
/* True if the rejects go to the file or pipe that *st describes; false for
 * devices. */
bool reject_file_is(const struct reject_file *a, const struct stat *st);
void reject_file_close(struct reject_file *a);

/* Gives advice for messages about rejected records: which format an input has
 * that is not NDJSON, and how to run a filter that has changed marks (lines
 * that describe the stream and are not records) into records. */

/* CODE, LINE and P are the reject code, the line number and the first bytes of
 * a rejected record. If it is the first line, not a JSON object, and looks like
 * a known format, appends "; " with the name of the format and advice on how to
 * convert it. */
void input_advise_format(struct buf *b, const char *code, uint64_t line,
    const char *p, size_t n);

/* Returns true for an object with a null whose other values are null or uuids.
 * A filter such as {id, title} makes such an object from a mark. */
bool input_may_be_mark(const char *p, size_t n);
/* Appends "; " with advice on how to run a filter that has changed a mark. */
void input_advise_filter(struct buf *b, uint64_t line);

#endif
