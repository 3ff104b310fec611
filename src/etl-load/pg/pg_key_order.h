/* Finds out whether the records of a chunk are in the order of the key, which
 * is the order in which loaders merge rows. Integers are ordered by value,
 * texts by their bytes.
 * Owns:  the last key; key_order_release() frees it.
 * Borrows: target.
 * Gives: ascending and distinct, for the records added since
 *        key_order_restart(). Both are false if the key has a column of another
 *        type. */
#ifndef LOAD_PG_KEY_ORDER_H
#define LOAD_PG_KEY_ORDER_H

#include "table/record.h"

struct key_order {
	const struct target *target;
	struct buf last, key;           /* as bytes whose order is the keys' */
	bool any;                       /* last is a key */
	bool ascending;                 /* no key is less than the one before */
	bool distinct;                  /* ascending, and no two are equal */
};

void key_order_init(struct key_order *o, const struct target *t);
void key_order_release(struct key_order *o);
void key_order_restart(struct key_order *o);
/* Adds the key of the record that the reader has matched. */
int key_order_add(struct key_order *o, const struct reader *r, struct err *e);

#endif
