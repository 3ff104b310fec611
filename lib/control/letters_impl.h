/* The inside of letters, shared by letters*.c only. */
#ifndef CONTROL_LETTERS_IMPL_H
#define CONTROL_LETTERS_IMPL_H

#include "control/letter_line.h"
#include "control/letters.h"

/* The number of a run's row as a value: 0 is NULL. */
static inline struct db_value
letter_row(int64_t run_row)
{
	return run_row == 0 ? db_text(NULL) : DB_I(run_row);
}

/* PostgreSQL: copied aside, then merged in a few statements. */
int letters_copy(struct db *db, const struct letter_text *lines, size_t n,
    struct err *e);
int letters_merge(struct db *db, struct letter_replay *v, size_t n,
    const char *run, int64_t run_row, int64_t *added, struct err *e);

#endif
