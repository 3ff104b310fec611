/* Matches the members of a record with the columns of the table.
 * Owns:  buffers that are reused for each record; reader_close() frees them.
 * Borrows: stage, target.
 * Gives: reader_read(): 1 a record: its values are in json, value and shape
 *        until the next call; 2 a tombstone (change.h); 0 the record must
 *        be rejected: *why says why until the next call; -1 failed, with *e. */
#ifndef LOAD_ROW_H
#define LOAD_ROW_H

#include "change.h"
#include "history.h"
#include "json/member_index.h"

/* How dates and times look, for messages. */
#define RECORD_TIME_FORMS "2026-01-31, 10:15:00 or 2026-01-31T10:15:00Z"

struct reader {
	struct stage *stage;
	const struct target *target;
	enum json_members duplicates;
	struct json json;               /* the record; in --mode cdc the row in
	                                 * the record */
	struct json inner;              /* one nested value of the record */
	struct json extra;              /* the object for the column of
	                                 * --extra, token 1 */
	struct json_tok extra_tok[2];
	struct buf extra_text;
	struct member_index members;    /* of the row, for --extra COLUMN */
	bool by_name;                   /* row_find_value() looks for a member
	                                 * of the column's name, not at --map */
	uint32_t *value;                /* by column: the token of its value in
	                                 * reader_json(), 0 if the
	                                 * record has none */
	const struct shape *shape;      /* of the record */
	const struct shape *shape_of_row;       /* while `shape` is that of the
	                                 * old key */
	struct shape **shapes;          /* of all records so far */
	size_t nshapes;
	size_t *lens;                   /* by column: length of its name */
	size_t *guess, nguess;          /* by member: the column that member
	                                 * number i had in the record before;
	                                 * most records have the same order */
	struct change change;           /* only --mode cdc */
	bool at_old_key;                /* json, value and shape are those of
	                                 * the old key */
	char as_of[CLOCK_STAMP];        /* --mode scd2: the record's time of
	                                 * change, or "" without --as-of */
	struct buf text, pointer;
	char message[512];
};

enum { SHAPES_MAX = 512 }; /* more: reader_forget_shapes() */

static inline const struct json *
reader_json(const struct reader *r, size_t column)
{
	return (int)column == r->target->mapping.extra_column ? &r->extra :
	    &r->json;
}

int reader_open(struct reader *r, struct stage *s, const struct target *t,
    enum json_members duplicates, struct err *e);
void reader_close(struct reader *r);
int reader_read(struct reader *r, const struct line *l, struct reject *why,
    struct err *e);
/* If there are SHAPES_MAX shapes, forgets them all and returns true. A sink
 * that keeps statements by shape id calls this before each chunk, and frees its
 * statements if the result is true. */
bool reader_forget_shapes(struct reader *r);
/* Only if change.moves is set: exchanges json, value and shape with those of
 * the old key, by which the UPDATE finds its row. A second call exchanges them
 * back. */
void reader_swap_key(struct reader *r);
/* Fills *why for a record whose value of this column is wrong. Returns 0. */
int reader_reject(struct reader *r, struct reject *why, size_t column,
    const char *code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Appends the values of the record's key columns as a JSON array. Returns 1; 0:
 * the record does not have a value for each key column; -1 with *e. */
int reader_put_key_json(struct reader *r, const struct line *l, struct buf *out,
    struct err *e);

/* Reads only some values of a record, those of the key or of --scope. This is
 * possible also if the record is rejected because of other values. */

/* Reads the record's values of these columns into r->json and r->value, where
 * they are valid until the next call. Ignores the rest of the record. Returns
 * 1; 0: the record lacks one of the values, or has one that no column can hold,
 * or has two members of this name without --duplicate-members last; -1 with
 * *e. */
int record_part_read(struct reader *r, const struct line *l,
    const struct shape *columns, struct err *e);
/* True if the value that was read for this column is null. */
bool record_part_is_null(const struct reader *r, size_t column);
bool record_part_has_null(const struct reader *r, const struct shape *columns);

/* The steps of reader_read() that the options --map, --extra, --empty-as-null
 * and --bytes need.
 * Gives: if a function can reject the record: 1 continue; 0 reject it, *why
 *        says why; -1 with *e. */

/* Returns an upper limit for the number of bytes that the values of the columns
 * of s have together once they are decoded. It may be more than the bytes of
 * the line, because with --map several columns can get one value. */
size_t row_max_size(const struct reader *r, const struct shape *s,
    const struct line *l);
/* True if the value is null or a string in base64. */
bool row_is_base64(struct buf *scratch, const struct json *j, uint32_t tok);
int row_reject_not_base64(
    struct reader *r, struct reject *why, size_t column);

/* The scope of a record in --mode delete-insert: the values that it has in the
 * columns of --scope. The load first deletes all rows that have these values in
 * these columns. */

/* Appends a record that has only the members of the scope `value`, an argument
 * of --scope-value. */
int scope_put_record(struct buf *b, const struct target *t, const char *value,
    struct err *e);

#endif
