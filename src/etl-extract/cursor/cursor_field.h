/* Reads the cursor of each record (--cursor-field) and checks that all cursors
 * of a run are of one kind (a time, a number, another string), so that they can
 * be compared.
 * Borrows: pointer and stored, as long as cursor_field_read() is called.
 * Gives: cursor_field_read() returns 1 with the cursor in f->text, or 0 with
 *        the reason in *r if the record must be rejected.
 * Fails: ERR_CONFIG if the value cannot be compared with those before it. */
#ifndef EXTRACT_CURSOR_FIELD_H
#define EXTRACT_CURSOR_FIELD_H

#include "cursor/cursor_value.h"
#include "json/scan.h"
#include "stream/reject.h"

struct cursor_field {
	const char *pointer;    /* JSON Pointer of --cursor-field */
	const char *stored;     /* the stored checkpoint, or NULL */
	enum value_kind expected; /* kind of the stored checkpoint, else of
				 * --since or --start */
	enum value_kind kind;   /* kind of this run; VALUE_NONE until a record
				 * has decided it */
	uint64_t missing;       /* records without a cursor */
	uint64_t wrong_kind;    /* records rejected because a time is expected
				 * and the cursor is a number, or the reverse */
	struct buf text;        /* the cursor of the last record */
	char why[256];          /* message of the last reject */
};

/* given: the value of --since or --start, or NULL. */
void cursor_field_init(struct cursor_field *f, const char *pointer,
    const char *stored, const char *given);
void cursor_field_release(struct cursor_field *f);
int cursor_field_read(struct cursor_field *f, const struct json *j,
    struct reject *r, struct err *e);

#endif
