/* The state of the loader: it loads a stream into tables.
 * Owns:  all of it (open.h).
 * Flow:  load.c adds the lines of a batch to the spool, then batch_commit()
 *        applies them to the tables in one transaction. */
#ifndef LOAD_LOADER_H
#define LOAD_LOADER_H

#include "base/hash.h"
#include "base/retry.h"
#include "batch.h"
#include "control/letters.h"
#include "evolve.h"
#include "sample.h"
#include "sink.h"
#include "spec.h"
#include "stream/mark.h"

struct emit;
struct expect;
struct nested;
struct plan;
struct workers;

/* The last boundary (mark `checkpoint`, `resolve` or `end`) that was read. */
struct boundary {
	bool open;              /* it has not been committed yet */
	uint64_t seq;           /* the mark's number in the stream; 0: no
	                         * boundary was read yet */
	uint64_t in, seen;      /* records and reject lines before it */
	struct spool_position
	    at; /* the end of the lines before it in the spool */
	struct counts stages[MARK_STAGES];      /* the counts in the mark */
	size_t nstages;
};

/* The state of a marked stream: what its marks said, and what the ledger (table
 * etl_loads) says about it. A stream with checkpoints, or a replay, consists of
 * segments: a commit must end at a boundary. */
struct stream {
	char *id;               /* its name in the ledger */
	bool segments;          /* commit at boundaries only: the stream has
	                         * checkpoints or is a replay */
	bool replay;            /* sends the records of dead letters again */
	bool judged;            /* a replay that may be too late for some rows:
	                         * see commit.h */
	bool by_file;           /* --mode delete-insert: the stream has whole
	                         * files, each of which is a scope */
	bool passive;           /* --again or --no-checkpoint: move no
	                         * checkpoint, resolve no letter */

	char *checkpoint;       /* its name in the mark begin, or NULL */
	bool begun;             /* a mark `checkpoint` was read */
	char *from;             /* member `from` of the first checkpoint mark:
	                         * the cursor value that the extract began at */
	uint64_t version;       /* member `version` of the first checkpoint
	                         * mark */
	bool has_stored_value;  /* the checkpoint had a value at the mark begin;
	                         * false with --again or --no-checkpoint */
	bool known;             /* `expected` comes from a mark or the ledger */
	int64_t expected;       /* the version that the stored checkpoint must
	                         * have; if `known` is false, the version that
	                         * it had at the mark begin */
	char *value;            /* the cursor value in the batch's last
	                         * checkpoint mark, or NULL: the commit makes
	                         * it the stored checkpoint */
	uint64_t value_seq;     /* the number of that mark */
	struct buf files;       /* the files in the batch's checkpoint marks:
				 * the elements of their arrays, after "[" */
	char *validators;       /* of that mark, or NULL */

	struct letter_replay *letters;  /* dead letters to resolve when the
	                                 * batch is committed */
	uint64_t *letter_ends;          /* by letter: how many items of the
	                                 * batch come before its mark resolve;
	                                 * those from the mark before on are
	                                 * its records */
	size_t nletters, room;

	struct boundary last;
	int64_t batches;        /* batches of this stream committed so far, also
	                         * by earlier runs */
	bool loaded;            /* an earlier run has loaded the whole stream:
	                         * skip all its records */
	bool skipping;          /* an earlier run has loaded the part up to mark
	                         * skip_seq: skip the records of this part */
	uint64_t loaded_in;     /* number of records that the earlier run
	                         * loaded */
	uint64_t skip_seq;
	uint64_t skipped;       /* records skipped so far */
	int64_t kept;           /* committed rejects: those of all stages that
	                         * are dead letters, and those of the loader
	                         * in a file or descriptor 3; -1: not known */
};

/* One table of the load, with its options, its sink and its counts. */
struct loaded_table {
	struct load_opts o;             /* the user's options, with the table
	                                 * and the key of this table */
	struct target target;
	void *self;                     /* the sink's own state */
	struct outcome outcome;         /* of the table's records */
	struct evolve evolve;           /* --evolve: how the table must change
	                                 * to accept the records of the batch */
	int64_t replaced;               /* of stream.h: how often loads
	                                 * have replaced the whole table */
	int64_t scopes_replaced;        /* and how many scopes of it */
	int64_t scopes_stored;          /* the same with the scopes of the last
	                                 * COMMIT sent */
	struct scope_ids recorded;      /* by_file: the scopes of which records
	                                 * came in the present try */
	struct scope_ids scopes;        /* --mode delete-insert: of the present
	                                 * try */
	struct mirror_counts mirror;    /* of mirror.h */
	uint64_t unreadable;            /* --mode mirror: rejected records of
	                                 * the present try whose key could not
	                                 * be read */
	struct sums sent;               /* counts of the last COMMIT sent */
	struct sums sums;               /* records that this process has
	                                 * committed */
};

/* The present batch: the lines that one transaction commits. */
struct batch {
	struct spool spool;             /* its lines */
	struct reject_lines rejects;    /* of the present try to load it */
	struct buf written;             /* a bit for each item: its reject went
	                                 * to a file or to file descriptor 3 in
	                                 * an earlier try */
	struct sums left;               /* records of the present try whose
	                                 * letters stay open, counted as
	                                 * skipped */
	int64_t due;                    /* clock_ms() at which it must be
	                                 * committed (--flush) */
	bool ended;                     /* it is the last one of the stream */
	bool rows_are_stored;           /* the workers have committed its
	                                 * rows */
	int64_t xid;                    /* its transaction id, or 0 */
	struct sums sent;               /* counts of the last COMMIT sent */
	bool unknown;                   /* the answer to that COMMIT was lost:
	                                 * the server may or may not have
	                                 * committed the batch */
};

/* The parts stand in the order of their lifetimes, the longest first. */
struct loader {
	/* What the user asked for: set once, before the database is opened. */
	const struct load_opts *o;
	const struct load_mode *mode;   /* of all tables */
	struct table_list list;         /* of --tables */
	struct nested_list nested_list;
	enum json_members duplicates;
	struct expect *expect;          /* the tests of --expect; NULL: none */
	bool once;                      /* the mode or an option, such as
	                                 * --expect, requires that each stream
	                                 * is committed once, at its end */
	char *run;                      /* $ETL_RUN, the run's uuid, or NULL */
	char plain_run[UUID_TEXT];      /* the run of plain input outside
	                                 * etl-run, for --undo */

	/* What the catalog and the first records say. */
	struct loaded_table *tables;    /* first --table or those of --tables,
	                                 * then those of --nested */
	size_t ntables;                 /* without those of --nested */
	char *tables_name;              /* with --tables: one name for all */
	struct sample sample;           /* --create: the first records */
	struct source_types types;      /* of the columns, as the source has
	                                 * them */
	bool absent;                    /* --create: there is no table, and no
	                                 * record to make it from */

	/* The open session, from the first connection to the end. */
	struct stage *stage;
	struct db *db;
	const struct sink *sink;
	struct retry retry;
	bool control;                   /* the control tables exist */
	struct workers *workers;        /* of --connections; NULL: none */
	uint64_t connections;           /* that load rows at the same time; 0:
	                                 * only `db` */
	struct nested *nested;          /* of --nested; NULL: none */
	struct emit *emit;              /* of --emit; NULL: none */
	struct plan *plan;              /* of --plan; NULL: none */
	struct causes *causes;          /* why records were rejected, for the
	                                 * messages */
	struct sums totals;             /* committed records of the streams that
	                                 * came before this one in the input */
	uint64_t passed;                /* skipped records of the streams that
	                                 * came before this one: an earlier run
	                                 * had loaded them */
	uint64_t stay_open;             /* letters of committed batches that
	                                 * stay open */
	char one_open[16];              /* the start of the first one's id */
	uint64_t full_batch;            /* --batch; if it is not given, larger
	                                 * after a batch of SQLite that wrote
	                                 * many pages */
	uint64_t batch_limit;           /* records that fill a batch:
	                                 * full_batch, or fewer after a batch
	                                 * with many records of one key */

	/* The present stream of the input. */
	bool marked;                    /* it is a marked stream */
	struct stream stream;
	struct sums sums;               /* its committed records */
	bool whole;                     /* it is committed once: because of
	                                 * `once`, or because its records must
	                                 * not be loaded twice */
	bool upstream;                  /* earlier stages have sent reject lines
	                                 * in it */
	bool images_stored;             /* --keep-before: a batch of it was
	                                 * committed with images */

	struct batch batch;
	struct route route;             /* finds the table of each record of the
	                                 * present chunk; only with --tables */
};

/* Returns the number of all tables, those of --nested included. */
static inline size_t
loader_count_tables(const struct loader *l)
{
	return l->ntables + l->nested_list.n;
}

/* Returns the counts of the present try to load the batch. */
struct sums loader_sum_batch(const struct loader *l);
/* Opens all tables and their sinks. The tables exist already, unless l->absent
 * is set: then each table gets a target without columns
 * (create.h). */
int loader_open_tables(struct loader *l, struct err *e);
/* Returns the name under which the ledger (table etl_loads) keeps the load: the
 * name of the table, or with --tables one name for all tables. */
const char *loader_get_name(const struct loader *l);
/* True if dead letters whose member `target` has this value can be replayed by
 * this load: it is the name of a loaded table or the pointer of --table-from.
 * The pointer is the target of a record for which no table was found
 * (batch.h). */
bool loader_has_target(const struct loader *l, const char *target);
/* Reads the columns of the table from the catalog. */
int loader_read_target(const struct loader *l, const struct loaded_table *t,
    struct target *target, struct err *e);
/* Called after spool_next_chunk(): finds the table of each record. */
int loader_start_chunk(struct loader *l, struct err *e);

/* Calls reset() of each sink, because a new session has replaced the old one:
 * prepared statements and temporary tables are gone. */
void loader_reset_sinks(struct loader *l);
/* Sets *changed to true if one of the tables was altered since the loader has
 * read its columns. */
int tables_changed(struct loader *l, bool *changed, struct err *e);
/* Rolls back after the sink has failed. If the reason is that a column of
 * PostgreSQL got another type, sets the error ERR_RETRY; if a column or a table
 * was renamed or dropped, ERR_CONFIG. */
void loader_roll_back(struct loader *l, struct err *e);
/* Like loader_roll_back(), but for the fault *f of any connection, and without
 * a rollback. */
void loader_explain_fault(struct loader *l, const struct db_fault *f,
    struct err *e);
/* Returns a text for error messages that says what of the failed batch is
 * stored: nothing or, with --connections, perhaps some of its rows. */
const char *loader_say_stored(const struct loader *l);

/* Called after a failure of the database. Waits, connects again and, if the
 * answer to a COMMIT was lost, asks the server whether the COMMIT succeeded.
 * Returns 1: the batch was committed; 0: the caller must repeat the batch; -1
 * with *e: the failure cannot pass, or all --retries are used up. */
int batch_recover(struct loader *l, uint64_t *tries, struct err *e);

/* The options --lock-timeout, --statement-timeout and --synchronous. */

/* Needs no database. Fails if --synchronous has another value than full or
 * normal. */
int time_limits_check(const struct load_opts *o, struct err *e);

/* Sets the limits of all three options for l->db, which was just opened. Does
 * nothing if none of the options is given. */
int time_limits_init(struct loader *l, struct err *e);
/* Sets the limits again after a script of the user, which may have changed
 * options of the session. This includes the options that db_open() sets. */
int time_limits_set(struct loader *l, struct err *e);
/* Sets --lock-timeout and --statement-timeout for the connection *db. */
int time_limits_set_for(
    struct db *db, const struct load_opts *o, struct err *e);
/* If the database has failed because a limit was exceeded, puts the option that
 * sets this limit in front of the message. */
void time_limits_explain(const struct load_opts *o, const struct db_fault *f,
    struct err *e);

#endif
