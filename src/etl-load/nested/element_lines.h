/* Makes records for a table of --nested from the elements of an array.
 * Borrows: the scanned record and both targets, while a line is made.
 * Gives: each function that appends a line leaves out the line feed. The line
 *        has the values byte by byte as they are in the record. */
#ifndef LOAD_ELEMENT_LINES_H
#define LOAD_ELEMENT_LINES_H

#include "stream/reject.h"
#include "table/record.h"

struct element_lines {
	const struct target *child, *parent;
	const char *pointer;            /* to the array */
	struct json *json;              /* the record, scanned for at least
	                                 * element_lines_levels() */
	struct buf key, name, place;
	char message[512];
};

void element_lines_init(struct element_lines *l, const struct target *child,
    const struct target *parent, const char *pointer);
void element_lines_release(struct element_lines *l);
/* Returns how many levels of the record must be scanned. */
unsigned element_lines_levels(const struct element_lines *l);
/* Called for each record before the other functions. Reads the key of the
 * record. */
int element_lines_start(struct element_lines *l, struct json *record,
    struct err *e);
/* Finds the array at the pointer. Returns 1: *array is its token; 0: the record
 * has no value there, or null; -1: the value is not an array, and *why says
 * so. */
int element_lines_find_array(
    struct element_lines *l, uint32_t *array, struct reject *why);
/* Appends a record that has only the members for the parent's key. */
void element_lines_put_key(const struct element_lines *l, struct buf *b);
/* Appends a record made from element number `i` of the array, which is token
 * `tok`. Returns 1; 0: the element cannot be a row: *why has the reason and a
 * pointer into the parent's record. Memory is out if b->failed or
 * l->name.failed is set. */
int element_lines_put(struct element_lines *l, struct buf *b, uint32_t tok,
    uint64_t number, struct reject *why);
/* The table has refused the row of element number `i`, and `inner` is the
 * pointer in its line to the wrong value, or NULL. Returns the pointer to the
 * same value in the parent's record: /items/3/price for /price. */
const char *element_lines_pointer(struct element_lines *l, uint64_t number,
    bool is_object, const char *inner, struct err *e);

#endif
