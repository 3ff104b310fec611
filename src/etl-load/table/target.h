/* The table that is loaded, and what the options say about its columns.
 * Owns:  the table; target_close() frees all.
 * Fails: ERR_CONFIG for an option that does not fit the table. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "db/table.h"
#include "load.h"

enum { NO_COLUMN = -1 };

enum load_mode { LOAD_APPEND, LOAD_UPSERT, LOAD_IGNORE };

struct target {
	struct table *table;
	enum load_mode mode;
	bool upsert;                    /* mode is that */
	bool keyed;                     /* upsert or ignore */
	size_t *key, nkey;              /* columns, in the order given */
	bool *is_key, *compared;        /* by column */
	int touch, seen;                /* columns or NO_COLUMN */
	bool parted;                    /* PostgreSQL: rows are in others */
};

/* What can be told without the database. */
int target_check(const struct load_opts *o, struct err *e);
int target_open(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e);
void target_close(struct target *t);
/* Why a record may not have this member; NULL where it may. */
const char *target_refuses(const struct target *t, size_t column);

#endif
