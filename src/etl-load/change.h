/* Reads a change of --mode cdc: its operation, the object that contains its
 * row, and the key of the row that it changes.
 * Owns:  buffers that are reused; change_close() frees them.
 * Borrows: stage, target; the line, until the next change_read().
 * Gives: change_read(): 1 a change: the members of its row are in *row; 2 a
 *        tombstone (a line that is null), which changes nothing; 0 the record
 *        must be rejected, *why says why; -1 failed. */
#ifndef LOAD_CHANGE_H
#define LOAD_CHANGE_H

#include "stream/stage.h"
#include "target.h"

enum { CHANGE_NAME = 32 };

enum operation { OPERATION_INSERT, OPERATION_UPDATE, OPERATION_DELETE };

struct change {
	struct stage *stage;
	const struct target *target;
	enum operation operation;
	const char *place;              /* JSON Pointer to the row's object */
	bool moves;                     /* an UPDATE that changes the key */
	/* Values of key columns that the change has elsewhere than --key and
	 * --map say. They were added at the start of the row, before its member
	 * `first_member`: */
	uint32_t *key_value;            /* by column: a token of the row, or
	                                 * 0 */
	uint32_t first_member;          /* token of the first member that the
	                                 * row itself has */
	/* If `moves` is set, the UPDATE finds its row by the old key: */
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
/* True if the record is a tombstone inside a member: its payload is null, and
 * it has no operation. Debezium writes tombstones so. */
bool change_has_null_payload(const struct json *record);
int change_read(struct change *c, const struct line *l, struct json *row,
    enum json_members duplicates, struct reject *why, struct err *e);
/* Sets value[] of a column to 0 if the text of its value is a placeholder: the
 * source writes it for a value that it does not know, because the UPDATE has
 * not changed it. Returns true if there was a placeholder. */
bool change_drop_absent(const struct json *row, uint32_t *value,
    size_t columns);
/* Appends the pointer to a member as seen from the record. `member` is a
 * pointer as seen from the row's object, such as /id: the result is then
 * /data/id, for example. Or `member` is a name from change_old_name(): the
 * result then points into the row before the change. */
void change_put_pointer(
    struct buf *b, const struct change *c, const char *member);
/* Writes a name for column number i of the old key, such as etl.k0. The columns
 * of the old key have these names in statements and rejects, because the row
 * has members with their real names. */
void change_old_name(char name[CHANGE_NAME], size_t key_part);
/* Returns the reason why --strict rejects a change: its row is not in the
 * table. */
const char *change_missing_why(enum operation operation);

#endif
