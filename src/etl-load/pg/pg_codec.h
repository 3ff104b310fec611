/* Values as PostgreSQL reads them: arrays and composite values, values that a
 * column would change (those of times in pg_time.c), changes of --mode cdc, and
 * the order of keys. */
#ifndef LOAD_PG_CODEC_H
#define LOAD_PG_CODEC_H

#include "base/buf.h"
#include "db/table.h"
#include "json/scan.h"
#include "row.h"

/* Writes a JSON array as an array of PostgreSQL in text form, such as {1,2} or
 * {{1,2},{3,4}}, and a JSON object as a composite value, such as (7,"a b").
 * Fails: check buf_check() of b. */

/* Appends the array or object of token `tok`: c is an array column or has a
 * composite type. All values inside must have tokens. base64: values for bytes
 * are base64. */
void pg_put_literal(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64);

/* Appends an integer that is written as 5.0 or 1e30, with digits only. Returns
 * false for any other value. */
bool pg_put_int_digits(struct buf *b, const struct json *j,
    const struct json_tok *t);
/* p and n are the text of the value t, without quotes. */
bool pg_is_hex(const struct json_tok *t, const char *p, size_t n);
/* Replaces the bytes of b from offset `at` to the end by their hex digits. */
void pg_bytes_to_hex(struct buf *b, size_t at);
/* Appends a string without its quotes and escapes, and any other value as
 * compact JSON. */
void pg_put_characters(struct buf *b, const struct json *j, uint32_t tok);

/* Rejects a record if a column of PostgreSQL would change one of its values
 * without an error. For example, numeric(6,2) rounds 12.3456.
 * Fails: -1 without memory. */

/* Checks the values that r has for the columns of s. Returns 1: the columns
 * keep all values unchanged; 0: the record must be rejected, *why says why; -1
 * with *e. */
int pg_reject_changed(struct reader *r, const struct shape *s,
    struct buf *scratch, struct reject *why, struct err *e);

/* Finds out whether a column of PostgreSQL would lose a part of a date, time or
 * interval that is written as text. PostgreSQL reads many spellings. This
 * scanner only finds out which parts a text has.
 * Gives: NULL if the column keeps the whole value, else a text for the message
 *        that says what would be lost. For a text that PostgreSQL refuses, the
 *        result may be either. */

/* A fast test for the form that most records use, 2026-01-30 or
 * 2026-01-30T10:15:30.123Z. Returns true if the text has this form and the
 * column keeps all of it. */
bool pg_keeps_usual_time(
    const char *p, size_t n, enum column_change type, int second_digits);
const char *pg_find_time_loss(const char *p, size_t n, enum column_change type,
    int second_digits);
const char *pg_find_interval_loss(const char *p, size_t n, int second_digits);
/* For a column whose type names fields, such as `interval day to hour`.
 * `finest` is the smallest of these fields. */
const char *pg_find_fields_loss(const char *p, size_t n,
    enum interval_field finest);

/* Finds out whether the records of a chunk are in the order of the key, which
 * is the order in which loaders merge rows. Integers are ordered by value,
 * texts by their bytes.
 * Owns:  the last key; key_order_release() frees it.
 * Borrows: target.
 * Gives: ascending and distinct, for the records added since
 *        key_order_restart(). Both are false if the key has a column of another
 *        type. */

struct key_order {
	const struct target *target;
	struct buf last, key;           /* as bytes whose order is the keys' */
	bool any;                       /* last is a key */
	bool ascending;                 /* no key is less than the one before */
	bool distinct;                  /* ascending, and no two are equal */
};

void key_order_init(struct key_order *o, const struct target *t);
void key_order_release(struct key_order *o);
void key_order_restart(struct key_order *o);
/* Adds the key of the record that the reader has matched. */
int key_order_add(struct key_order *o, const struct reader *r, struct err *e);

/* Values of a change of --mode cdc that only the staging table has: the
 * operation and the old key.
 * Borrows: the reader, which has just matched the record. */

/* Appends the operation and the old key in COPY's text format. The old key is
 * NULL if the change does not change the key. */
void pg_put_change_values(
    struct buf *b, struct reader *r, struct buf *scratch);
/* Checks the old key of an update that changes the key. Returns 1: its columns
 * can store it as it is; 0: reject the record, *why says why; -1 with *e. */
int pg_reject_old_key(struct reader *r, struct buf *scratch, struct reject *why,
    struct err *e);

#endif
