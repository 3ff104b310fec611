/* --keep-before on PostgreSQL, in a mode without a key: each INSERT also notes
 * the keys of its rows. Each function appends SQL to the buffer. */
#ifndef LOAD_PG_INSERTED_KEYS_H
#define LOAD_PG_INSERTED_KEYS_H

#include "table/target.h"

/* The keys of the rows that the transaction may have changed (pg_images.h). */
#define PG_TOUCHED "pg_temp.etl_load_touched"

bool pg_notes_inserted_keys(const struct target *t);
/* , "etl.t"."id": the columns that identify a row, for RETURNING */
void pg_put_returned_keys(struct buf *b, const struct target *t);
/* , "etl.k" AS (...): notes the keys that the INSERT "m" has returned */
void pg_put_note_returned_keys(struct buf *b, const struct target *t);

#endif
