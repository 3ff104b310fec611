/* Marks: the lines of a stream whose first member is "@etl" (etl-record(5)).
 * Owns:  struct mark owns copies of its texts; mark_release() frees them.
 * Gives: mark_is() tells by the first member's name alone, whatever the white
 *        space or escapes; mark_parse() reads the known members and checks
 *        their types.
 * Fails: ERR_PEER for a mark that is broken or of a newer version. */
#ifndef STREAM_MARK_H
#define STREAM_MARK_H

#include "base/buf.h"
#include "json/scan.h"

#include <stdint.h>

enum mark_kind {
	MARK_UNKNOWN,           /* passed on unchanged */
	MARK_BEGIN, MARK_CHECKPOINT, MARK_RESOLVE, MARK_END,
	MARK_REJECT, MARK_FAILED
};

/* What a stage has done with the records that came, since begin. */
struct counts {
	char stage[64];
	uint64_t in, out, dropped, rejected, aside;
};

enum { MARK_STAGES = 32 };      /* more in one stream: ERR_PEER */

struct mark {
	enum mark_kind kind;
	char *id, *stream, *run, *pipeline, *traceparent;
	char *stage;            /* reject, failed; a replay's begin */
	char *message;          /* failed */
	int code;               /* failed */
	bool replay, lookback;
	char *checkpoint;       /* begin: the name that its marks will have */
	char *name, *value, *from;      /* checkpoint; from NULL: none yet */
	bool has_version;       /* checkpoint; end: if it is there */
	uint64_t version;       /* as read, 0 where there is none */
	uint64_t seen, upto;    /* resolve: attempts, resolved_upto as read */
	bool has_seq;
	uint64_t seq;
	struct counts stages[MARK_STAGES];      /* boundaries; begin: names */
	size_t nstages;
};

bool mark_is(const char *line, size_t len);
int mark_parse(struct mark *m, const char *line, size_t len, struct err *e);
void mark_release(struct mark *m);
bool mark_boundary(enum mark_kind k);   /* checkpoint, resolve, end */

/* The line with one more stage: its name for begin, its counts for a
 * boundary; all other members, known or not, stay as they are. */
int mark_extend(struct buf *out, const char *line, size_t len,
    const struct counts *c, struct err *e);
/* The line with the stages of another boundary in place of its own. */
int mark_restage(struct buf *out, const char *line, size_t len,
    const char *other, size_t other_len, struct err *e);
void mark_put_counts(struct buf *out, const struct counts *c);  /* {...} */
int mark_put_begin(struct buf *out, const struct mark *m, struct err *e);
int mark_put_failed(struct buf *out, const char *stage, const struct err *why,
    struct err *e);
/* What a source writes: one line, with its counts. seq 0, version NULL: end
 * has none. */
struct checkpoint_mark {
	const char *name, *value, *from;        /* from NULL: null */
	uint64_t version;
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
    const struct counts *c, struct err *e);

/* The name made unique among the n given: transform, transform.2, ... */
void mark_stage_name(char out[64], const char *name, const struct counts *c,
    size_t n);

/* What the counts of a boundary can show (protocol.md, order of writes, 1):
 * each stage's own sum (70), each out = next in (76). */
int mark_sums(const struct mark *m, struct err *e);
/* What one stage wrote and the next one read is the same: else ERR_PEER. */
int mark_next(const char *from, uint64_t out, const char *to, uint64_t in,
    struct err *e);

#endif
