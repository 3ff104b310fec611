/* The inside of letters, shared by letters*.c only. */
#ifndef DB_LETTERS_IMPL_H
#define DB_LETTERS_IMPL_H

#include "db/letter_line.h"
#include "db/letters.h"

struct db_value letter_row(int64_t run_row);    /* 0 is NULL */

/* PostgreSQL: copied aside, then merged in a few statements. */
int letters_copy(struct db *db, const struct letter_text *lines, size_t n,
    struct err *e);
int letters_merge(struct db *db, struct letter_replay *v, size_t n,
    const char *run, int64_t run_row, int64_t *added, struct err *e);

#endif
