#include "native/tree.h"

#include <stdio.h>

void *
lacks_set(struct lacks *l, const char *at, const char *what, size_t n)
{
	if (l->what[0] == '\0') {
		(void)snprintf(l->what, sizeof(l->what), "%.*s",
		    (int)(n < sizeof(l->what) ? n : sizeof(l->what)), what);
		l->at = at;
	}
	return NULL;
}

bool
node_is_fixed_path(const struct node *n)
{
	for (; n->kind == NODE_INDEX; n = n->a)
		if (n->b->kind != NODE_CONSTANT || n->optional ||
		    n->b->value.kind != VALUE_STRING)
			return false;
	return n->kind == NODE_INPUT;
}
