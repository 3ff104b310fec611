/* The parts of matching a record that the options --map, --extra,
 * --empty-as-null and --bytes need.
 * Gives: where a function can reject the record: 1 go on; 0 reject it, *why
 *        says why; -1 with *e. */
#ifndef LOAD_ROW_VALUES_H
#define LOAD_ROW_VALUES_H

#include "table/record.h"

/* Called before the members of a row. */
void row_values_start(struct reader *r);
/* Finds the column that takes the member `name` of the row, the value of which
 * is token `tok` + 1. *column is the number of columns if none takes it but the
 * record is good. Memory is out if r->text.failed is set. */
int row_find_column_of_member(struct reader *r, uint32_t tok, const char *name,
    size_t len, size_t *column, struct reject *why);
/* Called for a record with a member that no column takes. Returns 0, or -1 with
 * ERR_DATA if --extra error is given. */
int row_fail_if_extra_ends_load(
    struct reader *r, const struct line *l, struct err *e);
/* Called after the members of the row: sets the values of --map. With --map
 * sets *same to false: a pointer may find a value in one record and none in
 * another one with the same members, so their rows may have other columns. */
void row_values_take_pointers(struct reader *r, bool *same);
/* Called at the end, if an option sets or judges values. */
int row_values_finish(struct reader *r, struct reject *why, struct err *e);
/* Returns how many bytes the values of the columns of s have together at most,
 * however they are decoded. With --map several columns may get one value. */
size_t row_max_size_of_values(
    const struct reader *r, const struct shape *s, const struct line *l);
/* Returns the token of the value that the column gets from the scanned row, or
 * 0 if the row has none. For a record that was not matched. */
uint32_t row_find_value(struct reader *r, size_t column);
/* True if the value is null or a string in base64. */
bool row_is_base64(struct buf *scratch, const struct json *j, uint32_t tok);
int row_reject_not_base64(
    struct reader *r, struct reject *why, size_t column);
/* Rejects the record if a value for a column of bytes is not base64. */
int row_reject_unless_base64(
    struct reader *r, struct reject *why, struct err *e);
/* False if the option --bytes base64 refuses the value of the column. */
bool row_value_is_base64_if_needed(struct reader *r, size_t column);

#endif
