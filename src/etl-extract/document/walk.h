/* Follows the nesting of a JSON document on the way to its records and to
 * wanted values. Tells the caller what each value is for.
 * Owns:  the outline: the document without its records and without unwanted
 *        values. In an array, null stands for each unwanted value.
 * Borrows: the pointers.
 * Fails: walk_read_byte() returns WALK_BROKEN; the functions
 *        that end a value or the text return false. The fault is in w->fault.
 */
#ifndef EXTRACT_WALK_H
#define EXTRACT_WALK_H

#include "base/buf.h"
#include "json/scan.h"

#include <stdint.h>

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

/* Opens a walk. All bytes of *w must be 0 before. */
int walk_open(struct walk *w, const struct walk_conf *c, struct err *e);
void walk_release(struct walk *w);
/* Prepares for the next document. */
void walk_restart(struct walk *w);
/* Handles a byte between values, which is not white space. If a name or a value
 * starts with it, the caller reads that to its end and then calls
 * walk_end(). */
enum walk_use walk_read_byte(struct walk *w, char c);
/* Call this after a name or value of n bytes at p was read. `use` is what
 * walk_read_byte() has returned. The text is needed only for WALK_NAME,
 * WALK_KEEP and WALK_NULL. */
bool walk_end(struct walk *w, enum walk_use use, const char *p, size_t n);
/* True if no array or object is open, so that the text may end here. */
bool walk_is_at_top(const struct walk *w);
/* Fails if the text must not end here: in the middle of a value or, for an
 * answer, before the first one. */
bool walk_finish(struct walk *w);

#endif
