/* The state of a cursor, for cursor.c and cursor_mark.c only. */
#ifndef EXTRACT_CURSOR_IMPL_H
#define EXTRACT_CURSOR_IMPL_H

#include "cursor/cursor.h"
#include "cursor/cursor_field.h"

struct cursor {
	const struct extract_opts *o;
	char *stored;           /* the stored checkpoint, or NULL */
	char *validators;       /* stored with the checkpoint, or NULL */
	struct buf new_validators;      /* of this run; empty: none */
	int64_t version;        /* of the stored checkpoint */
	struct cursor_field field;
	struct buf lower_bound; /* of the first request; empty: none */
	struct buf highest;     /* highest value so far; empty: none */
	bool bound_each_page;   /* --paginate since: the lower bound of a page
				 * is the highest value before it */
	bool ordered;           /* the service sorts by the cursor */
	bool orders_itself;     /* it does so without --ordered */
	bool times_are_unordered;
	bool has_risen;         /* highest has risen since the last request */
	bool unmarked;          /* highest has risen since the last mark */
	bool page_began;        /* a page began since the last call of
				 * write_due_mark() */
	bool marks_are_held;    /* see cursor_hold_marks() */ bool has_warned;
	uint64_t page;          /* page of the last record */
	uint64_t accepted;      /* records whose cursor was accepted */
	uint64_t since_mark;    /* such records since the last mark */
	uint64_t risen_at;      /* index on its page of the record at which
				 * highest last rose */
	int64_t marked_at;      /* time of the last mark, clock_ms() */
};

int cursor_write_mark(struct cursor *c, struct stage *s, const char *value,
    const char *validators, struct err *e);
bool cursor_is_past(const struct cursor *c);
int cursor_fail_kind(const struct cursor_field *f, struct err *e);

#endif
