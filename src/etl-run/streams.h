/* Reads what the stages of a run have reported about their streams (see
 * stream/run_report.h), and finds the streams that failed.
 * Owns:  all texts; reports_release() frees them. reports_read() fills `found`
 *        with pointers to them.
 * Rules: a stream is whole if every stage that no etl stage follows has read it
 *        to its end. A failure does not count if the same commands have later
 *        read the same files with success. */
#ifndef RUN_STREAMS_H
#define RUN_STREAMS_H

#include "base/buf.h"
#include "control/runs.h"

enum report_state { REPORT_BEGUN, REPORT_ENDED, REPORT_FAILED };

struct report {                 /* one stream in one process */
	enum report_state state;
	char *process;
	char *id, *stream;      /* id is NULL: no stream has begun */
	char *path;             /* names of the stages up to this one: a/b */
	char *command;          /* hash of the command line, or NULL */
	char *files;            /* hash of the files that it reads; NULL:
				 * none */
	char *in, *out;         /* names of the pipes that it reads and writes;
	                         * NULL: no pipe */
	char *load_id, *target; /* key of its row in the ledger; NULL: it is not
				 * a loader */
	char *message;          /* why it failed */
	bool replay;            /* the stream is a replay of letters */
	bool reads_pipe;        /* its input is a pipe: a repetition may read
				 * other data */
	bool appends;           /* it appends rows, without a checkpoint */
	bool maybe_loaded;      /* the answer to a COMMIT was lost */
	bool upstream;          /* an earlier stage of the run has failed */
	bool reader_failed;     /* the next stage failed before it had read */
	bool nested;            /* it is no stage but an etl-run inside the run;
				 * path is its name */
	bool appended;          /* it has appended rows, without a
				 * checkpoint */
	bool last;              /* no other stage of the run reads its output */
	int code;               /* exit code, if it failed */
	bool writes_pipe;
	int64_t rejects;        /* number of rejects that it sent into this
				 * pipe */
	/* If not NULL, this is not the report of a stage but of etl-dlq put. It
	 * has read the stream with this id after the stage with this path, and
	 * has stored the rejects in it. */
	char *stored_id, *stored_path;
	int64_t stored;         /* number of these rejects */
	size_t begun_at, ended_at;      /* numbers of the lines that say so */
};

struct reports {
	char *run;              /* its uuid */
	struct report *v;
	size_t n, room, lines;
	struct run_load *open, *repeated;
	struct buf failed, lost;
	struct run_streams found;
	int code;               /* exit code of the first failure; 75 if a
				 * stream only did not end; 0 if all are
				 * whole */
	bool append_ended;      /* an append without a checkpoint is complete,
	                         * or it is not known whether it is */
	bool nested_appended;   /* an etl-run inside the run has appended rows
				 * without a checkpoint */
};

void reports_init(struct reports *r);
/* Creates the file for the reports of a run. Replaces an older file. */
int reports_create(const char *path, const char *run, struct err *e);
/* Reads the file. If there is none, r->run is NULL. A line that cannot be
 * parsed counts as a stream that failed. */
int reports_read(struct reports *r, const char *path, struct err *e);
void reports_release(struct reports *r);

/* Warns if two processes of a run had the same stage name in streams of the
 * same name. A dead letter (a stored reject) is identified by these names and
 * the record. So if both processes reject the same record there is only one
 * letter, and a replay of this stage and stream mixes the records of both. */

/* Prints at most two warnings: one about branches of one stream, one about
 * several streams. Prints none if memory is out. `pipeline` is the name that
 * the warning shows. */
void same_names_warn(const struct reports *r, const char *pipeline);

#endif
