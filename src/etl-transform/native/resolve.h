/* Used by program.c: replaces each name of a tree by its definition.
 * Gives: resolve_filter() returns the tree of the program, or NULL with
 *        r->lacks. The body of a function is copied into each call. So
 *        recursion is impossible: a function that calls itself counts as
 *        lacking. */
#ifndef TRANSFORM_RESOLVE_H
#define TRANSFORM_RESOLVE_H

#include "native/program.h"

enum { RESOLVE_NODES = 3000, RESOLVE_DEPTH = 150 };

/* A name that is defined at some place of the filter. `up` is the list of the
 * other names that are defined there. */
struct scope {
	enum { SCOPE_VARIABLE, SCOPE_FUNCTION, SCOPE_ARGUMENT } kind;
	const char *name;
	size_t len, parameters;
	uint32_t slot;
	const struct node *node;        /* definition or argument */
	bool *reached;                  /* node.reached of the argument, or of
					 * the body of the definition */
	const struct scope *outside;    /* the names that an argument sees */
	const struct scope *up;
};

struct resolver {
	struct compiled *program;
	const struct engine_conf *conf;
	const char *prefixes;           /* "etl::" and such of the filter, each
					 * ended by a space */
	struct lacks *lacks;
	unsigned int nodes, depth;
	/* resolve_node() of resolve.c. resolve_call.c calls it by this pointer,
	 * because files may not need each other in a circle
	 * (tests/lint/circles.t). */
	struct node *(*resolve_node)(struct resolver *r, const struct node *n,
	    const struct scope *s);
};

struct node *resolve_filter(struct resolver *r, const struct node *tree);

/* The first two are in resolve_call.c. The others are in resolve_node.c, and
 * both resolve.c and resolve_call.c use them. */
struct node *resolve_call(struct resolver *r, const struct node *n,
    const struct scope *s);
struct node *resolve_variable(struct resolver *r, const struct node *n,
    const struct scope *s);
struct node *resolver_refuse(struct resolver *r, const struct node *n,
    const char *what);
void *resolver_allocate(struct resolver *r, size_t n);
/* Returns a copy of the node n with the given kind. */
struct node *resolver_copy_node(struct resolver *r, const struct node *n,
    enum node_kind kind);

#endif
