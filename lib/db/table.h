/* A table (no view) as the catalog describes it.
 * Owns:  all texts; table_free() frees them.
 * Gives: columns in the table's order; the primary key's in its own. On
 *        PostgreSQL a name that is not found is looked for in lower case.
 * Fails: ERR_CONFIG where there is no such table, with its name and what to
 *        do. One dot separates schema and table; names that hold dots or
 *        quotes are written in SQL quotes. */
#ifndef DB_TABLE_H
#define DB_TABLE_H

#include "db/db.h"

enum column_kind {              /* what values it takes */
	COLUMN_ANY,             /* no type of ours: the database decides */
	COLUMN_INT,             /* exact integer; min, max */
	COLUMN_REAL, COLUMN_NUMERIC, COLUMN_BOOL, COLUMN_TEXT,
	COLUMN_TIME,            /* timestamp, timestamptz, date, time */
	COLUMN_JSON, COLUMN_BYTES, COLUMN_ARRAY
};

struct column {
	char *name, *quoted;
	char *type;             /* as the database writes it */
	enum column_kind kind;
	enum column_kind element;       /* of COLUMN_ARRAY */
	int64_t min, max;       /* COLUMN_INT */
	bool not_null, has_default;     /* default, identity or generated */
	bool generated;         /* may not be written */
	bool numeric;           /* SQLite makes a number of a text that looks
	                         * like one */
	int key;                /* place in the primary key from 1, or 0 */
};

struct table {
	char *name;             /* as given */
	char *schema, *base;    /* as the catalog writes them */
	char *quoted;           /* "schema"."table" */
	char *full;             /* one name however it was given: schema.table,
	                         * of the schemas public and main just table */
	struct column *columns;
	size_t n;
	bool without_rowid, strict;     /* SQLite */
};

int table_read(struct table **t, struct db *db, const char *name,
    struct err *e);
/* A unique or exclusion-free primary index on exactly these columns exists. */
int table_unique(struct db *db, const struct table *t, const size_t *columns,
    size_t n, bool *unique, struct err *e);
void table_free(struct table *t);

#endif
