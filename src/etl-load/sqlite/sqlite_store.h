/* Stores one record in a SQLite table, by statements prepared for each shape.
 * Owns:  statements and values; lite_store_release() frees them.
 * Gives: lite_convert() returns as reader_read(). lite_store_record() also:
 *        LITE_REFUSED: the table is unchanged; LITE_ENDED: the transaction is
 *        rolled back; both set fault and why. LITE_REPEAT: repeat the batch, to
 *        check deferred foreign keys.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_SQLITE_STORE_H
#define LOAD_SQLITE_STORE_H

#include "sqlite/sqlite_statements.h"

int lite_store_init(struct lite_store *s, struct db *db,
    const struct target *t, struct err *e);
void lite_store_release(struct lite_store *s);
int lite_convert(struct lite_store *s, struct reader *r, const struct line *l,
    struct reject *why, struct err *e);
/* Returns the statements of the shape, among which `insert` is prepared, or
 * NULL with *e. */
struct lite_statements *lite_get_statements(
    struct lite_store *s, const struct shape *shape, struct err *e);
enum lite_result lite_store_record(
    struct lite_store *s, const struct shape *shape, struct err *e);
/* Inserts the records of a group by one statement. s->slots has their values,
 * and s->group_records their number. Returns LITE_INSERTED; LITE_REFUSED: only
 * the first *stored records are inserted, because a record is refused or its
 * key has a row; LITE_REPEAT: repeat the batch. */
enum lite_result lite_store_group(struct lite_store *s,
    const struct shape *shape, size_t *stored, struct err *e);
/* Deletes all rows of the table. */
int lite_delete_all(struct lite_store *s, uint64_t *removed, struct err *e);
/* Sets s->fault and s->why to the error of a record that a foreign key has
 * refused. */
void lite_fail_reference(struct lite_store *s);

#endif
