/* Reads a text with jansson, a second JSON parser.  Only oracle.c includes
 * jansson's header, because some of its names are also names of lib/json.
 * Gives: the values in order of appearance, with member names as strings, so
 *        that item i matches token i of a scan.  False: jansson refuses it. */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

struct oracle_item {
	char type;              /* n f t d s a o, as enum json_type */
	double d;
	const char *p;          /* the bytes of a string */
	size_t n;               /* its length, or count of children */
	size_t next;            /* index of the item after this value */
};

struct oracle {
	void *tree;
	struct oracle_item *item;
	size_t n, cap;
};

bool oracle_read(struct oracle *o, const char *text, size_t n);
void oracle_release(struct oracle *o);

#endif
