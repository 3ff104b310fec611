/* The inside of a stage, shared by stage*.c only. */
#ifndef STREAM_STAGE_IMPL_H
#define STREAM_STAGE_IMPL_H

#include "stream/line_writer.h"
#include "stream/stage.h"

enum stage_state {
	STATE_START,            /* nothing but blank lines has come */
	STATE_PLAIN,
	STATE_OPEN,             /* after begin */
	STATE_ENDED,            /* after end */
	STATE_FAILED            /* after failed */
};

struct stage {
	const struct stage_conf *conf;
	struct lines *in;
	struct out *out;                /* NULL: a sink */
	struct aside *aside;            /* NULL: none */
	struct causes *causes;
	struct reject_limit limit;
	struct reject_who who;          /* a replay has its own pipeline */
	const char *pipeline;           /* of ETL_PIPELINE */
	size_t max_record;
	bool regular, piped;            /* what stdin is */

	enum stage_state state;
	bool made;                      /* the stream starts here */
	bool over;                      /* the input is */
	bool held;                      /* line is yet to be given */
	bool marks;                     /* have come, if only broken ones */
	bool started, closed;           /* out: begin is, no more may be */
	struct mark begin, mark;        /* the stream's, the last one read */
	const struct mark *given;       /* one of them */
	struct line line;               /* the last one read */
	bool has_seq;
	uint64_t seq;                   /* of the last checkpoint, resolve */
	bool has_version;
	uint64_t version;               /* a source: as stage_version() says */
	uint64_t lines[MARK_STAGES];    /* reject lines, as begin.stages */
	uint64_t seen;                  /* all of them */

	struct counts counts;
	uint64_t passed;
	bool judge;                     /* look at the limit once more */
	struct buf text;                /* a mark or reject being written */
	struct buf kept;                /* the checkpoint held back */
	struct err cause;               /* of failed */
	char why[192];
};

void stage_reset(struct stage *s);      /* counts, for a new stream */
/* The stream starts here: begin is made, and written but by a sink. */
int stage_start(struct stage *s, struct err *e);
int stage_cut(struct err *e);           /* sets *e: no end came */
/* begin has come or been made: this stage's name, where rejects go. */
int stage_enter(struct stage *s, struct err *e);
/* passed + dropped + rejected, of which a share may be rejected. */
uint64_t stage_settled(const struct stage *s);

/* The checkpoint held back, before the boundary that has come. */
int stage_put_kept(struct stage *s, struct err *e);

/* A sink's judgement of what came before a boundary. */
void stage_count_line(struct stage *s, const struct mark *m);
int stage_check_sums(const struct stage *s, const struct mark *m,
    struct err *e);

#endif
