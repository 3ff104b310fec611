/* A table or view as the database's catalog describes it. In a name, one dot
 * separates the schema from the table; a part that has dots or quotes must be
 * in SQL quotes.
 * Owns:  all texts; table_free() frees them.
 * Gives: the columns in the table's order. If PostgreSQL does not find a name,
 *        it is looked up again in lower case.
 * Fails: ERR_CONFIG if there is no such table. */
#ifndef DB_TABLE_H
#define DB_TABLE_H

#include "db/db.h"

enum column_kind {              /* which values the column accepts */
	COLUMN_ANY,             /* another type: the database checks values */
	COLUMN_INT,             /* exact integer; min, max */
	COLUMN_REAL, COLUMN_NUMERIC, COLUMN_BOOL, COLUMN_TEXT,
	COLUMN_TIME,            /* timestamp, timestamptz, date, time */
	COLUMN_JSON, COLUMN_BYTES,
	COLUMN_RANGE,           /* a range or multirange of any type */
	COLUMN_ARRAY
};

/* How a column of PostgreSQL may change a value that it stores, without an
 * error. Most types never change a value. */
enum column_change {
	CHANGE_NONE,
	CHANGE_BYTES,           /* name: cuts a text after change_limit bytes */
	CHANGE_CHAR,            /* "char": keeps the first byte */
	CHANGE_BLANKS,          /* varchar(n): cuts blanks at the end of a text
	                         * of more than change_limit characters */
	CHANGE_DECIMALS,        /* numeric(p,s), money: rounds to change_limit
	                         * digits after the point */
	CHANGE_POINT,           /* money, if the decimal point of lc_monetary is
	                         * not a dot: a dot is not read as the point */
	CHANGE_FLOAT,           /* float4, float8: rounds an integer of more
	                         * than change_limit bits */
	CHANGE_SIGN,            /* oid: stores -1 as 4294967295 */
	/* For these, change_limit is the number of digits after the seconds. */
	CHANGE_DATE, CHANGE_TIME, CHANGE_TIMETZ, CHANGE_TIMESTAMP,
	CHANGE_TIMESTAMPTZ, CHANGE_INTERVAL,
	CHANGE_FIELDS,          /* interval with fields, such as `interval day`:
	                         * cuts the fields that are finer than
	                         * change_limit, an enum interval_field */
	CHANGE_MACADDR8,        /* macaddr8: makes 8 bytes of an address of 6 */
	CHANGE_UNKNOWN          /* a composite type with a member that may
	                         * change a value */
};

enum interval_field {
	FIELD_YEAR, FIELD_MONTH, FIELD_DAY, FIELD_HOUR, FIELD_MINUTE
};

struct column {
	char *name, *quoted;
	char *type;             /* as the database writes it */
	enum column_kind kind;
	enum column_kind element;       /* of COLUMN_ARRAY */
	int64_t min, max;       /* COLUMN_INT */
	enum column_change change;      /* for an array that of its elements,
	                                 * for a range that of its bounds */
	int change_limit;
	bool not_null;
	bool has_default;       /* or it is an identity or generated column */
	bool generated;         /* may not be written */
	bool identity;          /* an identity column GENERATED ALWAYS:
	                         * `generated` is set, too, but INSERT
	                         * OVERRIDING SYSTEM VALUE may write it */
	bool numeric;           /* SQLite changes a text that looks like a
	                         * number into a number */
	int key;                /* the column's place in the primary key, from
	                         * 1; or 0 */
	bool equal_as_bytes;    /* a text type of PostgreSQL whose values are
	                         * equal only if their bytes in UTF-8 are
	                         * equal */
	/* Set if the type belongs to an extension of PostgreSQL, else NULL.
	 * `equal` is the operator "equal" of the extension, such as
	 * OPERATOR(public.=). `equal_type` is the type for which the extension
	 * made the operator, such as public.citext. */
	char *equal, *equal_type;
	/* Set if the type is a composite type of PostgreSQL, or an array of
	 * one, else NULL: schema, name and members of the composite type. */
	char *composite_schema, *composite_name;
	struct column *fields;
	size_t nfields;
};

struct table {
	char *name;             /* as the user wrote it */
	char *schema, *base;    /* as the catalog writes them */
	char *quoted;           /* "schema"."table" */
	char *full;             /* the same for every spelling of the name:
	                         * schema.table, or just table in the schemas
	                         * public and main */
	struct column *columns;
	size_t n;
	bool view;
	bool without_rowid, strict;     /* SQLite */
};

/* Reads a table from the catalog. If there is no such table, appends
 * `advice_if_missing` to the error. */
int table_read(struct table **t, struct db *db, const char *name,
    const char *advice_if_missing, struct err *e);
/* Sets *exists to true if there is a table or view of this name. */
int table_check_exists(struct db *db, const char *name, bool *exists,
    struct err *e);
/* Makes a struct for a table that does not exist. It has no columns. `quoted`
 * has a schema only if the user gave one. */
int table_new(struct table **t, struct db *db, const char *name, struct err *e);
/* Returns the index of the column that has this place in the primary key;
 * places are counted from 1. Returns t->n if there is no such column. */
size_t table_find_key(const struct table *t, int place);
/* Sets *unique to true if the table has a unique index on exactly these
 * columns. */
int table_check_unique(struct db *db, const struct table *t,
    const size_t *columns, size_t n, bool *unique, struct err *e);
/* A key that needs a unique index on exactly its columns. */
struct table_key {
	const size_t *columns;
	size_t n;
	bool primary;           /* it must be the primary key, which may be
	                         * deferrable */
	const char *condition;  /* of its partial index, or NULL */
};
/* Sets *changed to true if one of the columns that table_read() has found now
 * has another name, type or place, or is gone, or if one of the keys no longer
 * has its unique index. Columns that were added at the end do not count.
 * Indexes stay as they are until the transaction ends if it has written to the
 * table before: it then holds a lock that ALTER TABLE and DROP INDEX must wait
 * for. */
int table_check_changed(struct db *db, const struct table *t,
    const struct table_key *keys, size_t nkeys, bool *changed, struct err *e);
void table_free(struct table *t);
/* Splits t->name, which the user wrote as TABLE or SCHEMA.TABLE, into t->schema
 * and t->base (the name without the schema). If the name has no dot, t->schema
 * is NULL. Reads nothing from the database. */
int table_split_name(struct table *t, struct err *e);

#endif
