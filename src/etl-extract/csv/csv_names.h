/* Makes the names of columns unique: the second `a` becomes a_2.
 * Owns:  the names that were returned. A struct of zeros is empty.
 * Gives: csv_names_add() returns a name that no earlier call has returned,
 *        valid until csv_names_release(); NULL if memory is out. */
#ifndef EXTRACT_CSV_NAMES_H
#define EXTRACT_CSV_NAMES_H

struct csv_names {
	void *tree;
};

/* Returns the name or, if it is taken, another one that is made from it. */
const char *csv_names_add(struct csv_names *s, const char *name);
void csv_names_release(struct csv_names *s);

#endif
