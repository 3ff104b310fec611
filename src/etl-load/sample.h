/* The first records of the input, which give the columns of a table that
 * --create makes: 10,000 records or the records of one second, and at most
 * SAMPLE_BYTES. The loader reads them again later, as if there were no sample.
 * Owns:  the columns; sample_release() frees them.
 * Gives: columns in the order in which they appear; the value of an entry has
 *        the bits of sample.h. */
#ifndef LOAD_SAMPLE_H
#define LOAD_SAMPLE_H

#include "db/db.h"
#include "json/scan.h"
#include "keys.h"
#include "spec.h"
#include "stream/stage.h"

/* The types of the columns as the source of the records has them (the mark
 * columns, etl-record(5)). The text of a type comes from the stream, so it only
 * chooses one of a fixed list of types, and is never copied into SQL.
 * Owns:  its entries; source_types_release() frees them. */

struct source_type {
	char *name;             /* of the member of the records */
	size_t len;
	int base;               /* place in the list of types */
	int precision, scale;   /* of numeric(p,s); else 0 */
	char sql[32], lite[32]; /* its name in PostgreSQL; in SQLite, only of
	                         * numeric(p,s) */
	bool misfits;           /* a value of the sample does not fit it */
	bool is_special;        /* a value is NaN or infinite: this fits only
	                         * in PostgreSQL */
};

struct source_types {
	struct source_type *v;
	size_t n, last;         /* last: found last */
};

void source_types_release(struct source_types *t);
/* Reads the mark columns in the line. Ignores any other mark, types that are
 * not in the list, and more columns than a table can have. */
int source_types_read(
    struct source_types *t, const char *line, size_t len, struct err *e);

enum {
	SAMPLE_RECORDS = 10000, SAMPLE_MS = 1000,
	SAMPLE_BYTES = 4 << 20  /* of input, which memory must hold */
};

struct sample_type {            /* a type that the sample does not decide */
	const char *column, *type;
};

struct sample {
	bool read;              /* sample_read() has succeeded */
	bool no_input;          /* the input has ended without a record */
	uint64_t records, good; /* good: an object (in --mode cdc a change) */
	struct keyset columns;
	const struct sample_type *types;
	size_t ntypes;
	struct source_types *source;    /* or NULL; sample_read() fills it */
	/* If not NULL, this function is called for each record in place of
	 * sample_note_record(). It must call sample_note_record() for each part
	 * of the record that becomes a row. */
	int (*note)(void *self, struct stage *stage, const struct line *l,
	    struct err *e);
	void *note_self;
	/* Used while the sample is read: */
	const struct load_opts *o;
	const struct load_mode *mode;
	enum json_members duplicates;
	struct json json;
	struct buf name;
};

void sample_init(struct sample *s, const struct load_opts *o,
    const struct load_mode *mode, enum json_members duplicates);
void sample_release(struct sample *s);
/* Reads the sample. Waits for its first record without a time limit. */
int sample_read(struct sample *s, struct stage *stage, struct err *e);
/* sample_read() calls these two functions: the first forgets the sample, the
 * second notes the members of one record. */
void sample_forget(struct sample *s);
int sample_note_record(struct sample *s, struct stage *stage,
    const struct line *l, struct err *e);
/* Adds the kinds to those of the column. Adds the column itself if it is
 * new. */
int sample_add_kinds(struct sample *s, const char *name, size_t len,
    unsigned kinds, struct err *e);
/* Sets the kinds of the column to these alone. Adds the column if it is new. */
int sample_set_kinds(struct sample *s, const char *name, unsigned kinds,
    struct err *e);
/* Returns the type for a column whose values have these kinds, as SQL. */
const char *sample_find_type(const struct sample *s, const char *name,
    size_t len, unsigned kinds, enum db_kind db);
/* The name of column number i. */
const char *sample_get_name(const struct sample *s, size_t i, size_t *len);

/* Finds the type of a column that --create or --evolve makes. Each value that
 * the column must hold has a kind, which is one bit. The bits of all values
 * together give the type. */

enum {
	KIND_BOOL = 1,
	KIND_INT = 2,           /* an integer of at most 64 bits */
	KIND_WIDE = 4,          /* an integer that a double does not hold */
	KIND_REAL = 8,          /* a fraction or exponent; a double holds it */
	KIND_DECIMAL = 16,      /* a number that neither of both can hold */
	KIND_HUGE = 32,         /* a number that no type of number can hold */
	KIND_DATE = 64,         /* 2026-01-31 */
	KIND_TIME = 128,        /* 2026-01-31T10:15:00Z: RFC 3339 */
	KIND_TEXT = 256,        /* any other string */
	KIND_JSON = 512,        /* an array or object */
	/* Kinds of columns that options name; no value has them. */
	KIND_OPTION_TIME = 1024, KIND_OPTION_BOOL = 2048,
	KIND_OPTION_JSON = 4096
};

/* Returns the kind of the value that is token `tok`; 0 for null. */
unsigned value_kind(const struct json *j, uint32_t tok);
/* Returns how many columns a table of this database may have. */
size_t max_columns(enum db_kind db);

#endif
