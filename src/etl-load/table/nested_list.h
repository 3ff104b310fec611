/* The tables of --nested, in the order of the options. Each gets rows from the
 * elements of an array inside the records of another table, its parent.
 * Owns:  all texts; nested_list_release() frees them.
 * Borrows: the options: a pointer is a part of the option's text.
 * Fails: ERR_USAGE if an option cannot be read. Needs no database. */
#ifndef LOAD_NESTED_LIST_H
#define LOAD_NESTED_LIST_H

#include "table/table_list.h"

struct nested_table {
	size_t parent;          /* number of its table in --tables, or 0 */
	char *table;            /* in the form of an argument of --table */
	const char *pointer;    /* to the array */
};

struct nested_list {
	struct nested_table *v;
	size_t n;
};

/* `tables` is the list of --tables: empty if --table names the only table. */
int nested_list_parse(struct nested_list *l, const struct load_opts *o,
    const struct table_list *tables, struct err *e);
void nested_list_release(struct nested_list *l);
/* Sets o->nested_at to the pointers of --nested in the records of table number
 * `parent`. The caller frees o->nested_at.v. */
int nested_set_pointers(const struct nested_list *l, size_t parent,
    struct load_opts *o, struct err *e);
/* Makes the options *o of a table of --nested from those of its parent: options
 * that say how values are read hold for both tables, options that name columns
 * hold for the parent only. */
void nested_set_options(const struct nested_table *t,
    const struct load_opts *parent, struct load_opts *o);

#endif
