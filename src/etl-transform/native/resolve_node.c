#include "native/resolve.h"

#include <string.h>

struct node *
resolver_refuse(struct resolver *r, const struct node *n, const char *what)
{
	return lacks_set(r->lacks, n->at, what, strlen(what));
}

void *
resolver_allocate(struct resolver *r, size_t n)
{
	void *p = arena_get(&r->program->arena, n);

	if (p == NULL) {
		r->lacks->nomem = true;
		(void)lacks_set(r->lacks, NULL, "memory", 6);
	}
	return p;
}

struct node *
resolver_copy_node(struct resolver *r, const struct node *n,
    enum node_kind kind)
{
	struct node *copy = resolver_allocate(r, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	if (++r->nodes > RESOLVE_NODES)
		return resolver_refuse(r, n, "so large a filter");
	*copy = *n;
	copy->kind = (uint8_t)kind;
	copy->single = false;
	return copy;
}
