/* Splits JSON text into its records while it is being read.
 * Owns:  a window of the text, at most max_record + 512 KiB.
 * Gives: splitter_next() returns SPLIT_RECORD as soon as the last byte of a
 *        record was read; the line is valid until the next call. SPLIT_MORE:
 *        call splitter_read() first.
 * Fails: SPLIT_BROKEN if the text outside of the records is not valid JSON, or
 *        ends too early. */
#ifndef EXTRACT_SPLITTER_H
#define EXTRACT_SPLITTER_H

#include "base/buf.h"
#include "json/scan.h"
#include "stream/lines.h"

#include <stdint.h>

/* Follows the nesting of a JSON document on the way to its records and to
 * wanted values. Tells the caller what each value is for.
 * Owns:  the outline: the document without its records and without unwanted
 *        values. In an array, null stands for each unwanted value.
 * Borrows: the pointers.
 * Fails: walk_read_byte() returns WALK_BROKEN; the functions
 *        that end a value or the text return false. The fault is in w->fault.
 */

enum { WALK_WANTED = 8, WALK_NAME_MAX = 64 << 10, WALK_OUTLINE_MAX = 1 << 20 };

struct walk_conf {
	const char *records;            /* --records, or NULL */
	const char *wanted[WALK_WANTED]; /* pointers of values to keep; the
					 * first NULL ends the list */
	bool is_answer;                 /* the text is the answer of a server:
					 * one value. Without --records, its
					 * only array member may have the
					 * records */
};

enum walk_fault_kind {
	WALK_NO_FAULT,
	WALK_CUT,               /* the text ends too early */
	WALK_NOT_JSON,          /* `why` and `at` say more */
	WALK_EMPTY,             /* the text has no value */
	WALK_NO_ARRAY,          /* there is no array of records */
	WALK_TWO_ARRAYS,        /* either of two arrays may have the records */
	WALK_RECORDS_TWICE,     /* the text has the member of --records twice */
	WALK_INSIDE,            /* a wanted value is inside of the records */
	WALK_TOO_LARGE,         /* the outline is too large */
	WALK_LONG_NAME,         /* a member name is longer than WALK_NAME_MAX */
	WALK_NO_MEMORY
};

struct walk_fault {
	enum walk_fault_kind kind;
	const char *why;
	uint64_t at;            /* byte offset in the text */
};

enum walk_use {
	WALK_BROKEN = -1,
	WALK_TAKEN,             /* the byte only leads to other values */
	WALK_NAME,              /* the name of a member starts here */
	WALK_RECORD,            /* a record starts here */
	WALK_KEEP,              /* a value of the outline starts here */
	WALK_NULL,              /* null starts here, in place of the records */
	WALK_SKIP               /* any other value starts here */
};

/* An open object or array. In a set of paths, bit i stands for path[i]. */
struct walk_frame {
	char close;
	bool is_records;        /* its elements are the records */
	bool finds_array;       /* its only array member has the records */
	bool has_part;          /* it has a part in the outline */
	uint32_t paths;         /* the paths that lead through this object or
				 * array */
	uint32_t child;         /* those of `paths` that lead through its
				 * current member */
	uint64_t index;         /* of the current element */
};

struct walk_path;

struct walk {
	const struct walk_conf *conf;
	struct walk_path *path;         /* conf->records, then conf->wanted */
	unsigned n_paths;
	struct walk_frame frame[JSON_DEPTH_MAX];
	unsigned depth;
	int expected;
	bool has_value;                 /* a value has begun */
	bool found;                     /* the records were found in this
					 * value */
	struct buf name;                /* the last name, with its quotes */
	struct buf array_name;          /* of the first array member */
	struct buf outline;             /* made only for an answer */
	size_t records_at;              /* where the records were in the
					 * outline */
	struct walk_fault fault;
};

enum split_next { SPLIT_FAILED = -1, SPLIT_END, SPLIT_RECORD, SPLIT_MORE,
	SPLIT_BROKEN };

struct splitter;

/* The configuration is borrowed. */
int splitter_open(struct splitter **s, const struct walk_conf *c,
    size_t max_record, struct err *e);
void splitter_close(struct splitter *s);
/* Prepares for another text, which is read from its first byte. */
void splitter_restart(struct splitter *s);
/* For a record longer than max_record, sets record->too_long as lines.h says.
 * record->number counts the records from 1. */
enum split_next splitter_next(
    struct splitter *s, struct line *record, struct err *e);
/* Reads more of the text with one call of r.read(). */
int splitter_read(struct splitter *s, struct lines_reader r, struct err *e);
/* True if the last record was not inside an array or object. */
bool splitter_was_top(const struct splitter *s);

/* What is wrong, after SPLIT_BROKEN. */
const struct walk_fault *splitter_fault(const struct splitter *s);
/* After WALK_TWO_ARRAYS: the names of the two array members, in quotes. */
const struct buf *splitter_first_array(const struct splitter *s);
const struct buf *splitter_second_array(const struct splitter *s);
/* After SPLIT_END, if the text is the answer of a server: the text without its
 * records, see splitter.h. */
const struct buf *splitter_outline(const struct splitter *s);
/* The offset in the outline at which the records were removed: between the
 * brackets of the empty array that remains. 0: the answer had null in place of
 * this array. */
size_t splitter_records_at(const struct splitter *s);

#endif
