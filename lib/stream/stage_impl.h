/* Declarations that only stage*.c share: the fields of a stage. */
#ifndef STREAM_STAGE_IMPL_H
#define STREAM_STAGE_IMPL_H

#include "stream/line_writer.h"
#include "stream/reject.h"
#include "stream/run_report.h"

struct stage_conf;

/* What has been read of the input. A mark is a line that is no record: its
 * first member is "@etl". */
enum stage_state {
	STATE_START,            /* no line yet, except blank ones */
	STATE_PLAIN,            /* the input has no marks: plain NDJSON */
	STATE_OPEN,             /* the mark begin, the first line of a stream,
	                         * was read, or `made` is true */
	STATE_ENDED,            /* the mark end was read (or made) */
	STATE_FAILED            /* the mark failed was read: a stage before
	                         * this one has failed */
};

struct stage {
	const struct stage_conf *conf;
	struct lines *in;               /* NULL: a source, which reads none */
	struct out *out;                /* NULL: a sink, which writes none */
	struct reject_file *aside;      /* the reject file; NULL: none */
	struct causes *causes;          /* rejects counted by cause */
	struct limit limit;      /* of --max-rejects */
	struct reject_who who;          /* in rejects; a replay has the
	                                 * pipeline of the letters */
	const char *pipeline;           /* of ETL_PIPELINE */
	size_t max_record;              /* bytes, of --max-record */

	/* About the input. */
	bool regular;                   /* the input is files, or standard input
	                                 * is a file */
	bool begun_before;              /* standard input is a file that another
	                                 * program has read in part */
	bool piped;                     /* standard input is a pipe or socket */
	enum stage_state state;
	bool made;                      /* this stage makes begin and end
	                                 * itself: it is a source, or its input
	                                 * has no mark begin */
	bool over;                      /* the end of the input was reached */
	char *cut;                      /* the file and the line in which input
	                                 * without marks was cut off, or NULL */
	bool held;                      /* `line` was read, but the sink first
	                                 * gets the begin mark that was made
	                                 * here; the next stage_next() returns
	                                 * the line */
	bool marks;                     /* a mark other than a reject was read,
	                                 * or a broken mark */
	struct mark begin, mark;        /* the stream's begin; the last mark */
	const struct mark *given;       /* mark that stage_next() returned */
	struct line line;               /* last line read; line.torn: it is the
	                                 * last of the input and has no LF */
	bool has_seq;                   /* seq is set */
	uint64_t seq;                   /* number of the last checkpoint or
	                                 * resolve that was read or written */
	uint64_t lines[MARK_STAGES];    /* reject lines read, for each stage
	                                 * in begin.stages */
	uint64_t seen;                  /* reject lines read, in all */

	/* About the output. */
	bool started;                   /* the mark begin was written */
	bool closed;                    /* end or failed was written */
	bool has_version;               /* version is set */
	uint64_t version;               /* stage_set_version() */
	char *broken_json;              /* for the mark failed, or NULL */
	struct broken_files broken;
	struct counts counts;           /* of this stage, with its name */
	uint64_t passed;                /* records that led to output */
	bool judge;                     /* the outcome of 20 records is known,
	                                 * so a percentage of --max-rejects
	                                 * counts from now on: the next
	                                 * stage_next() must check it */
	struct buf text;                /* a mark or reject being written */
	struct buf kept;                /* the checkpoint that is held back */
	struct err cause;               /* error in the mark failed */
	char why[REJECT_WHY];            /* message of a reject */
	struct run_report report;       /* for etl-run */
};

/* Returns the name of --stage, or else of the program. mark_name_stage() makes
 * it unique in the stream. */
const char *stage_wanted_name(const struct stage *s);
/* Sets all counts to 0. Call this when a new stream begins. */
void stage_reset_counts(struct stage *s);
/* Starts a marked stream in this stage: sets `made`, makes the mark begin and,
 * unless this stage is a sink, writes it. */
int stage_begin_stream(struct stage *s, struct err *e);
/* Reports to etl-run that this stage is going to read a stream. */
int stage_report_open(struct stage *s, struct err *e);
/* Sets the error for a stream that has no end mark. Returns -1. */
int stage_set_cut_error(struct err *e);
/* Sets the stage name and pipeline that rejects and marks of this stage get,
 * and reports the begin of the stream to etl-run. Call this after begin was
 * read. */
int stage_join_stream(struct stage *s, struct err *e);
/* Returns how many records have an outcome: passed, dropped or rejected. */
uint64_t stage_count_outcomes(const struct stage *s);
/* Returns the counts that --max-rejects limits. `ended` is true at the end of
 * the stream. */
struct reject_tally stage_reject_tally(const struct stage *s, bool ended);
/* Fails with ERR_LIMIT if this stage has rejected more than --max-rejects
 * allows. */
int stage_check_limit(const struct stage *s, bool ended, struct err *e);

#endif
