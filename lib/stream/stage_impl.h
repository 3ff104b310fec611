/* The fields of a stage, which only stage*.c may see. */
#ifndef STREAM_STAGE_IMPL_H
#define STREAM_STAGE_IMPL_H

#include "stream/line_writer.h"
#include "stream/stage.h"

enum stage_state {
	STATE_START,            /* no line has been read, except blank ones */
	STATE_PLAIN,            /* the stream has no marks */
	STATE_OPEN,             /* after the mark begin */
	STATE_ENDED,            /* after the mark end */
	STATE_FAILED            /* after the mark failed */
};

struct stage {
	const struct stage_conf *conf;
	struct lines *in;
	struct out *out;                /* NULL: a sink */
	struct reject_file *aside;            /* the reject file; NULL: none */
	struct causes *causes;
	struct reject_limit limit;
	struct reject_who who;          /* in rejects; a replay has the
	                                 * pipeline of the letters */
	const char *pipeline;           /* of ETL_PIPELINE */
	size_t max_record;
	bool regular, piped;            /* kind of the input */

	enum stage_state state;
	bool made;                      /* this stage starts the stream */
	bool over;                      /* the input has ended */
	bool held;                      /* line was read, not yet returned */
	bool marks;                     /* a mark was read, valid or not */
	bool started, closed;           /* begin, and end or failed, are
	                                 * written */
	struct mark begin, mark;        /* the stream's begin; the last mark */
	const struct mark *given;       /* that stage_next() returned last */
	struct line line;               /* the last one read */
	bool has_seq;
	uint64_t seq;                   /* of the last checkpoint, resolve */
	bool has_version;
	uint64_t version; /* a source: see stage_set_checkpoint_version() */
	uint64_t lines[MARK_STAGES];    /* reject lines read, for each stage
	                                 * in begin.stages */
	uint64_t seen;                  /* reject lines read, in all */

	struct counts counts;
	uint64_t passed;
	bool judge;                     /* check --max-rejects at the next
	                                 * stage_next() */
	struct buf text;                /* a mark or reject being written */
	struct buf kept;                /* the checkpoint that is held back */
	struct err cause;               /* what the mark failed says */
	char why[192];
};

/* Sets all counts to 0, for a new stream. */
void stage_reset_counts(struct stage *s);
/* Starts a stream here: makes the mark begin and, if this stage is no sink,
 * writes it. */
int stage_start_stream(struct stage *s, struct err *e);
/* Sets *e: the stream has no end mark. Returns -1. */
int stage_set_cut_error(struct err *e);
/* After begin was read or made: sets the name of this stage in the stream and
 * where its rejects go. */
int stage_set_name(struct stage *s, struct err *e);
/* The number of records whose outcome is known: passed, dropped, rejected. */
uint64_t stage_known_outcomes(const struct stage *s);

/* Writes the checkpoint that is held back before the boundary just read. */
int stage_put_held_checkpoint(struct stage *s, struct err *e);

/* A sink counts the reject lines and compares all counts at each boundary. */
void stage_count_reject_line(struct stage *s, const struct mark *m);
int stage_check_all_counts(const struct stage *s, const struct mark *m,
    struct err *e);

#endif
