#include "native/resolve.h"

static struct node *resolve_node(struct resolver *r, const struct node *n,
    const struct scope *s);
static bool
resolve_parts(struct resolver *r, struct node *copy, const struct node *n,
    const struct scope *s)
{
	copy->parts = resolver_allocate(r, (n->n + 1) * sizeof(struct node *));
	for (size_t i = 0; i < n->n && copy->parts != NULL; i++) {
		copy->parts[i] = resolve_node(r, n->parts[i], s);
		if (copy->parts[i] == NULL)
			return false;
	}
	return copy->parts != NULL;
}

/* Resolves *child. Does nothing if it is NULL. */
static bool
resolve_child(struct resolver *r, struct node **child, const struct scope *s)
{
	return *child == NULL || (*child = resolve_node(r, *child, s)) != NULL;
}

/* Resolves the children of a node that defines no name. */
static struct node *
resolve_children(struct resolver *r, const struct node *n,
    const struct scope *s)
{
	struct node *copy = resolver_copy_node(r, n, (enum node_kind)n->kind);

	if (copy == NULL || !resolve_child(r, &copy->a, s) ||
	    !resolve_child(r, &copy->b, s) ||
	    !resolve_child(r, &copy->c, s) ||
	    !resolve_child(r, &copy->d, s) ||
	    (n->n > 0 && !resolve_parts(r, copy, n, s)))
		return NULL;
	return copy;
}

/* Counts the parts that may have several outputs. Returns true if there is
 * none. */
static bool
count_generators(const struct node *n, size_t *generators)
{
	*generators = 0;
	for (size_t i = 0; i < n->n; i++)
		*generators += !n->parts[i]->single;
	return *generators == 0;
}

/* True if the node has exactly one output for each input, or is NULL. */
static bool
has_one_output(const struct node *n)
{
	return n == NULL || n->single;
}

/* Sets n->single if the node has exactly one output for each input. A generator
 * is a node that may have several outputs. Where the versions of jq run
 * generators in different orders, this function refuses them: it returns NULL
 * with r->lacks. */
static struct node *
set_single(struct resolver *r, struct node *n)
{
	size_t generators;

	switch ((enum node_kind)n->kind) {
	case NODE_TEXT:
		if (!count_generators(n, &generators))
			return resolver_refuse(
			    r, n, "several values in a text");
		n->single = true;
		return n;
	case NODE_OBJECT:
		n->single = count_generators(n, &generators);
		return generators < 2 ? n : resolver_refuse(r, n,
		    "several values in two members of an object");
	case NODE_INDEX:
	case NODE_SLICE:
		if (!has_one_output(n->b) || !has_one_output(n->c))
			return resolver_refuse(r, n, "several values in [...]");
		n->single = n->a->single && !n->optional;
		return n;
	case NODE_INPUT:
	case NODE_CONSTANT:
	case NODE_ARRAY:
		n->single = true;
		return n;
	case NODE_PIPE:
	case NODE_BINARY:
	case NODE_NEGATE:
	case NODE_AND:
	case NODE_OR:
	case NODE_DEFAULT:
	case NODE_IF:
		n->single = has_one_output(n->a) &&
		    has_one_output(n->b) &&
		    has_one_output(n->c);
		return n;
	default:
		return n;
	}
}

static struct node *
resolve_assignment(struct resolver *r, const struct node *n,
    const struct scope *s)
{
	struct node *copy = resolve_children(r, n, s);

	if (copy == NULL)
		return NULL;
	if (!node_is_fixed_path(copy->a) || copy->a->kind == NODE_INPUT)
		return resolver_refuse(r, n, "an assignment to such a path");
	if (!copy->b->single)
		return resolver_refuse(r, n, "an assignment of several values");
	copy->single = true;
	return copy;
}

/* reduce, foreach, and `as` */
static struct node *
resolve_binding(struct resolver *r, const struct node *n,
    const struct scope *s)
{
	struct node *copy = resolver_copy_node(r, n, (enum node_kind)n->kind);
	struct scope *inner = resolver_allocate(r, sizeof(*inner));
	bool loop = n->kind != NODE_BIND;

	if (copy == NULL || inner == NULL || !resolve_child(r, &copy->a, s))
		return NULL;
	copy->slot = r->program->slots++;
	*inner = (struct scope){
		.kind = SCOPE_VARIABLE, .name = n->name, .len = n->len,
		.slot = copy->slot, .up = s
	};
	if (!resolve_child(r, &copy->b, loop ? s : inner) ||
	    !resolve_child(r, &copy->c, inner) ||
	    !resolve_child(r, &copy->d, inner))
		return NULL;
	if (loop && !copy->b->single)
		return resolver_refuse(r, n, "several values to begin with");
	copy->single = n->kind == NODE_REDUCE ||
	    (!loop && copy->a->single && copy->b->single);
	return copy;
}

/* A body that is never called is not resolved here. It may call a function that
 * is not defined, and libjq then refuses the filter. So lacks->doubtful is
 * set. */
static struct node *
resolve_define(struct resolver *r, const struct node *n,
    const struct scope *s)
{
	struct scope *inner = resolver_allocate(r, sizeof(*inner));
	struct node *copy;

	if (inner == NULL)
		return NULL;
	*inner = (struct scope){
		.kind = SCOPE_FUNCTION, .name = n->name, .len = n->len,
		.parameters = n->n, .node = n, .reached = &n->a->reached,
		.up = s
	};
	copy = resolve_node(r, n->b, inner);
	r->lacks->doubtful |= !n->a->reached;
	return copy;
}

static struct node *
resolve_by_kind(struct resolver *r, const struct node *n,
    const struct scope *s)
{
	struct node *copy;

	switch ((enum node_kind)n->kind) {
	case NODE_CALL:
		return resolve_call(r, n, s);
	case NODE_VARIABLE:
		return resolve_variable(r, n, s);
	case NODE_DEFINE:
		return resolve_define(r, n, s);
	case NODE_BIND:
	case NODE_REDUCE:
	case NODE_FOREACH:
		return resolve_binding(r, n, s);
	case NODE_SET:
		return resolve_assignment(r, n, s);
	default:
		copy = resolve_children(r, n, s);
		return copy != NULL ? set_single(r, copy) : NULL;
	}
}

static struct node *
resolve_node(struct resolver *r, const struct node *n, const struct scope *s)
{
	struct node *copy;

	if (r->depth == RESOLVE_DEPTH)
		return resolver_refuse(r, n,
		    "a function that calls itself, or so deep a nesting");
	r->depth++;
	copy = resolve_by_kind(r, n, s);
	r->depth--;
	return copy;
}

struct node *
resolve_filter(struct resolver *r, const struct node *tree)
{
	r->resolve_node = resolve_node;
	return resolve_node(r, tree, NULL);
}
