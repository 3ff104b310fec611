/* The state of the PostgreSQL sink, which all files of this folder share.
 * s->sql is the text of one statement; each statement replaces the text of the
 * statement before. */
#ifndef LOAD_PG_SINK_H
#define LOAD_PG_SINK_H

#include "base/retry.h"
#include "db/db.h"
#include "pg/pg_copy.h"
#include "pg/pg_sets.h"
#include "pg/pg_sql.h"
#include "pg/pg_swap.h"
#include "sink.h"
#include "target.h"

#define NO_ITEM SIZE_MAX

/* In a load with a key, COPY can load a chunk directly into the table if all
 * its keys are new. If one of them is in the table, the COPY fails and all rows
 * must be loaded again. */
struct pg_new_keys {
	bool may_copy;          /* the table and the mode allow it */
	bool all_new;           /* all keys of the last chunk were new: expect
	                         * this of the next one, too */
	struct doubling_pause pause;    /* chunks that are merged after a key
	                         * had a row */
};

struct pg_sink {
	struct db *db;
	const struct target *target;
	struct pg_rows rows;
	struct pg_scopes scopes;
	struct pg_swap swap;            /* only if target->swaps */
	struct pg_mirror mirror;
	struct buf sql;
	bool staging;           /* the staging table exists in this session */
	bool staged;            /* the chunk has used the staging table */
	size_t dead;            /* the space that deleted rows of the staging
	                         * table use */
	bool straight;          /* COPY writes directly into the target table,
	                         * without a staging table (append only) */
	bool too_wide;          /* the staging table would have more columns
	                         * than PostgreSQL allows */
	bool one_by_one;        /* the table has triggers FOR EACH ROW that run
	                         * after the statement: they would see rows of
	                         * later records */
	bool in_order;          /* the order of records with different keys
	                         * matters, because of a trigger FOR EACH ROW
	                         * or an index with a predicate or expression */
	bool *may_be_freed;     /* by column: in a unique index, and not in the
	                         * key: an update may free its value for a later
	                         * record, so the order matters */
	bool judges_records;    /* the table can refuse the values of a record
	                         * and accept those of a later record with the
	                         * same key: it has a CHECK constraint, a
	                         * foreign key, row-level security, a generated
	                         * column, or is no ordinary table */
	bool *judged_by_index;  /* by column: in an index, which refuses values
	                         * that are too long for it */
	bool secured;           /* the table has row-level security */
	bool first_updates;     /* the table has refused records that lack
	                         * columns as new rows, but not as updates of
	                         * their rows: expect more */
	bool refers_to_itself;  /* the table has a foreign key to itself */
	bool has_domain;        /* a column has a domain as its type, which may
	                         * refuse NULL */
	bool mostly_unchanged;  /* most rows of the last chunk were unchanged */
	struct pg_new_keys new_keys;
	bool twice;             /* equal keys came in a chunk: expect more */
	size_t quiet;           /* chunks since equal keys came */
	int64_t rounds;         /* --mode scd2: rows of the key with the most
	                         * rows in the chunk */
	size_t failed_item;     /* NO_ITEM, or the first item whose statement
	                         * failed without any row */
	int64_t lock;           /* number of the table's advisory lock */
	bool lock_is_stuck;     /* a session has kept it too long */
	bool deadlocked;        /* the last chunk ended in a deadlock */
	bool deferred;          /* the table has constraints that are checked
	                         * at the commit only */
	bool notes_keys;        /* of written rows, for --expect */
	uint64_t noted;         /* how often images were taken in this
	                         * transaction */
	bool elsewhere;         /* only other tables have such constraints;
	                         * triggers or partitions may write to them */
};

/* Runs s->sql as a script. */
int pg_run_script(struct pg_sink *s, struct err *e);
/* Runs s->sql, which must be one statement. Sets *n, unless n is NULL, to the
 * number of rows that the statement has changed. */
int pg_run_statement(struct pg_sink *s, int64_t *n, struct err *e);
/* rc is the result of a statement. If the statement may have failed because of
 * a record, rolls back to the savepoint. Returns 1: the statement succeeded; 0:
 * it failed and was rolled back; -1: it failed for another reason, or the
 * rollback failed. */
int pg_roll_back(struct pg_sink *s, const struct outcome *o, int rc,
    const char *savepoint, struct err *e);
/* Checks the table's deferred constraints now. */
int pg_check_deferred(struct pg_sink *s, struct err *e);
/* Sets the savepoint etl_chunk. For the first chunk of a batch, first takes an
 * advisory lock of the table, which is kept until the commit. Several loaders
 * can share this lock. After a deadlock, and always in --mode scd2, the loader
 * takes the lock alone, so that no other loader can write to the table. If
 * another session keeps the lock too long, warns and goes on without it. In
 * --mode scd2 this is an error. */
int pg_chunk_begin(struct pg_sink *s, bool first, struct err *e);
/* Runs s->sql, which returns two numbers: how many rows it has inserted or
 * updated, and how many of these it has inserted. Adds them to *sums. */
int pg_run_merge(struct pg_sink *s, struct sums *sums, struct err *e);
/* put() appends the text of a query that returns one number. Runs the query and
 * sets *n to this number. */
int pg_run_count(struct pg_sink *s,
    void (*put)(struct buf *, const struct target *), int64_t *n,
    struct err *e);
/* Sets *keys to the number of different keys in the staging table, which has
 * `staged` rows. */
int pg_count_keys(struct pg_sink *s, uint64_t staged, int64_t *keys,
    struct err *e);
/* Merges the staged rows one by one, and rejects those that the table
 * refuses. */
int pg_merge_singly(struct pg_sink *s, struct outcome *o, uint64_t staged,
    struct err *e);
/* Sets *why to the reason why several connections may not load the table at the
 * same time, or to NULL if they may. */
int pg_why_not_split(void *self, const char **why, struct err *e);
/* Counts the shapes (sets of columns) that the chunk's rows have. */
size_t pg_count_shapes(const struct pg_sink *s);
/* Returns the first shape that a row of the chunk has. There must be a row. */
const struct shape *pg_first_shape(const struct pg_sink *s);
/* True if the order of two records with different keys can change the result:
 * the first may free a value of a unique index that the second needs. */
bool pg_order_matters(const struct pg_sink *s);
/* For --mode cdc: true if a few statements, each for many changes of the chunk,
 * give the same result as applying the changes one by one. */
bool pg_may_merge_changes(const struct pg_sink *s);
/* Applies the changes of a chunk for which pg_may_merge_changes() is true, and
 * adds the counts of all changes to *sums. Returns 1: applied; 0: it would need
 * too many statements; -1 with *e. */
int pg_merge_changes(struct pg_sink *s, struct sums *sums, struct err *e);
/* Runs the statements of pg_merge_changes() for no changes. If one of them
 * fails even so, no record is the cause, and this function fails. */
int pg_try_changes(struct pg_sink *s, struct err *e);
/* For --mode scd2: like pg_may_merge_changes() and pg_merge_changes(). If the
 * rows must be merged one by one, pg_may_merge_history() also sets
 * o->most_equal. The answer is in *may. */
int pg_may_merge_history(struct pg_sink *s, struct outcome *o, bool *may,
    struct err *e);
int pg_merge_history(struct pg_sink *s, struct sums *sums, struct err *e);
/* Runs the statements of --mode scd2 for no rows. If one of them fails even so,
 * no record is the cause, and this function fails. */
int pg_try_history(struct pg_sink *s, struct err *e);
/* Appends the statement that empties the staging table for a chunk. */
void pg_put_empty_stage(struct buf *b, struct pg_sink *s);
/* Empties the staging table and sets the savepoint etl_stage. Called for each
 * chunk that is staged, before its first row. */
int pg_stage_begin(struct pg_sink *s, struct err *e);
/* Called after each chunk. Adds the space of the rows in the staging table to
 * s->dead, because these rows are deleted before the next chunk is staged. */
void pg_note_dead_rows(struct pg_sink *s);
/* Copies the rows into the empty staging table, except for those already
 * copied. Rejects the rows that the server refuses. */
int pg_copy_to_stage(struct pg_sink *s, struct outcome *o, struct err *e);
/* Calls pg_copy_to_stage() and merges the rows. */
int pg_merge_by_stage(struct pg_sink *s, struct outcome *o, struct err *e);
/* Sets s->straight to true if COPY can write the rows directly into the target
 * table. COPY cannot do this if
 * - the load has a key, because COPY does not compare keys;
 * - --touch or --seen sets a column;
 * - the table has row-level security, which COPY does not support;
 * - the table has triggers that must run after each record; or
 * - it is a view: COPY also counts a row that the view's trigger left out.
 * For a load with a key, sets s->new_keys.may_copy. */
int pg_set_straight(struct pg_sink *s, struct err *e);
/* For a load with a key. True if all keys of this chunk are probably new. Then
 * COPY writes the chunk directly into the target table. Called once for each
 * chunk, because it counts the chunks of a pause. */
bool pg_expects_new_keys(struct pg_sink *s, const struct outcome *o);
/* Finishes the COPY of the chunk directly into the target table. If the server
 * refuses rows, rejects these and loads the others. */
int pg_finish_straight(struct pg_sink *s, struct outcome *o, struct err *e);
/* Called after a COPY directly into the target table was rolled back. Copies
 * the rows again, except for those that the server refuses. Each refused row is
 * merged alone, which rejects it. If there are many refused rows, merges all
 * rows that are left. */
int pg_copy_around(struct pg_sink *s, struct outcome *o, struct err *e);
/* True if pg_copy_around() gives the same result as merging the rows one by
 * one. */
bool pg_may_copy_around(const struct pg_sink *s);
extern const struct sink_images pg_images;
extern const struct sink_late pg_late;
/* If images are kept, notes the keys of the staged rows and stores the images
 * of their rows in the target. Called before the staged rows are merged. */
int pg_images_store(struct pg_sink *s, struct err *e);
extern const struct sink_written pg_written;
/* For --expect: notes the keys of the staged rows after they were merged. If
 * some_refused is true, PG_FOUND has the refused rows, whose keys are not
 * noted. */
int pg_written_note(struct pg_sink *s, bool some_refused, struct err *e);
/* Called before statements that join the staging table with other tables. A
 * temporary table has no statistics. Without them the planner may choose a
 * nested loop, whose time grows with the product of the numbers of rows. So if
 * there are many rows, this function runs ANALYZE, after which the server also
 * plans the joins anew. */
int pg_analyze_stage(struct pg_sink *s, struct err *e);
/* Merges the staged rows into the table. Rejects the records whose rows the
 * table refuses. */
int pg_merge_chunk(struct pg_sink *s, struct outcome *o, struct err *e);
/* Returns the order in which a statement may merge the rows of the chunk. */
enum pg_rows_taken pg_choose_rows(const struct pg_sink *s);
/* pg_updates_first() for this sink: then the rows of the shape are not merged
 * in the order of the records. */
bool pg_shape_updates_first(const struct pg_sink *s, const struct shape *shape);
/* True if pg_shape_updates_first() is true for a shape of the chunk. */
bool pg_chunk_updates_first(const struct pg_sink *s);
/* True if one statement for the whole chunk gives the same result as merging
 * the rows one by one. */
bool pg_may_merge_at_once(const struct pg_sink *s);
/* Called if the merge statement has failed. Like pg_roll_back(), but also notes
 * if the statement has failed because of equal keys. */
int pg_roll_back_merge(struct pg_sink *s, const struct outcome *o,
    const char *savepoint, struct err *e);
/* Called after the merge statement of a whole chunk, which has set the inserted
 * and updated rows in *sums. Counts the other rows of the chunk, and adds all
 * counts to o. */
int pg_count_merged(struct pg_sink *s, struct outcome *o, struct sums *sums,
    struct err *e);
/* True if the chunk is small. Then one script empties the staging table, copies
 * the rows of the chunk and merges them. This saves the time of several round
 * trips. */
bool pg_chunk_is_small(const struct pg_sink *s, const struct spool *chunk);
/* Loads a small chunk by one script. Called after the rows of the chunk were
 * made and the savepoint etl_chunk was set. Returns 1: loaded, and the
 * savepoint was released; 0: nothing was changed, and the caller must load the
 * rows in another way; -1 with *e. */
int pg_try_small_chunk(struct pg_sink *s, struct outcome *o, struct err *e);

/* Decides whether a record may be the cause of an error of PostgreSQL. */

/* True if a record may be the cause of the failure of the last statement. Never
 * true for a lost connection and for the SQLSTATE classes 08, 53 and 57P. For
 * errors that usually pass (40001, 40P01, 55P03 and 57014), true only if
 * judge_all is set. */
bool pg_may_blame_record(const struct db_fault *f, bool judge_all);

/* Kinds of tables that PostgreSQL has, but that the sink cannot load, or can
 * load in one way only. */

/* Called for a table that is too wide for a staging table, after the COPY of
 * the whole chunk was rolled back. Copies the rows directly into the target
 * table, in pieces, and rejects those that the table refuses. */
int pg_copy_wide_rows(struct pg_sink *s, struct outcome *o, struct err *e);

/* For --plan: the statements that a load into PostgreSQL would run. */

/* Appends the statements for records that have exactly the columns of the
 * shape. Each one ends with ";" and a newline. */
void pg_put_load(struct buf *b, const struct target *t, const struct shape *s);

#endif
