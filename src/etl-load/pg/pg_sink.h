/* The PostgreSQL sink. Its state is cut by lifetime; all files of this folder
 * share it. */
#ifndef LOAD_PG_SINK_H
#define LOAD_PG_SINK_H

#include "db/db.h"
#include "pg/pg_copy.h"
#include "pg/pg_sets.h"
#include "pg/pg_sql.h"
#include "pg/pg_swap.h"
#include "pg/pg_way.h"
#include "sink.h"
#include "target.h"

#define NO_ITEM SIZE_MAX

/* What the open session has. */
struct pg_session {
	bool staging;           /* the staging table exists, until the session
	                         * ends */
	bool staged;            /* the chunk has used this table */
	size_t dead;            /* the space that deleted rows of this table
	                         * use */
	bool lock_is_stuck;     /* another session has kept the advisory lock
	                         * of the target too long */
	bool deadlocked;        /* the last chunk ended in a deadlock */
};

/* What the transaction notes. */
struct pg_batch {
	bool notes_keys;        /* of written rows, for --expect */
	uint64_t noted;         /* how often images were taken */
};

struct pg_sink {
	struct db *db;
	const struct target *target;
	struct pg_facts facts;
	struct pg_mood mood;
	struct pg_session session;
	struct pg_batch batch;
	struct pg_rows rows;            /* of the chunk */
	size_t failed_item;             /* NO_ITEM, or the first item of the
	                                 * chunk whose statement failed without
	                                 * any row */
	struct pg_scopes scopes;
	struct pg_mirror mirror;
	struct pg_swap swap;            /* only if target->swaps */
	struct buf sql;                 /* one statement: replaces the text of
	                                 * the statement before */
};

/* Statements. */

/* Runs s->sql as a script. */
int pg_run_script(struct pg_sink *s, struct err *e);
/* Runs s->sql, which must be one statement. Sets *n, unless n is NULL, to the
 * number of rows that the statement has changed. */
int pg_run_statement(struct pg_sink *s, int64_t *n, struct err *e);
/* Runs s->sql, which returns two numbers: how many rows it has inserted or
 * updated, and how many of these it has inserted. Adds them to *sums. */
int pg_run_merge(struct pg_sink *s, struct sums *sums, struct err *e);
/* put() appends the text of a query that returns one number. Runs the query and
 * sets *n to this number. */
int pg_run_count(struct pg_sink *s,
    void (*put)(struct buf *, const struct target *), int64_t *n,
    struct err *e);
/* Checks the table's deferred constraints now. */
int pg_check_deferred(struct pg_sink *s, struct err *e);

/* Errors. */

/* True if a record may be the cause of the failure of the last statement. Never
 * true for a lost connection and for the SQLSTATE classes 08, 53 and 57P. For
 * errors that usually pass (40001, 40P01, 55P03 and 57014), true only if
 * judge_all is set. */
bool pg_may_blame_record(const struct db_fault *f, bool judge_all);
/* rc is the result of a statement. If the statement may have failed because of
 * a record, rolls back to the savepoint. Returns 1: the statement succeeded; 0:
 * it failed and was rolled back; -1: it failed for another reason, or the
 * rollback failed. */
int pg_roll_back(struct pg_sink *s, const struct outcome *o, int rc,
    const char *savepoint, struct err *e);

/* The chunk and the staging table. */

/* Sets the savepoint etl_chunk. For the first chunk of a batch, first takes an
 * advisory lock of the table, which is kept until the commit. Several loaders
 * can share this lock. After a deadlock, and always in --mode scd2, the loader
 * takes the lock alone, so that no other loader can write to the table. If
 * another session keeps the lock too long, warns and goes on without it. In
 * --mode scd2 this is an error. */
int pg_chunk_begin(struct pg_sink *s, bool first, struct err *e);
/* Empties the staging table and sets the savepoint etl_stage. Called for each
 * chunk that is staged, before its first row. */
int pg_stage_begin(struct pg_sink *s, struct err *e);
/* Appends the statement that empties the staging table for a chunk. */
void pg_put_empty_stage(struct buf *b, struct pg_sink *s);
/* Copies the rows into the empty staging table, except for those already
 * copied. Rejects the rows that the server refuses. */
int pg_copy_to_stage(struct pg_sink *s, struct outcome *o, struct err *e);
/* Called before statements that join the staging table with other tables. A
 * temporary table has no statistics. Without them the planner may choose a
 * nested loop, whose time grows with the product of the numbers of rows. So if
 * there are many rows, this function runs ANALYZE, after which the server also
 * plans the joins anew. */
int pg_analyze_stage(struct pg_sink *s, const struct chunk_facts *c,
    struct err *e);
/* Called after each chunk. Adds the space of the rows in the staging table to
 * s->session.dead, because these rows are deleted before the next chunk is
 * staged. */
void pg_note_dead_rows(struct pg_sink *s);

/* Merging (pg_merge.c). */

/* Sets in *c what is known when the selected rows were made, and again when
 * they are staged. */
void pg_chunk_note_rows(struct pg_sink *s, struct chunk_facts *c);
/* Set c->keys, unless it is set, and c->most. */
int pg_count_keys(struct pg_sink *s, struct chunk_facts *c, struct err *e);
int pg_count_most(struct pg_sink *s, struct chunk_facts *c, struct err *e);
/* Merges the staged rows by a few statements, each for many rows: `way` says
 * which. Returns 1: merged; 0: the server has refused a row or found equal
 * keys, and the merge was rolled back; -1 with *e. */
int pg_merge(struct pg_sink *s, struct outcome *o, enum pg_way way,
    struct chunk_facts *c, struct err *e);
/* Loads a small chunk by one script, which empties the staging table, copies
 * the rows and merges them. Returns as pg_merge(); the script has then released
 * the savepoint etl_chunk. */
int pg_merge_by_script(struct pg_sink *s, struct outcome *o,
    struct chunk_facts *c, struct err *e);
/* Returns the first shape that a row of the chunk has. There must be a row. */
const struct shape *pg_first_shape(const struct pg_sink *s);
/* pg_updates_first() for this sink: then the rows of the shape are not merged
 * in the order of the records. */
bool pg_shape_updates_first(const struct pg_sink *s, const struct shape *shape);
/* Runs the statements of --mode cdc for no changes. If one of them fails even
 * so, no record is the cause, and this function fails. */
int pg_try_changes(struct pg_sink *s, struct err *e);
/* Merges the staged rows one by one, and rejects those that the table refuses
 * (pg_judge.c). Always returns 1, or -1 with *e. */
int pg_merge_singly(struct pg_sink *s, struct outcome *o,
    struct chunk_facts *c, struct err *e);
/* For --mode scd2: plans the round and carries out the plan (pg_history.c).
 * Round 0 has no records: if a statement fails even so, no record is the cause.
 * Returns 1: merged; 0: another session has changed rows after they were
 * planned; -1 with *e. */
int pg_history_round(struct pg_sink *s, int64_t round, struct sums *sums,
    struct err *e);

/* What else the sink does. */

extern const struct sink_late pg_late;          /* pg_history.c */
extern const struct sink_images pg_images;      /* pg_sets.c */
extern const struct sink_written pg_written;
/* If images are kept, notes the keys of the staged rows and stores the images
 * of their rows in the target. Called before the staged rows are merged. */
int pg_images_store(struct pg_sink *s, struct err *e);
/* For --expect: notes the keys of the staged rows after they were merged. If
 * some_refused is true, PG_FOUND has the refused rows, whose keys are not
 * noted. */
int pg_written_note(struct pg_sink *s, bool some_refused, struct err *e);
/* For --plan: appends the statements for records that have exactly the columns
 * of the shape. Each one ends with ";" and a newline. */
void pg_put_load(struct buf *b, const struct target *t, const struct shape *s);

#endif
