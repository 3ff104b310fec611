/* The way in which the sink loads a chunk into a table of PostgreSQL: what it
 * depends on, and the choice. */
#ifndef LOAD_PG_WAY_H
#define LOAD_PG_WAY_H

#include "base/retry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pg_way {
	/* These load the rows. */
	PG_COPY,                /* COPY writes directly into the table */
	PG_COPY_AROUND,         /* like PG_COPY, in pieces; merges each row that
	                         * the server refuses alone */
	PG_COPY_WIDE,           /* like PG_COPY, in pieces: the table has too
	                         * many columns for a staging table */
	PG_SCRIPT,              /* one script stages and merges a small chunk,
	                         * which saves several round trips */
	PG_MERGE_SHAPES,        /* one statement for each shape */
	PG_MERGE_LAST,          /* only the last row of each key */
	PG_MERGE_ROUNDS,        /* round r merges the r-th row of each key */
	PG_MERGE_SINGLY,        /* row by row; rejects what the table refuses */
	/* These come before another way. */
	PG_TO_STAGE,               /* copy the rows to the staging table */
	PG_COUNT_KEYS,          /* count the different keys that are staged */
	PG_COUNT_MOST           /* count the rows of the key with the most */
};

/* What the options and the catalog say about the table. Read once. */
struct pg_facts {
	bool keyed, updates, changes, history;  /* as in struct load_mode */
	bool strict;            /* --strict */
	bool straight;          /* append only: COPY can write each chunk
	                         * directly into the table */
	bool copies_new_keys;   /* COPY can do this for a chunk whose keys are
	                         * all new. If one of them is in the table, the
	                         * COPY fails, and all rows are loaded again. */
	bool fits_script;       /* nothing in the table or the options is
	                         * against PG_SCRIPT */
	bool too_wide;          /* the staging table would have more columns
	                         * than PostgreSQL allows */
	bool one_by_one;        /* the table has triggers FOR EACH ROW that run
	                         * after the statement: they would see rows of
	                         * later records */
	bool in_order;          /* the order of records with different keys
	                         * matters, because of a trigger FOR EACH ROW
	                         * or an index with a predicate or expression */
	bool judges_records;    /* the table can refuse the values of a record
	                         * and accept those of a later record with the
	                         * same key: it has a CHECK constraint, a
	                         * foreign key, row-level security, a generated
	                         * column, or is no ordinary table */
	bool secured;           /* the table has row-level security */
	bool refers_to_itself;  /* the table has a foreign key to itself */
	bool has_domain;        /* a column has a domain as its type, which may
	                         * refuse NULL */
	bool other_unique;      /* a column is in `may_be_freed` */
	bool *may_be_freed;     /* by column: in a unique index, and not in the
	                         * key: an update may free its value for a later
	                         * record, so the order matters */
	bool *judged_by_index;  /* by column: in an index, which refuses values
	                         * that are too long for it */
	bool elsewhere;         /* only other tables have constraints that are
	                         * checked at the commit; triggers or partitions
	                         * may write to them */
	int64_t lock;           /* number of the table's advisory lock */
};

/* What the chunks before were like: expect the same of the next one. */
struct pg_mood {
	bool all_new;           /* all keys of the last chunk were new */
	struct doubling_pause pause;    /* chunks that are merged after a key
	                         * had a row */
	bool mostly_unchanged;  /* most rows of the last chunk were unchanged */
	bool twice;             /* equal keys came in a chunk */
	size_t quiet;           /* chunks since equal keys came */
	bool first_updates;     /* the table has refused records that lack
	                         * columns as new rows, but not as updates of
	                         * their rows */
	bool deferred;          /* the table has constraints that are checked
	                         * at the commit only, or those of another table
	                         * have failed: check them after each step */
};

enum chunk_state {
	CHUNK_READ,             /* no rows were made of its records yet */
	CHUNK_SENT,             /* rows were made. Those of the first shape were
	                         * sent to a COPY directly into the table. */
	CHUNK_MADE,             /* rows were made */
	CHUNK_STAGING,          /* like CHUNK_SENT, for the staging table */
	CHUNK_STAGED            /* rows are in the staging table */
};

enum { NOT_COUNTED = -1 };

/* What is known about the chunk, and the transaction that it belongs to. */
struct chunk_facts {
	enum chunk_state state;
	unsigned tried;         /* a bit for each way that has not loaded the
	                         * rows: 1 << PG_COPY, for example */
	size_t records, bytes;
	bool judge_all;         /* as in struct outcome */
	bool notes_keys;        /* --expect: notes the keys of written rows */
	bool stage_lasts;       /* the staging table is kept until the end of
	                         * the session */
	/* Known when rows were made: */
	size_t shapes;          /* sets of columns that the rows have */
	bool has_empty;         /* a record has no members: COPY needs at least
	                         * one column */
	bool distinct;          /* no key comes twice; false: not known */
	bool order_matters;     /* the order of two records with different keys
	                         * can change the result: the first may free a
	                         * value of a unique index that the second
	                         * needs */
	bool updates_first;     /* the rows of a shape are not merged in the
	                         * order of the records (pg_updates_first()) */
	bool last_counts;       /* merging only the last row of each key gives
	                         * the result of merging all its rows */
	bool moves_rows;        /* --mode cdc: an update changes the key, or
	                         * only a merge row by row can find its row */
	/* Known when rows are staged: */
	uint64_t staged;        /* rows */
	int64_t keys;           /* different keys, or NOT_COUNTED */
	int64_t most;           /* rows of the key with the most rows, or
	                         * NOT_COUNTED */
};

/* Returns what to do next with a chunk. Without effects: the caller does it,
 * notes in *c what has changed, and asks again until the rows are loaded. */
enum pg_way pg_choose_way(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c);
/* Called once for each chunk, after the first choice: what was expected of this
 * chunk is used up. */
void pg_mood_use(struct pg_mood *m, const struct pg_facts *f,
    const struct chunk_facts *c);
/* Called after a chunk was merged. `equal` is true if it had equal keys. After
 * 16 chunks in succession without them, none are expected. */
void pg_mood_note_keys(struct pg_mood *m, bool equal);

#endif
