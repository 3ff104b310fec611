/* A stage is one program of a pipeline: it reads or starts a stream, counts
 * records, passes marks on in order, and writes rejects.
 * Owns:  reader, writer, counts, rejects. Borrows conf until stage_close().
 * Flow:  open; then next for each line: for a record emit any number of
 *        times and done, or reject; for a mark pass, once the records before
 *        it are done; at the end finish. If a call fails, main calls
 *        stage_flush_and_write_failed_mark(), reports, and after STAGE_STOP
 *        stop_raise_signal_if_received(). */
#ifndef STREAM_STAGE_H
#define STREAM_STAGE_H

#include "stream/lines.h"
#include "stream/mark.h"
#include "stream/reject.h"

struct stage_conf {
	const char *name;               /* "transform" */
	const char *stage;              /* --stage NAME: the stage's name in
	                                 * place of `name`, or NULL */
	bool source;                    /* reads no stream: etl-extract,
	                                 * etl-dlq replay */
	bool reads_stdin;               /* source: standard input is one of its
	                                 * sources */
	bool sink;                      /* writes no stream: etl-load */
	bool plain;                     /* --plain: the input has no marks */
	bool reads_raw;                 /* a raw mark, which carries the bytes
	                                 * of a letter, is a record of the
	                                 * input: etl-extract in a replay */
	char *const *files;             /* read in place of stdin */
	size_t nfiles;                  /* 0: read stdin */
	const char *rejects;            /* --rejects FILE */
	const char *max_rejects;        /* --max-rejects */
	bool checks;                    /* check the counts in the marks, as a
	                                 * sink does: etl-checkpoint save */
	bool bare;                      /* no stage follows: of the marks write
	                                 * only rejects */
	const char *stream;             /* --stream NAME, or NULL */
	const char *first_source;       /* source: the URL or file that names
	                                 * the stream if --stream does not */
	const char *checkpoint;         /* source: checkpoint name in the marks
	                                 * that it writes; NULL: none */
	bool lookback;                  /* source: it reads some records a
	                                 * second time */
	const struct mark *replay;      /* source: pipeline, stream, stage and
	                                 * target of the letters that it
	                                 * replays, or NULL */
	size_t max_record;              /* 0: LINES_MAX */
	const struct stdfd *fds;
};

enum stage_item {
	STAGE_FAILED = -1,
	STAGE_END,              /* the input has ended: call stage_finish() */
	STAGE_RECORD,           /* *line is a record, or is not JSON, or is too
	                         * long */
	STAGE_MARK,             /* *line is a mark: pass it on */
	STAGE_WAIT,             /* nothing was read within the timeout */
	STAGE_STOP              /* a stop signal came, and *e names it: treat
	                         * this as a failure */
};

struct stage;

bool stage_in_run(void);                /* ETL_RUN is set */
int stage_open(struct stage **s, const struct stage_conf *c, struct err *e);
void stage_close(struct stage *s);

/* Reads the next line. TIMEOUT is in ms; -1 waits without limit. Output is
 * flushed before each wait, so a filter that passes -1 never delays records.
 * A stage that holds records back (in a batch, in workers) passes the time
 * that it may still wait, or 0 and then polls stdin together with its own
 * descriptors while stage_next_is_buffered() is false. The line is valid
 * until the next call. A record that is not JSON or is too long is returned
 * as it is: stage_parse_record_or_reject() rejects it. A mark in the wrong
 * place, such as end before begin, is ERR_PEER. The mark failed is returned
 * as STAGE_MARK, and STAGE_END follows. After the mark end another begin may
 * follow (saved streams in one input): stage name, counts and the place of
 * rejects are then those of the new stream. If plain input starts a stream
 * inside etl-run (a file, or --plain), a sink is given a begin and an end
 * mark that are not in the input. */
enum stage_item stage_next(struct stage *s, struct line *l, int timeout,
    struct err *e);
/* Call this after the mark end, or at the end of the input. Returns true if the
 * input itself shows that it is complete: it has the mark end, or it is a
 * regular file. */
bool stage_input_is_complete(const struct stage *s);
/* For a sink, before its first stage_next(), which later returns these lines
 * again. Shows each line that comes next, once: STAGE_RECORD, or STAGE_MARK for
 * a line that looks like a mark; neither is checked. STAGE_END: the input has
 * ended, or about `most` bytes of it are in memory. See lines_look_ahead(). */
enum stage_item stage_look_ahead(struct stage *s, struct line *l, size_t most,
    int timeout, struct err *e);
/* The next stage_look_ahead() shows the first line again. */
void stage_look_ahead_from_start(struct stage *s);
/* True if the whole input was read into memory. */
bool stage_input_has_ended(const struct stage *s);
/* Returns true if stage_next() can return without reading the input. */
bool stage_next_is_buffered(const struct stage *s);
/* Frees memory after a large line, which the caller has copied. */
void stage_shrink_buffer(struct stage *s);
const struct mark *stage_last_mark(
    const struct stage *s); /* after STAGE_MARK */
/* The stream's begin mark (id, run, pipeline). NULL before the first line has
 * been read and in a plain stream. */
const struct mark *stage_begin_mark(const struct stage *s);

/* The outcome of a record. emit writes one output record; it must not look like
 * a mark (ERR_BUG), so check what users can make before. done counts the input
 * record as passed, or as dropped if nothing was emitted for it. A source calls
 * only emit. reject writes the reject, counts it and enforces --max-rejects; if
 * r has no raw or origin, they are taken from l (may be NULL). */
int stage_emit(struct stage *s, const char *rec, size_t len, struct err *e);
/* The same for n records, each with its LF, that were checked before. */
int stage_emit_lines(struct stage *s, const char *lines, size_t len, uint64_t n,
    struct err *e);
void stage_count_as_passed_or_dropped(struct stage *s, bool passed);
/* For etl-dlq replay: write() writes a raw mark without its LF. The mark counts
 * as a record of the output. */
struct out;
int stage_emit_raw_mark(struct stage *s,
    int (*write)(void *self, struct out *o, struct err *e), void *self,
    struct err *e);
int stage_reject(struct stage *s, const struct line *l, struct reject *r,
    struct err *e);
/* Parses a record into j. Returns 1 if j holds an object; 0 if the line is a
 * reject: too long, not JSON, not an object, has a member twice, or looks
 * like a mark (in a source and with --plain); -1 on failure.
 * stage_parse_record_or_fill_reject() only fills *r, whose texts are valid
 * until the next call. stage_parse_record_or_reject() also writes and counts
 * the reject. */
int stage_parse_record_or_fill_reject(struct stage *s, const struct line *l,
    struct json *j, unsigned levels, enum json_members dup, struct reject *r,
    struct err *e);
int stage_parse_record_or_reject(struct stage *s, const struct line *l,
    struct json *j, unsigned levels, enum json_members dup, struct err *e);
/* As stage_parse_record_or_fill_reject(), but several threads may call it at
 * the same time: the message of *r is in `why`. */
enum { STAGE_WHY = 192 };
int stage_parse_record_in_thread(const struct stage *s, const struct line *l,
    struct json *j, unsigned levels, enum json_members dup, struct reject *r,
    char why[STAGE_WHY], struct err *e);

/* Marks. A source calls begin first, and checkpoint or resolve after the
 * records that the mark covers have been emitted or rejected; these
 * functions add the sequence number and the counts.
 * stage_set_checkpoint_version() takes the version of the checkpoint that
 * the source has read. The mark end carries it, so that the loader can
 * refuse old values even if the stream has no checkpoint mark. pass writes
 * the mark of STAGE_MARK with this stage's counts added; a sink need not
 * call it. */
int stage_start_marked_or_plain_source(struct stage *s, struct err *e);
void stage_set_checkpoint_version(struct stage *s, uint64_t version);
/* The mark failed will list these files. */
int stage_set_broken_files(
    struct stage *s, const struct broken_files *b, struct err *e);
int stage_write_checkpoint(struct stage *s, const struct checkpoint_mark *p,
    struct err *e);
int stage_check_write_and_flush_resolve(
    struct stage *s, const struct resolve_mark *r, struct err *e);
int stage_check_counts_and_pass_mark(struct stage *s, struct err *e);
/* For etl-via, which does not know which output belongs to which record: hold
 * keeps the checkpoint mark of STAGE_MARK, in place of one kept before, until a
 * resolve or end mark is passed; the checkpoint is then written before that
 * mark, with the counts of that mark. stage_undo_passed() counts n records,
 * which were counted as passed, as dropped instead. */
int stage_replace_held_checkpoint_by_line(struct stage *s, struct err *e);
void stage_undo_passed(struct stage *s, uint64_t n);
int stage_flush(struct stage *s, struct err *e);

/* After STAGE_END, or after the last record of a source: writes end (a source),
 * checks this stage's counts (ERR_BUG), flushes. A stream that was cut off is
 * ERR_RETRY, transient. If a stage upstream failed, *e has its code and
 * message. */
int stage_finish(struct stage *s, struct err *e);
/* Writes the records that are still in the buffer: those before the failure.
 * Then writes the mark failed with *why, if the stream is marked and no failed
 * or end mark is in it yet. Never fails. Open the stage before anything that
 * can fail, so that the stages after this one learn why. For failures before
 * that (wrong options) call stage_write_failed_mark_early(), which writes
 * only inside etl-run and to a pipe; not for a sink. */
void stage_flush_and_write_failed_mark(struct stage *s, const struct err *why);
void stage_write_failed_mark_early(const char *name, const struct err *why);
/* The same, also outside etl-run: for a program whose streams are always
 * marked. */
void stage_write_failed_mark_if_pipe(const char *name, const struct err *why);

/* Reports to etl-run. stage_flush_and_write_failed_mark() and stage_finish()
 * report by themselves. A loader reports its ledger row before its first
 * commit; in stage_report_failed(), maybe_loaded says that the answer to a
 * COMMIT was lost. stage_report_failed_early() is for failures before
 * stage_open(), in a program that does not call
 * stage_write_failed_mark_early(). */
struct run_report_load;
int stage_report_load(struct stage *s, const struct run_report_load *load,
    struct err *e);
void stage_report_failed(
    struct stage *s, const struct err *why, bool maybe_loaded);
void stage_report_failed_early(const char *name, const struct err *why);

const struct counts *stage_counts(const struct stage *s);
const char *stage_name(const struct stage *s);  /* unique in the stream */
struct reject_who *stage_who(struct stage *s);

/* For a sink. It writes its rejects itself, just before the commit, because
 * a batch that is repeated is checked again. At each boundary the counts of
 * all stages before it are checked before STAGE_MARK is returned.
 * stage_write_uncounted_to_reject_file() writes a reject line, given with
 * its LF, to the reject file. If there is no place for rejects, it fails
 * with advice (ERR_DATA). stage_reject_lines() is the number of reject lines
 * that the input had, of all stages. */
enum reject_way stage_reject_way(const struct stage *s);
const struct limit *stage_limit(const struct stage *s);
uint64_t stage_reject_lines(const struct stage *s);
/* Sets the error for a program that must reject the record of *r, but has
 * neither --rejects nor descriptor 3 nor a stream to write rejects to. The
 * message names the place of the record and says how to give such a place; if r
 * is NULL, it only says how. Returns -1. */
int stage_set_no_reject_place_error(
    const struct stage *s, const struct reject *r, struct err *e);
int stage_write_uncounted_to_reject_file(
    struct stage *s, const char *line_with_lf, size_t len, struct err *e);
/* True if rejects are written to the file that *st describes. */
struct stat;
bool stage_rejects_go_to(const struct stage *s, const struct stat *st);

#endif
