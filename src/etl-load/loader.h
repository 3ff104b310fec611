/* The state of the loader: it loads a stream into tables.
 * Owns:  all of it; loader_close() frees what loader_open() made.
 * Flow:  load.c adds the lines of a batch to the spool, then batch_commit()
 *        applies them to the tables in one transaction. */
#ifndef LOAD_LOADER_H
#define LOAD_LOADER_H

#include "base/hash.h"
#include "base/retry.h"
#include "batch.h"
#include "evolve.h"
#include "expect.h"
#include "plan.h"
#include "sample.h"
#include "sink.h"
#include "spec.h"
#include "stream.h"
#include "workers.h"

struct emit;
struct nested;

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

struct loader {
	const struct load_opts *o;
	struct stage *stage;
	struct db *db;
	const struct load_mode *mode;   /* of all tables */
	const struct sink *sink;
	struct loaded_table *tables;    /* first --table or those of --tables,
	                                 * then those of --nested */
	size_t ntables;                 /* without those of --nested */
	struct nested_list nested_list;
	struct nested *nested;          /* of --nested; NULL: none */
	struct table_list list;         /* of --tables */
	struct route route;             /* finds a record's table; only with
	                                 * --tables */
	char *tables_name;              /* with --tables: one name for all */
	enum json_members duplicates;
	struct workers workers;         /* of --connections */
	bool rows_are_stored;           /* the workers have committed the rows
	                                 * of the present batch */
	struct spool spool;             /* the lines of the present batch */
	struct reject_lines rejects;    /* of the present try to load it */
	struct sample sample;           /* --create: the first records */
	struct source_types types;      /* of the columns, as the source has
	                                 * them */
	struct plan plan;               /* --plan */
	bool absent;                    /* --create: there is no table, and no
	                                 * record to make it from */
	uint64_t full_batch;            /* --batch; if it is not given, larger
	                                 * after a batch of SQLite that wrote
	                                 * many pages */
	uint64_t batch_limit;           /* records that fill a batch:
	                                 * full_batch, or fewer after a batch
	                                 * with many records of one key */
	struct expect expect;           /* the tests of --expect */
	struct retry retry;
	struct causes *causes;          /* why records were rejected, for the
	                                 * messages */
	struct sums sums;               /* committed records of this stream */
	struct sums left;               /* records of the present try whose
	                                 * letters stay open, counted as
	                                 * skipped */
	uint64_t stay_open;             /* letters of committed batches that
	                                 * stay open */
	char one_open[16];              /* the start of the first one's id */
	struct sums totals;             /* committed records of the streams that
	                                 * came before this one in the input */
	uint64_t passed;                /* skipped records of the streams that
	                                 * came before this one: an earlier run
	                                 * had loaded them */
	struct emit *emit;              /* of --emit; NULL: none */
	char plain_run[UUID_TEXT];      /* the run of plain input outside
	                                 * etl-run, for --undo */
	bool images_stored;             /* --keep-before: a batch of this
	                                 * stream was committed with images */
	char *run;                      /* $ETL_RUN, the run's uuid, or NULL */
	bool control;                   /* the control tables exist */
	bool marked;                    /* the input is a marked stream */
	struct stream stream;
	bool once;                      /* the mode or an option, such as
	                                 * --expect, requires that each stream
	                                 * is committed once, at its end */
	bool whole;                     /* the present stream is committed once:
	                                 * because of `once`, or because its
	                                 * records must not be loaded twice */
	bool ended;                     /* the present batch is the last one of
	                                 * the stream */
	int64_t xid;                    /* the batch's transaction id, or 0 */
	struct sums sent;               /* counts of the last COMMIT sent */
	bool unknown;                   /* the answer to that COMMIT was lost:
	                                 * the server may or may not have
	                                 * committed the batch */
	bool upstream;                  /* earlier stages have sent reject lines
	                                 * in the stream */
	int64_t due;                    /* clock_ms() at which the batch must be
	                                 * committed (--flush) */
	struct buf written;             /* a bit for each item of the batch: its
	                                 * reject went to a file or to file
	                                 * descriptor 3 in an earlier try */
};

int loader_open(struct loader *l, const struct load_opts *o,
    struct stage *s, struct err *e);
void loader_close(struct loader *l);

/* Returns the number of all tables, those of --nested included. */
static inline size_t
loader_count_tables(const struct loader *l)
{
	return l->ntables + l->nested_list.n;
}
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

void sums_add(struct sums *to, const struct sums *t);
/* Calls reset() of each sink, because a new session has replaced the old one:
 * prepared statements and temporary tables are gone. */
void loader_reset_sinks(struct loader *l);
/* Returns the counts of the present try to load the batch. */
struct sums loader_sum_batch(const struct loader *l);
/* Commits the lines in the spool as one batch. `ended` is true if the loader
 * has read the mark `end` or, of plain input, the end of the input. If a try
 * fails for a reason that may pass, the batch is tried again, up to --retries
 * times. */
int batch_commit(struct loader *l, bool ended, struct err *e);

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

/* Called once all records of the chunk have been applied. Makes the reject
 * lines of the chunk, in the order of the input: those of the rejected records,
 * and those that earlier stages have sent. */
int rejects_make(struct loader *l, struct err *e);
/* Counts the causes of the batch's rejects, for the message of
 * --max-rejects. */
void rejects_count_causes(struct loader *l);
/* Counts the causes of the batch's rejects, and adds them to the message of
 * *e. */
void rejects_explain(struct loader *l, struct err *e);
/* Appends the JSON array of counts that the ledger (table etl_loads) stores:
 * first the counts of the earlier stages, then the loader's counts, *sums. */
void ledger_put_counts(struct buf *b, const struct loader *l,
    const struct sums *sums);
/* Reads the loader's counts, the last element, from the JSON array of counts
 * that the ledger stores. Sets all counts to 0 if the array is empty. */
int ledger_parse_counts(struct sums *sums, const char *json, size_t len,
    struct err *e);

#endif
