/* Reads a change of --mode cdc: which operation it is, which object of the
 * record has the row, and which row it changes.
 * Owns:  buffers that are reused; change_close() frees them.
 * Borrows: stage, target; the line, until the next change_read().
 * Gives: change_read(): 1 a change: the members of its row are in *row; 2 a
 *        tombstone (the line null), which changes nothing; 0 the record must
 *        be rejected, *why says why; -1 failed. */
#ifndef LOAD_CHANGE_H
#define LOAD_CHANGE_H

#include "stream/stage.h"
#include "table/target.h"

enum { CHANGE_NAME = 32 };

enum operation { OPERATION_INSERT, OPERATION_UPDATE, OPERATION_DELETE };

struct change {
	struct stage *stage;
	const struct target *target;
	enum operation operation;
	const char *place;              /* JSON Pointer to the row's object */
	bool moves;                     /* an update that changes the key */
	/* The members of the row before `first_member` are columns of the key,
	 * which the change has at another place than --key and --map say: */
	uint32_t *key_value;            /* by column: a token of the row, or
	                                 * 0 */
	uint32_t first_member;          /* token of the first member that the
	                                 * row itself has */
	/* If `moves` is set, the row is found by this key: */
	struct json old;
	uint32_t *old_value;            /* by column: a token of old */
	struct shape old_shape;         /* the columns of the key */
	const char *old_place;

	struct json envelope;           /* the object with the operation */
	struct buf row_text, old_text;
	char message[256];
};

int change_open(struct change *c, struct stage *s, const struct target *t,
    struct err *e);
void change_close(struct change *c);
/* True if the line is `null`, perhaps with blanks around it. */
bool change_is_tombstone(const struct line *l);
/* True if the record has the payload null, with which Debezium writes a
 * tombstone, and is itself no change. */
bool change_has_null_payload(const struct json *record);
int change_read(struct change *c, const struct line *l, struct json *row,
    enum json_members duplicates, struct reject *why, struct err *e);
/* Sets a value (the token of a column) to 0 if its text stands for a value that
 * the source does not know, because it has not changed. True if there is
 * one. */
bool change_remove_absent_values(
    const struct json *row, uint32_t *value, size_t columns);
/* Appends the pointer to a member in the record. `member` is a pointer to the
 * member of the row, such as /id, or to a column of the old key, as
 * change_write_old_column() writes it. */
void change_put_pointer(
    struct buf *b, const struct change *c, const char *member);
/* Writes the name that stands for column number i of the old key: etl.k0. */
void change_write_old_column(char name[CHANGE_NAME], size_t i);
/* Why --strict rejects a change whose row is not in the table. */
const char *change_get_message_of_missing_row(enum operation operation);

#endif
