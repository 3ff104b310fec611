/* The parts of one run of a pipeline: its script, its lock, its attempts, and
 * the job that makes the attempts. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/buf.h"
#include "base/errval.h"
#include "base/hash.h"
#include "base/retry.h"
#include "control/runs.h"
#include "stderr.h"
#include "stream/run_report.h"
#include "streams.h"

/* The pipeline to execute: a script file, the text of -c, or the text on stdin.
 * Owns:  argv and the text that was read; script_release() frees them.
 * Gives: argv[0] is the file to execute. If that has no "#!" line, argv[-1],
 *        /bin/sh, executes it. `name` is the name of the pipeline if --name is
 *        not given.
 * Fails: ERR_INPUT if the file does not exist, ERR_DENIED, ERR_USAGE if there
 *        is no script. */

struct script {
	const char **argv;
	struct buf path, text;
	char name[256];         /* as long as a file name */
	bool reads_stdin;       /* the script was read from stdin */
};

int script_init(struct script *s, const char *command, char *operands[],
    int n, struct err *e);
void script_release(struct script *s);

/* A lock that lets only one run of a pipeline's name and database execute at a
 * time, for this user on this host. The kernel keeps the lock (F_OFD_SETLK)
 * while a process has the descriptor, which all stages inherit. The process id
 * in the file is only used in messages. There is a lock file in each folder of
 * struct lock_folders. If another run holds one of them, the lock is held.
 * Owns:  fd.
 * Fails: ERR_RETRY at once if another run has the lock. */

/* Finds the folders for the lock files of this user, each named etl-run:
 * $XDG_RUNTIME_DIR if it is set, and always the folder for state:
 * $XDG_STATE_HOME or ~/.local/state, or /tmp/etl-run-UID if the home folder
 * cannot be written. cron does not set XDG_RUNTIME_DIR, and a logout removes
 * it: the second lock, in the folder for state, excludes such runs too.
 * Owns:  the paths and the descriptors.
 * Fails: ERR_DENIED if others may write in a folder, ERR_CREATE. */

enum { LOCK_FOLDERS = 2 };

struct lock_folders {
	char *path[LOCK_FOLDERS];
	size_t n;
};

/* Identifies this machine, this container and this process, and finds out
 * whether the process of another run is alive. The host name is not sufficient,
 * because two containers may have the same one, and the same process ids.
 * Gives: machine_lock_id(): "BOOT:DEVICE:INODE:FILE" of the kernel's boot, the
 *        lock folder and the lock file. Two runs with the same text use the
 *        same lock. machine_namespace(): the inode of the process id namespace.
 * Fails: returns "" if /proc is missing. */

enum { MACHINE_ID = 96, MACHINE_NAMESPACE = 24, MACHINE_BOOT = 37 };

struct machine {
	char boot[MACHINE_BOOT], pid_namespace[MACHINE_NAMESPACE];
	char host_id[HASH_HEX]; /* a hash of /etc/machine-id */
};

/* Sets in r the columns that name this process. r borrows the texts of m. */
void machine_set_process(struct machine *m, struct run *r);
/* See run_take_lease(). The caller holds the lock of r->machine. */
run_is_alive machine_run_is_alive;

struct lock {
	int fd[LOCK_FOLDERS];   /* the lock files, all of them locked */
	size_t n;               /* 0: no lock is held */
	char *reports;          /* path of the file in which the stages report
	                         * their streams: beside the last lock file */
	/* machine_lock_id() of the last folder. */
	char machine[MACHINE_ID];
};

int lock_take(struct lock *l, const char *url, const char *name,
    struct err *e);
/* Writes the id of this process and of the run into the lock files. They are
 * only used in messages. */
void lock_write_holder(const struct lock *l, const char *run);
/* Sets the times of the lock files to now, so that no program that removes old
 * files removes them. */
void lock_touch_files(const struct lock *l);
void lock_release(struct lock *l);
/* Appends two lines: the lock folders, and "free" or who holds the lock. Does
 * not take the lock. */
int lock_put(struct buf *b, const char *url, const char *name, struct err *e);

/* Makes one attempt: writes its row in pipeline_runs (running), executes the
 * pipeline, and writes the outcome to the row (protocol.md, order of writes).
 * Borrows: the job. The database is open only while it is used, so a server may
 *          restart while the pipeline is running.
 * Gives: in *a the exit code and the reason for it. */
struct job {                    /* the same in all attempts */
	const char *name, *url;
	const char *schema;     /* from --control-schema or --env-file, or
				 * NULL */
	bool url_given;         /* the URL comes from --db, not from the
				 * environment */
	const char *env_names;  /* names set by --env-file, a blank before
	                         * each */
	const char *on_failure; /* the command of --on-failure, or NULL */
	struct script script;
	struct lock lock;
	struct retry retry;
	uint64_t timeout;       /* ms, 0: none */
	uint64_t every, jitter; /* ms; every 0: one run only */
	char host[256], traceparent[56];
	bool traced;            /* TRACEPARENT was set by the caller */
	bool no_stdin;          /* the pipeline reads from /dev/null */
	bool tolerates;         /* --tolerate: streams may fail */
	bool verbose;           /* -v was given, or stderr is a terminal */
	struct run_report report;       /* to an etl-run around this one */
	bool appended;          /* an attempt has appended rows without a
				 * checkpoint */
	bool moved;             /* --moved: the last run may have had another
				 * script */
};

struct attempt {
	int number;
	char run[UUID_TEXT];
	char retry_of[UUID_TEXT];       /* the run of the last attempt, or "" */
	int code, signal;       /* exit code; the signal that stopped it, or
	                         * 0 */
	bool held;              /* another run of the pipeline is alive */
	bool started;           /* the row exists, and the script was
				 * executed */
	bool completed;         /* the outcome was written to the row */
	int64_t ms;             /* duration of the script */
	bool script_exited_75;
	bool append_ended;      /* an append is complete, and another attempt
				 * would append its rows again: the exit code is
				 * 74, not 75 */
	struct run_end end;
	struct reports reports; /* what the stages have reported */
	struct buf failed;      /* the streams that failed */
	struct buf message;     /* why it failed; "" after a success */
	struct buf ending;      /* how the script ended; "" if `message` is of
				 * etl-run itself */
	struct tail said;       /* the end of the pipeline's stderr */
};

void attempt_init(struct attempt *a, int number);
void attempt_release(struct attempt *a);
void attempt_run(struct attempt *a, struct job *j);

/* Executes a pipeline under its lock, with its retries and its schedule. Prints
 * a line for each attempt that failed or, if verbose, for every attempt. */

/* Runs the pipeline once or, with --every, at each start time until a stop
 * signal is received. Two runs never overlap. Returns the exit code of the last
 * attempt, and sets *sig to the signal that stopped it, or to 0. */
int job_run(struct job *j, int *sig);

/* --dry-run: prints on stdout what etl-run would execute. Opens no database,
 * creates no file, takes no lock, and prints no values of variables and no
 * passwords.
 * Gives: the exit code. */

int dry_run_print(const struct job *j);

#endif
