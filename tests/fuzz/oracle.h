/* A second JSON parser, jansson, in words of its own: its names are ours.
 * Gives: its values in order of appearance, names among them as strings, so
 *        that item i answers to token i of a scan.  False: invalid to it. */
#ifndef FUZZ_ORACLE_H
#define FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

struct oracle_item {
	char type;              /* n f t d s a o, as enum json_type goes */
	double d;
	const char *p;          /* bytes of a string */
	size_t n;               /* its length, or how many children */
	size_t next;            /* the item after this value */
};

struct oracle {
	void *tree;
	struct oracle_item *item;
	size_t n, cap;
};

bool oracle_read(struct oracle *o, const char *text, size_t n);
void oracle_release(struct oracle *o);

#endif
