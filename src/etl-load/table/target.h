/* The table that is loaded, and the options that name its columns.
 * Owns:  the table; target_close() frees everything.
 * Fails: ERR_CONFIG if an option does not fit the table. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "db/table.h"
#include "load.h"

enum { NO_COLUMN = -1 };

enum load_mode { LOAD_APPEND, LOAD_UPSERT, LOAD_IGNORE };

struct target {
	struct table *table;
	enum load_mode mode;
	bool upsert;                    /* mode is LOAD_UPSERT */
	bool keyed;                     /* mode is upsert or ignore */
	size_t *key, nkey;              /* columns, in the order of --key */
	bool *is_key, *compared;        /* by column */
	int touch, seen;                /* columns or NO_COLUMN */
	bool partitioned;               /* PostgreSQL: the rows are stored in
	                                 * other tables */
};

/* Checks --mode and the options that depend on the mode; the database is not
 * needed. */
int check_mode_options(const struct load_opts *o, struct err *e);
int target_open(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e);
void target_close(struct target *t);
/* Returns the reason why a record may not set this column, or NULL if a record
 * may set it. */
const char *target_refusal_reason(const struct target *t, size_t column);

#endif
