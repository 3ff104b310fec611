/* --evolve: finds out from the rejected records of a batch which columns the
 * table lacks and which columns are too narrow. The batch is then rolled back,
 * the table is altered, and the batch is loaded again.
 * Owns:  the changes; evolve_release() frees them. */
#ifndef LOAD_EVOLVE_H
#define LOAD_EVOLVE_H

#include "batch.h"
#include "sample.h"

enum { EVOLVE_COLUMNS_MAX = 100 };      /* that one load adds */

struct evolve {
	struct sample record;           /* the members of one record */
	struct keyset added;            /* names of new columns; the values have
	                                 * the bits of sample.h */
	struct keyset widened;          /* names of columns; the values are of
	                                 * enum column_width */
	size_t total;                   /* columns that the load has added */
};

void evolve_init(struct evolve *v, const struct load_opts *o,
    const struct load_mode *mode, enum json_members duplicates);
void evolve_release(struct evolve *v);
/* Forgets the changes that the failed try has noted. Called before each try of
 * a batch. */
void evolve_forget(struct evolve *v);
/* Called when the records of a chunk were applied: adds the changes that its
 * rejected records need. */
int evolve_note_refused(struct evolve *v, const struct outcome *o,
    struct db *db, struct err *e);
bool evolve_has_changes(const struct evolve *v);
/* For --plan: examines a record of the sample without loading it, and notes the
 * changes that it needs. Finds only those changes that are certain without the
 * answer of the database. */
int evolve_note_planned(struct evolve *v, struct reader *r,
    const struct line *l, bool adds_columns, struct db *db, struct err *e);
/* Appends the statements that evolve_alter_table() runs. */
int evolve_put_statements(struct buf *b, const struct evolve *v, struct db *db,
    const struct table *t, struct err *e);
/* Alters the table in a transaction of its own, and prints the changes. If
 * another program has altered the table meanwhile, changes nothing. In both
 * cases the caller must read the table again. */
int evolve_alter_table(struct evolve *v, struct db *db, const struct table *t,
    struct err *e);

#endif
