/* The first records of the input, which give the columns of a table that
 * --create makes: 10,000 records or the records of one second, and at most
 * SAMPLE_BYTES. The loader reads them again later, as if there were no sample.
 * Owns:  the columns; sample_release() frees them.
 * Gives: columns in the order in which they appear; the value of an entry has
 *        the bits of value_kinds.h. */
#ifndef LOAD_SAMPLE_H
#define LOAD_SAMPLE_H

#include "batch/keyset.h"
#include "create/source_types.h"
#include "db/db.h"
#include "stream/stage.h"
#include "table/mode.h"

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

#endif
