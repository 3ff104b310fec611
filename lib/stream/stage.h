/* A stage: the part of a program that reads a stream, or starts one, keeps
 * its counts, passes marks on in order and writes rejects where they go.
 * Owns:  reader, writer, counts, rejects. Borrows conf until stage_close().
 * Flow:  open; next .. (emit* then done, or reject, for each record; pass for
 *        each mark, once all records before it are done); finish.
 * Fails: as a value; main then calls stage_fail(), which writes the failed
 *        mark, reports it, and after STAGE_STOP calls stop_die(). */
#ifndef STREAM_STAGE_H
#define STREAM_STAGE_H

#include "stream/lines.h"
#include "stream/mark.h"
#include "stream/reject.h"

struct stage_conf {
	const char *name;               /* "transform" */
	bool source;                    /* starts a stream, reads none */
	bool sink;                      /* writes no stream: the loader */
	bool plain;                     /* --plain: the input has no marks */
	char *const *files;             /* read in place of stdin, unless */
	size_t nfiles;                  /* there are none */
	const char *rejects;            /* --rejects FILE */
	const char *max_rejects;        /* --max-rejects */
	bool checks;                    /* a filter that acts on boundaries: has
	                                 * their sums checked, as a sink */
	bool bare;                      /* a filter with no stage behind it: of
	                                 * marks, only rejects are written */
	const char *stream;             /* source: --stream NAME, or NULL */
	const char *checkpoint;         /* source: the name its marks will
	                                 * have, or NULL; it marks the stream */
	bool lookback;                  /* source: some records come again */
	const struct mark *replay;      /* source: pipeline and stage of the
	                                 * letters; the stream is marked */
	size_t max_record;              /* 0: LINES_MAX */
	const struct stdfd *fds;
};

enum stage_item {
	STAGE_FAILED = -1,
	STAGE_END,              /* input is over: call stage_finish() */
	STAGE_RECORD,           /* *line is a record, or no JSON, or too long */
	STAGE_MARK,             /* a mark waits in *line: call stage_pass() */
	STAGE_WAIT,             /* nothing came in time: look around */
	STAGE_STOP              /* a stop signal; *e says so: as a failure */
};

struct stage;

bool stage_in_run(void);                /* ETL_RUN is set */
int stage_open(struct stage **s, const struct stage_conf *c, struct err *e);
void stage_close(struct stage *s);

/* Reads stdin; timeout in ms, -1 waits. Output is flushed before every wait,
 * so with -1 a filter streams at once and needs no STAGE_WAIT. A stage that
 * holds records back (a batch, workers) gives the time it has left, or 0 and
 * polls 0 beside its own descriptors while stage_ready() is false.
 * A record that is no JSON or too long is given as it is: see stage_scan().
 * The line holds until the next call. Marks are checked for order: end
 * before begin and the like are ERR_PEER; a failed mark is STAGE_MARK, and
 * then comes the end. After end a new begin may follow (saved streams, one
 * after the other): name, counts and way are then those of the new stream.
 * A sink gets begin and end marks also where a file or --plain starts a
 * stream inside etl-run: made here, and not in the input. */
enum stage_item stage_next(struct stage *s, struct line *l, int timeout,
    struct err *e);
bool stage_ready(const struct stage *s);        /* next needs no read */
void stage_trim(struct stage *s);       /* the line, a large one, is kept */
const struct mark *stage_mark(const struct stage *s);   /* after STAGE_MARK */
/* The stream's begin mark (id, run, pipeline), known after the first line;
 * NULL in a plain stream. */
const struct mark *stage_stream(const struct stage *s);

/* Outcomes of records. emit writes one record out (ERR_BUG for one that
 * mark_is(): judge what users made first); done closes an input record:
 * passed, or dropped where nothing was emitted for it. A source calls emit
 * alone. reject writes the reject, counts it and enforces the limit; l (NULL
 * where there is none) gives raw and origin where r has none. */
int stage_emit(struct stage *s, const char *rec, size_t len, struct err *e);
void stage_done(struct stage *s, bool passed);
int stage_reject(struct stage *s, const struct line *l, struct reject *r,
    struct err *e);
/* The usual start with a record: too long, no JSON, no object, reserved (with
 * --plain, or where data enters) or twice a member is a reject. judge only
 * fills *r (texts hold until the next call) and leaves it to the caller, a
 * sink for one; scan writes it.
 * Returns 1 if j holds an object, 0 if it is a reject, -1 failed. */
int stage_judge(struct stage *s, const struct line *l, struct json *j,
    unsigned levels, enum json_members dup, struct reject *r, struct err *e);
int stage_scan(struct stage *s, const struct line *l, struct json *j,
    unsigned levels, enum json_members dup, struct err *e);

/* Marks. begin for a source, and its boundaries: what they cover has been
 * emitted or rejected; seq and counts are added here, and end has that seq.
 * version is that of the checkpoint as read: end tells it, so that a stream
 * without checkpoint marks cannot put old values over new.
 * pass writes the mark of STAGE_MARK with this stage added (a sink need not
 * call it). */
int stage_begin(struct stage *s, struct err *e);
void stage_version(struct stage *s, uint64_t version);
int stage_checkpoint(struct stage *s, const struct checkpoint_mark *p,
    struct err *e);
int stage_resolve(struct stage *s, const struct resolve_mark *r, struct err *e);
int stage_pass(struct stage *s, struct err *e);
/* For a stage that cannot tell which records come of which: hold keeps the
 * checkpoint of STAGE_MARK back, the last one only, until a resolve or end is
 * passed, and then writes it before that, with its counts; undone makes n of
 * the records done as passed dropped. */
int stage_hold(struct stage *s, struct err *e);
void stage_undone(struct stage *s, uint64_t n);
int stage_flush(struct stage *s, struct err *e);

/* After STAGE_END, or a source's last record: writes end (a source), checks
 * the own sum (ERR_BUG), flushes. A cut stream is ERR_RETRY, transient; a
 * stream that failed upstream gives that code and message. */
int stage_finish(struct stage *s, struct err *e);
/* The failed mark with *why, if the stream is marked and can take it. Never
 * fails. Open the stage before anything that may fail, so that the stages
 * after this one learn why; stage_fail_early() is for what fails before that
 * (options), and writes only inside etl-run, to a pipe; not for a sink. */
void stage_fail(struct stage *s, const struct err *why);
void stage_fail_early(const char *name, const struct err *why);

const struct counts *stage_counts(const struct stage *s);
const char *stage_name(const struct stage *s);  /* unique in the stream */
struct reject_who *stage_who(struct stage *s);

/* For a sink, which judges a batch anew when it tries it again and so writes
 * its rejects itself, last thing before the commit. At each boundary the sums
 * of all stages before it are checked before STAGE_MARK (so with checks).
 * stage_aside() takes a line with its LF; it is also what to call where there
 * is nowhere to write: it fails with the advice (ERR_DATA). stage_seen() are
 * the reject lines that came, of all stages. */
enum reject_way stage_way(const struct stage *s);
const struct reject_limit *stage_limit(const struct stage *s);
uint64_t stage_seen(const struct stage *s);
int stage_aside(struct stage *s, const char *line, size_t len,
    struct err *e);
/* Rejects leave for the file that *st is of. */
struct stat;
bool stage_aside_is(const struct stage *s, const struct stat *st);

#endif
