/* The tables of --tables, in the order of the option. Each entry has the NAME
 * that a record gives, the table, and its key.
 * Owns:  all texts; table_list_release() frees them.
 * Fails: ERR_USAGE if an entry cannot be read, or if two options contradict
 *        each other. Needs no database. */
#ifndef LOAD_TABLE_LIST_H
#define LOAD_TABLE_LIST_H

#include "load.h"

struct listed_table {
	char *name;             /* the value at --table-from in its records */
	size_t len;
	char *table;            /* in the form of an argument of --table */
	char *key;              /* in the form of an argument of --key, or
	                         * NULL */
};

struct table_list {
	struct listed_table *v;
	size_t n;               /* 0: --table names the only table */
	bool keyed;             /* an entry has a key */
};

enum { TABLES_MAX = 1000 };

/* Returns the length of the text before the first character of `ends`. Ignores
 * such characters in double quotes. */
size_t table_list_span(const char *p, const char *ends);
/* Removes the double quotes around a NAME. Inside the quotes "" stands for one
 * double quote. */
void table_list_unquote(char *name);
int table_list_check(const struct load_opts *o, struct err *e);
int table_list_parse(
    struct table_list *l, const struct load_opts *o, struct err *e);
void table_list_release(struct table_list *l);
/* Returns the number of the entry with this NAME, or l->n if there is none.
 * Compares entry number `first` before the others: most records have the same
 * NAME as the record before. */
size_t table_list_find(const struct table_list *l, const char *name, size_t len,
    size_t first);

#endif
