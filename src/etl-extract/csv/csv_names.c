#include "csv/csv_names.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 16 };

/* A node of the tree of tsearch(3). */
struct name {
	unsigned next;          /* the next column of this name gets this
				 * number */
	char text[];
};

static int
compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* Allocates a name: the text, followed by _NUMBER if number is not 0. */
static struct name *
make_name(const char *text, unsigned number)
{
	const size_t size = strlen(text) + DIGITS_MAX;
	struct name *n = malloc(sizeof(*n) + size);

	if (n == NULL)
		return NULL;
	n->next = 2;
	(void)snprintf(n->text, size, number > 0 ? "%s_%u" : "%s", text,
	    number);
	return n;
}

/* Puts n into the tree and returns it. If the tree already has an equal name,
 * frees n and returns that name. If memory is out, frees n and returns NULL. */
static struct name *
insert_name(struct csv_names *s, struct name *n)
{
	struct name **in = tsearch(n, &s->tree, compare);
	struct name *found = in != NULL ? *in : NULL;

	if (found != n)
		free(n);
	return found;
}

const char *
csv_names_add(struct csv_names *s, const char *name)
{
	struct name *n = make_name(name, 0), *first, *found;

	if (n == NULL || (first = insert_name(s, n)) == NULL)
		return NULL;
	if (first == n)
		return n->text;
	do {
		if ((n = make_name(name, first->next++)) == NULL ||
		    (found = insert_name(s, n)) == NULL)
			return NULL;
	} while (found != n);
	return n->text;
}

void
csv_names_release(struct csv_names *s)
{
	tdestroy(s->tree, free);
	s->tree = NULL;
}
