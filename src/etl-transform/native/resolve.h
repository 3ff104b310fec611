/* Used by program.c: replaces the names of a tree by what they mean.
 * Gives: resolve_filter() returns the tree of the program, or NULL with
 *        r->lacks. Bodies of functions are copied into each call; so a function
 *        that calls itself is lacking. */
#ifndef TRANSFORM_RESOLVE_H
#define TRANSFORM_RESOLVE_H

#include "native/program.h"

enum { RESOLVE_NODES = 3000, RESOLVE_DEPTH = 150 };

/* A name that is known at some place of the filter; `up` has those that are
 * known around it. */
struct scope {
	enum { SCOPE_VARIABLE, SCOPE_FUNCTION, SCOPE_ARGUMENT } kind;
	const char *name;
	size_t len, parameters;
	uint32_t slot;
	const struct node *node;        /* definition or argument */
	bool *reached;                  /* of the argument or the body */
	const struct scope *outside;    /* of the argument: where it stands */
	const struct scope *up;
};

struct resolver {
	struct compiled *program;
	const struct engine_conf *conf;
	const char *prefixes;           /* "etl::" and such of the filter, each
					 * ended by a space */
	struct lacks *lacks;
	unsigned int nodes, depth;
	/* Resolves any node: resolve_call.c calls resolve.c by it. */
	struct node *(*resolve_node)(struct resolver *r, const struct node *n,
	    const struct scope *s);
};

struct node *resolve_filter(struct resolver *r, const struct node *tree);

/* Used by resolve.c (resolve_call.c) and by both (resolve_node.c). */
struct node *resolve_call(struct resolver *r, const struct node *n,
    const struct scope *s);
struct node *resolve_variable(struct resolver *r, const struct node *n,
    const struct scope *s);
struct node *resolver_lacks(struct resolver *r, const struct node *n,
    const char *what);
void *resolver_memory(struct resolver *r, size_t n);
/* Returns a copy of the node n, of another kind. */
struct node *resolver_copy(
    struct resolver *r, const struct node *n, enum node_kind kind);

#endif
