/* A stage is one program of a pipeline: it reads or starts a stream, counts
 * records, passes marks on in order, and writes rejects.
 * Borrows: *c of stage_open() until stage_close().
 * Flow:  stage_open(); stage_next() for each line; an outcome for each record:
 *        stage_count_input() or a reject. For a mark, once all records before
 *        it have one, stage_pass(). Then stage_end(). After a failure
 *        stage_fail(). */
#ifndef STREAM_STAGE_H
#define STREAM_STAGE_H

#include "base/buf.h"
#include "json/scan.h"
#include "stream/lines.h"
#include "stream/mark.h"
#include "stream/reject.h"

#include <stdint.h>

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
	bool marked;                    /* --marked: a file or terminal may hold
	                                 * a stream that moves a checkpoint or
	                                 * closes letters, as a pipe may */
	bool reads_raw;                 /* a raw mark (the bytes of a letter)
	                                 * counts as a record of the input:
	                                 * etl-extract in a replay */
	char *const *files;             /* files to read instead of standard
	                                 * input */
	size_t nfiles;                  /* 0: read stdin */
	const char *rejects;            /* --rejects FILE */
	const char *max_rejects;        /* --max-rejects */
	bool checks;                    /* check the counts in the marks, as a
	                                 * sink does: etl-checkpoint save */
	bool bare;                      /* etl-checkpoint save --no-marks: write
	                                 * no marks except rejects */
	const char *stream;             /* --stream NAME, or NULL */
	const char *first_source;       /* source: the URL or file from which
	                                 * the name of the stream is made if
	                                 * --stream is not given */
	const char *checkpoint;         /* source: checkpoint name in the marks
	                                 * that it writes; NULL: none */
	const char *files_by;           /* source: it reads whole files, whose
	                                 * paths are in this member; or NULL */
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
	STAGE_END,              /* the input has ended: call
	                         * stage_end() */
	STAGE_RECORD,           /* *line is a record, or is not JSON, or is too
	                         * long */
	STAGE_MARK,             /* *line is a mark: pass it on */
	STAGE_WAIT,             /* nothing was read within the timeout */
	STAGE_STOP              /* a stop signal came, and *e names it: treat
	                         * this as a failure; at the end main calls
	                         * stop_raise() */
};

struct stage;

bool stage_in_etl_run(void);                /* ETL_RUN is set */
int stage_open(struct stage **s, const struct stage_conf *c, struct err *e);
void stage_close(struct stage *s);

/* Reads the next line, which is valid until the next call. TIMEOUT is in ms; -1
 * waits without limit. The output is flushed before each wait, so a filter that
 * passes -1 never delays records. A stage that holds records back (in a batch
 * or in workers) passes the time that it may still wait. Or it passes 0, and
 * polls stdin together with its own descriptors while stage_is_ready() is
 * false. A record that is not JSON or is too long is returned as it is;
 * stage_parse() rejects it. A mark in the wrong place, such as end before
 * begin, fails with ERR_PEER. The mark failed is returned as STAGE_MARK; the
 * next call returns STAGE_END. If the input consists of several saved streams,
 * a mark begin may follow the mark end: the stage then has the name, counts and
 * place of rejects of the new stream. If a sink reads plain input inside
 * etl-run (a file, or with --plain), it gets a begin and an end mark that are
 * not in the input. */
enum stage_item stage_next(struct stage *s, struct line *l, int timeout,
    struct err *e);
/* Call this after the mark end, or at the end of the input. Returns true if the
 * input cannot have been cut off: it has the mark end, or it is a regular
 * file. */
bool stage_is_complete(const struct stage *s);
/* Call this after the mark end, or at the end of the input. If the input was
 * visibly cut off, returns the file and the line: the last line of a file or
 * pipe without marks has no newline and is no JSON object, or the mark end says
 * so. Else returns NULL. */
const char *stage_find_cut(const struct stage *s);
/* For a source: its file ends in the middle of the record in this line. The
 * mark end will say so. */
int stage_note_cut(struct stage *s, const char *file, uint64_t line,
    struct err *e);
/* For a sink, before its first stage_next(): returns the next line without
 * consuming it, as lines_look_ahead() does. stage_next() later returns all
 * lines from the first one on. STAGE_MARK is a line that looks like a mark;
 * marks and records are not checked. STAGE_END: the input has ended, or about
 * `most` bytes of it are in memory. */
enum stage_item stage_look_ahead(struct stage *s, struct line *l, size_t most,
    int timeout, struct err *e);
/* After this, stage_look_ahead() starts at the first line again. */
void stage_restart_ahead(struct stage *s);
/* True if the whole input was read into memory. */
bool stage_has_ended(const struct stage *s);
/* Returns true if stage_next() can return a line without reading more input. */
bool stage_is_ready(const struct stage *s);
/* Frees the memory of a large line. Call this when the line was copied. */
void stage_shrink(struct stage *s);
const struct mark *stage_last_mark(
    const struct stage *s); /* after STAGE_MARK */
/* Returns the stream's begin mark (id, run, pipeline). Returns NULL if the
 * stream is plain or its first line was not read yet. */
const struct mark *stage_begin_mark(const struct stage *s);

/* stage_emit() writes one output record. A record that looks like a mark is
 * ERR_BUG, so first check a record whose form a user decides.
 * stage_count_input() counts an input record as passed, or as dropped if
 * nothing was emitted for it; a source does not call it. stage_reject() writes
 * the reject, counts it and enforces --max-rejects. If r has no raw or origin,
 * stage_reject() takes them from l (may be NULL). */
int stage_emit(struct stage *s, const char *rec, size_t len, struct err *e);
/* Like stage_emit() for n records, each with its LF. The caller has checked
 * that none of them looks like a mark. */
int stage_emit_lines(struct stage *s, const char *lines, size_t len, uint64_t n,
    struct err *e);
void stage_count_input(struct stage *s, bool passed);
/* For etl-dlq replay: calls write() to write a raw mark without its LF, and
 * counts the mark as a record of the output. */
struct out;
int stage_emit_raw(struct stage *s,
    int (*write)(void *self, struct out *o, struct err *e), void *self,
    struct err *e);
int stage_reject(struct stage *s, const struct line *l, struct reject *r,
    struct err *e);
/* Parses a record into j. Returns 1 if j holds an object; -1 on failure; 0 if
 * the line is a reject: it is too long, not JSON, not an object, has a member
 * twice, or looks like a mark (in a source and with --plain). If it is a
 * reject, stage_parse_only() only fills *r, whose texts are valid until the
 * next call; stage_parse() also writes and counts the reject. */
int stage_parse_only(struct stage *s, const struct line *l, struct json *j,
    unsigned levels, enum json_members dup, struct reject *r, struct err *e);
int stage_parse(struct stage *s, const struct line *l, struct json *j,
    unsigned levels, enum json_members dup, struct err *e);
/* Like stage_parse_only(), but several threads may call it at the same time.
 * The message of *r is stored in `why`. */
int stage_parse_shared(const struct stage *s, const struct line *l,
    struct json *j, unsigned levels, enum json_members dup, struct reject *r,
    char why[REJECT_WHY], struct err *e);

/* A source first calls stage_begin_source(). Later it writes a mark checkpoint
 * or resolve after the records that the mark covers were emitted or rejected.
 * These functions add the sequence number and the counts. stage_set_version()
 * sets the version of the checkpoint that the source has read. The mark end
 * carries it, so that the loader can refuse old values even if the stream has
 * no checkpoint mark. stage_pass() writes the mark that stage_next() has
 * returned, with this stage's counts added; a sink need not call it. */
int stage_begin_source(struct stage *s, struct err *e);
void stage_set_version(struct stage *s, uint64_t version);
/* Sets the files that the mark failed will list if this stage fails. */
int stage_set_broken_files(
    struct stage *s, const struct broken_files *b, struct err *e);
int stage_checkpoint(struct stage *s, const struct checkpoint_mark *p,
    struct err *e);
int stage_resolve(struct stage *s, const struct resolve_mark *r, struct err *e);
int stage_pass(struct stage *s, struct err *e);
/* For a source, before the records of these columns: writes the mark columns
 * if the stream is marked. `types`: see mark_put_columns(). */
int stage_write_columns(struct stage *s, const char *types, size_t len,
    struct err *e);
/* For etl-via, which does not know which output belongs to which record.
 * stage_hold() holds the checkpoint mark back that stage_next() has returned,
 * in place of one that is held already. It is written just before the next
 * resolve or end mark, with the counts of that mark. stage_drop_passed() counts
 * n records as dropped that were counted as passed. */
int stage_hold(struct stage *s, struct err *e);
void stage_drop_passed(struct stage *s, uint64_t n);
int stage_flush(struct stage *s, struct err *e);

/* Call this after STAGE_END; a source calls it after its last record. A source
 * writes the mark end. Flushes the output. Fails with ERR_BUG if this stage's
 * counts do not add up, and with a transient ERR_RETRY if the stream was cut
 * off. If an earlier stage has failed, *e has the code and message of that
 * failure. */
int stage_end(struct stage *s, struct err *e);
/* Writes the output records before the failure, which are still in the buffer,
 * and then the mark failed with *why. Writes no mark if the stream is plain or
 * already has a mark failed or end. Never fails. Open the stage before anything
 * that can fail, so that later stages learn of the failure. If the program
 * fails earlier (wrong options), it calls stage_fail_early(), which writes the
 * mark only inside etl-run and to a pipe; a sink does not call it. */
void stage_fail(struct stage *s, const struct err *why);
void stage_fail_early(const char *name, const struct err *why);
/* Like stage_fail_early(), but also writes outside etl-run. It is for a program
 * whose streams always have marks. */
void stage_fail_pipe(const char *name, const struct err *why);

/* Reports to etl-run. stage_end() and stage_fail() send their reports
 * themselves. A loader calls stage_report_load() before its first commit, to
 * report its ledger row. In stage_report_failed(), maybe_loaded is true if the
 * answer to a COMMIT was lost. stage_report_early() reports a failure before
 * stage_open() in a program that does not call stage_fail_early(). */
struct run_report_load;
int stage_report_load(struct stage *s, const struct run_report_load *load,
    struct err *e);
void stage_report_failed(
    struct stage *s, const struct err *why, bool maybe_loaded);
void stage_report_early(const char *name, const struct err *why);

const struct counts *stage_counts(const struct stage *s);
const char *stage_name(const struct stage *s);  /* unique in the stream */
struct reject_who *stage_reject_who(struct stage *s);

/* For a sink. A sink checks the records of a batch again if the batch is
 * repeated. So it writes its rejects itself, just before the commit, with
 * stage_write_aside(). This function fails with advice (ERR_DATA) if there is
 * no place for rejects. Before stage_next() returns a boundary, it has checked
 * the counts of all earlier stages. stage_reject_lines() returns how many
 * reject lines the input had. */
enum reject_way stage_reject_way(const struct stage *s);
const struct limit *stage_limit(const struct stage *s);
uint64_t stage_reject_lines(const struct stage *s);
/* Sets the error for a program that must reject the record of *r, but has
 * neither --rejects nor descriptor 3 nor a stream to write rejects to. The
 * message names the record (not if r is NULL) and says how to give a place for
 * rejects. Returns -1. */
int stage_no_reject_place(const struct stage *s, const struct reject *r,
    struct err *e);
int stage_write_aside(struct stage *s, const char *line_with_lf, size_t len,
    struct err *e);
/* True if rejects are written to the file that *st describes. */
struct stat;
bool stage_reject_file_is(const struct stage *s, const struct stat *st);

/* The names of streams and stages: the default name of a stream, and the checks
 * of the names that --stream and --stage give.
 * Gives: a default name that is the same in every run, because it is a part of
 *        the id of a dead letter (a stored reject).
 * Fails: ERR_USAGE for a name that cannot be used. */

/* Appends the default name of a stream. For a URL this is the last part of its
 * path ("posts" for https://h/api/posts?x=1), or the host if there is no path.
 * For a file it is the name without the folder. If SOURCE is NULL or "-", it is
 * the name of the file that standard input reads, or "stdin" if that is a
 * pipe. */
void stream_name_put(struct buf *b, const char *source);

/* Checks the values of the options --max-record and --duplicate-members, which
 * all programs that read records have.
 * Gives: *members: whether a record in which a member is repeated is an error,
 *        or is read with the last value of the member.
 * Fails: ERR_USAGE. */

int record_options_check(uint64_t max_record, const char *duplicates,
    enum json_members *members, struct err *e);

#endif
