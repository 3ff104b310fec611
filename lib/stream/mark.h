/* Marks: the lines of a stream whose first member is "@etl" (etl-record(5)).
 * Owns:  struct mark owns copies of its texts; mark_release() frees them.
 * Gives: is_mark_line() looks only at the name of the first member; it accepts
 *        white space before it and escapes in it. mark_parse() reads the known
 *        members and checks their types.
 * Fails: ERR_PEER for a broken mark and for a mark of a newer version. */
#ifndef STREAM_MARK_H
#define STREAM_MARK_H

#include "base/buf.h"
#include "json/scan.h"

#include <stdint.h>

enum mark_kind {
	MARK_UNKNOWN,           /* passed on unchanged */
	MARK_BEGIN, MARK_CHECKPOINT, MARK_RESOLVE, MARK_END,
	MARK_REJECT, MARK_FAILED,
	MARK_RAW,               /* the bytes of a letter, in a replay */
	MARK_COLUMNS            /* the types of the source's columns */
};

/* The counts of a stage since the mark begin: how many records it has read, and
 * what became of them. `aside` counts the rejects that were written to a file
 * or descriptor 3 and not into the stream. */
struct counts {
	char stage[64];
	uint64_t in, out, dropped, rejected, aside;
};

enum { MARK_STAGES = 32 };      /* at most so many stages in a stream */

struct mark {
	enum mark_kind kind;
	char *id, *stream, *run, *pipeline, *traceparent;
	char *stage;            /* of reject and failed; of begin in a replay */
	char *target;           /* of begin in a replay of letters that a loader
	                         * has rejected: its table */
	char *message;          /* of failed */
	int code;               /* of failed: the exit code */
	bool printed;           /* of failed: the stage has printed the message
	                         * on its standard error */
	bool replay, lookback;  /* of begin */
	bool piped;             /* of begin: the records came from a pipe
	                         * without marks, so they may have been cut
	                         * off */
	char *cut;              /* of end: the file and the line in which the
	                         * input was cut off, or NULL */
	char *checkpoint;       /* of begin: the name in its checkpoint marks */
	char *files_by;         /* of begin: the stream has whole files only,
	                         * and this member of each record has the path
	                         * of its file; or NULL */
	char *name, *value, *from;      /* of checkpoint; from NULL: no value
	                                 * was stored */
	char *validators;       /* of checkpoint: a JSON object, or NULL */
	bool has_version;       /* always in checkpoint, sometimes in end and
	                         * failed */
	uint64_t version;       /* the version of the stored checkpoint; 0: none
	                         * was stored */
	char *files;            /* of checkpoint: the files that were finished
	                         * since the mark before; of failed: the files
	                         * that are broken; a JSON array, or NULL */
	uint64_t seen, upto;    /* of resolve: the letter's attempts and
	                         * resolved_upto when it was read */
	bool has_seq;
	uint64_t seq;
	struct counts stages[MARK_STAGES];      /* of checkpoint, resolve and
	                                         * end; in begin only the
	                                         * names */
	size_t nstages;
};

bool is_mark_line(const char *line, size_t len);
int mark_parse(struct mark *m, const char *line, size_t len, struct err *e);
void mark_release(struct mark *m);
/* True for checkpoint, resolve and end. Such a mark is a boundary: it has the
 * counts of all records before it. */
bool mark_is_boundary(enum mark_kind k);

/* Appends a copy of a mark with one more stage: to a mark begin adds the name
 * of the stage, to a boundary its counts. Does not change any other member. */
int mark_add_stage(struct buf *out, const char *line, size_t len,
    const struct counts *c, struct err *e);
/* Appends a copy of the mark `line`, in which the member "stages" (the counts
 * of all stages) is replaced by that of the mark `other`. */
int mark_replace_stages(struct buf *out, const char *line, size_t len,
    const char *other, size_t other_len, struct err *e);
/* Appends a copy of the mark checkpoint `line`, and adds the files that the
 * mark checkpoint `older` lists. The mark can then replace both. */
int mark_add_files(struct buf *out, const char *line, size_t len,
    const char *older, size_t older_len, struct err *e);
void mark_put_counts(struct buf *out, const struct counts *c);  /* {...} */
int mark_put_begin(struct buf *out, const struct mark *m, struct err *e);
/* The broken files that a mark failed lists, and the version of the checkpoint
 * that the source has read. */
struct broken_files {
	const char *json;       /* an array */
	uint64_t version;
};
/* Appends the mark failed; `broken` may be NULL. */
int mark_put_failed(struct buf *out, const char *stage, const struct err *why,
    const struct broken_files *broken, struct err *e);
/* Appends the mark columns. `types` is a JSON object: the type of each
 * column. */
int mark_put_columns(
    struct buf *out, const char *types, size_t len, struct err *e);
/* Append a mark checkpoint, resolve or end, as the first stage of a stream
 * writes them; c has the counts of this stage. An end mark gets no seq if seq
 * is 0, and no version if version is NULL. `cut`: see struct mark. */
struct checkpoint_mark {
	const char *name, *value, *from;        /* from NULL: null */
	uint64_t version;
	const char *files;      /* a JSON array, or NULL */
	const char *validators;         /* a JSON object, or NULL */
};
struct resolve_mark {
	const char *id;
	uint64_t seen, upto;
};
int mark_put_checkpoint(struct buf *out, const struct checkpoint_mark *p,
    uint64_t seq, const struct counts *c, struct err *e);
int mark_put_resolve(struct buf *out, const struct resolve_mark *r,
    uint64_t seq, const struct counts *c, struct err *e);
int mark_put_end(struct buf *out, uint64_t seq, const uint64_t *version,
    const char *cut, const struct counts *c, struct err *e);

/* Makes a stage name that is not in `taken`: for example "transform", or
 * "transform.2" if there is already a stage "transform". */
void mark_name_stage(char out[64], const char *name, const struct counts *taken,
    size_t ntaken);

/* Checks the counts in a mark checkpoint, resolve or end: the counts of each
 * stage must add up (else ERR_BUG), and each stage must have read as many
 * records as the stage before it wrote (else ERR_PEER). */
int mark_check_counts(const struct mark *m, struct err *e);
/* Fails with ERR_PEER if the stage `from` wrote another number of records than
 * the next stage `to` read. */
int mark_check_between(const char *from, uint64_t out, const char *to,
    uint64_t in, struct err *e);

#endif
