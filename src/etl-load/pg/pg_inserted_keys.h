/* For --keep-before and --emit on PostgreSQL, in a mode without a key: each
 * INSERT also notes the keys of its rows. Each function appends SQL to the
 * buffer. */
#ifndef LOAD_PG_INSERTED_KEYS_H
#define LOAD_PG_INSERTED_KEYS_H

#include "table/target.h"

/* The table of the keys of rows that the transaction may have changed
 * (pg_images.h). */
#define PG_TOUCHED "pg_temp.etl_load_touched"

/* Returns true if each INSERT must note the keys of its rows. */
bool pg_notes_inserted(const struct target *t);
/* Appends the columns that identify a row, for RETURNING: , "etl.t"."id" */
void pg_put_returned_keys(struct buf *b, const struct target *t);
/* Appends , "etl.k" AS (...) to a WITH clause: it stores the keys that the
 * INSERT "m" of this clause returns. */
void pg_put_note_returned(struct buf *b, const struct target *t);

#endif
