/* The steps of reader_read() that the options --map, --extra, --empty-as-null
 * and --bytes need.
 * Gives: if a function can reject the record: 1 continue; 0 reject it, *why
 *        says why; -1 with *e. */
#ifndef LOAD_ROW_VALUES_H
#define LOAD_ROW_VALUES_H

#include "table/record.h"

/* Called before the members of a row are read. */
void row_begin_extra(struct reader *r);
/* Finds the column for the member `name` of the row; its value is token `tok` +
 * 1. *column is the number of columns if the member has no column but the
 * record is valid. Returns 0 if the record must be rejected, or if memory is
 * out: then r->text.failed is set. */
int row_find_column(struct reader *r, uint32_t tok, const char *name,
    size_t len, size_t *column, struct reject *why);
/* Called for a record that must be rejected because a member has no column.
 * Returns 0 or, if --extra error is given, -1 with ERR_DATA. */
int row_check_extra(struct reader *r, const struct line *l, struct err *e);
/* Called after the members of the row are read: sets the values of --map. With
 * --map also sets *same to false. Two records with the same members may have
 * different shapes then: a pointer may find a value in one of them only. */
void row_set_mapped(struct reader *r, bool *same);
/* Called after row_set_mapped(), if an option sets or checks values: stores the
 * object of --extra, makes empty strings null (--empty-as-null) and checks
 * --bytes. */
int row_finish(struct reader *r, struct reject *why, struct err *e);
/* Returns an upper limit for the number of bytes that the values of the columns
 * of s have together once they are decoded. It may be more than the bytes of
 * the line, because with --map several columns can get one value. */
size_t row_max_size(const struct reader *r, const struct shape *s,
    const struct line *l);
/* Returns the token of the value that the column gets from the scanned row, or
 * 0 if the row has none. Unlike r->value, this works also if reader_read() was
 * not called. */
uint32_t row_find_value(struct reader *r, size_t column);
/* True if the value is null or a string in base64. */
bool row_is_base64(struct buf *scratch, const struct json *j, uint32_t tok);
int row_reject_not_base64(
    struct reader *r, struct reject *why, size_t column);
/* Rejects the record if a value for a column of bytes is not base64. */
int row_check_base64(struct reader *r, struct reject *why, struct err *e);
/* True if --bytes base64 allows the value of the column: the option is not
 * given, the column has another type than bytes, or the value is base64. */
bool row_fits_base64(struct reader *r, size_t column);

#endif
