/* --evolve: finds out from the rejected records of a batch how the table must
 * change so that it takes them: which columns it lacks, and which are too
 * narrow. The batch is then rolled back, the table altered, and the batch
 * loaded again.
 * Owns:  the changes; evolve_release() frees them. */
#ifndef LOAD_EVOLVE_H
#define LOAD_EVOLVE_H

#include "batch/outcome.h"
#include "create/sample.h"

enum { EVOLVE_COLUMNS_MAX = 100 };      /* that one load adds */

struct evolve {
	struct sample record;           /* the members of one record */
	struct keyset added;            /* names of new columns; the values have
	                                 * the bits of create/value_kinds.h */
	struct keyset widened;          /* names of columns; the values are of
	                                 * enum column_width */
	size_t total;                   /* columns that the load has added */
};

void evolve_init(struct evolve *v, const struct load_opts *o,
    const struct load_mode *mode, enum json_members duplicates);
void evolve_release(struct evolve *v);
/* Called before each try of a batch. */
void evolve_forget_changes(struct evolve *v);
/* Called when the records of a chunk were applied: adds the changes that its
 * rejected records need. */
int evolve_note_refused_records(struct evolve *v, const struct outcome *o,
    struct db *db, struct err *e);
/* NULL if the table has no column of this name. */
const struct column *evolve_find_column(
    const struct table *t, const char *name, size_t len);
bool evolve_is_needed(const struct evolve *v);
/* The parts of it: adds a column for each member of v->record that the table
 * lacks, or none; widens the column for a value of these kinds. */
int evolve_add_columns_of_record(struct evolve *v, struct db *db,
    const struct table *t, struct err *e);
int evolve_widen_column(struct evolve *v, const struct column *c,
    unsigned kinds, struct err *e);
/* For --plan: adds the changes that a record needs which is not loaded. Only
 * those are found that are certain without the database. */
int evolve_note_planned_record(struct evolve *v, struct reader *r,
    const struct line *l, bool adds_columns, struct db *db, struct err *e);
/* Appends the statements that evolve_alter_table() runs. */
int evolve_put_statements(struct buf *b, const struct evolve *v, struct db *db,
    const struct table *t, struct err *e);
/* Makes the changes in a transaction of their own, and prints them. If another
 * program has altered the table meanwhile, makes none. The caller then reads
 * the table again. */
int evolve_alter_table(struct evolve *v, struct db *db,
    const struct table *t, struct err *e);

#endif
