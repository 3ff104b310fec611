/* A filter as a tree. The parser makes a tree of the text. resolve.c makes
 * another tree from it, the program: calls are replaced by the bodies of the
 * functions, and names of variables by numbers (slots).
 * Owns:  nothing: nodes are in an arena.
 * Gives: `lacks` says what the native engine cannot run, and where. */
#ifndef TRANSFORM_TREE_H
#define TRANSFORM_TREE_H

#include "native/value.h"

enum node_kind {
	NODE_INPUT,             /* . */
	NODE_CONSTANT,          /* value */
	NODE_TEXT,              /* parts: a string with \(...) */
	NODE_INDEX,             /* a[b], a.b */
	NODE_SLICE,             /* a[b:c]; b or c may be NULL */
	NODE_EACH,              /* a[] */
	NODE_TRY,               /* try a catch b; b may be NULL */
	NODE_PIPE,              /* a | b */
	NODE_COMMA,             /* a, b */
	NODE_ARRAY,             /* [a]; a may be NULL */
	NODE_OBJECT,            /* parts: names and values in turn */
	NODE_BINARY,            /* a op b */
	NODE_NEGATE,            /* -a */
	NODE_AND, NODE_OR,      /* a and b */
	NODE_DEFAULT,           /* a // b */
	NODE_IF,                /* if a then b else c end */
	NODE_BIND,              /* a as $name | b */
	NODE_VARIABLE,          /* $name */
	NODE_REDUCE,            /* reduce a as $name (b; c) */
	NODE_FOREACH,           /* foreach a as $name (b; c; d); d may be
				 * NULL */
	NODE_SET,               /* a op b, an assignment to a path */
	NODE_DEFINE,            /* def name(parts): a; b */
	NODE_CALL,              /* name(parts) */
	NODE_FUNCTION,          /* function with the arguments parts */
	NODE_EMPTY,
	NODE_ERROR,             /* error(a) */
	NODE_REJECT,            /* reject(parts) of the module etl */
	NODE_FIRST, NODE_LAST,  /* first(a) */
	NODE_LIMIT,             /* limit(a; b) */
	NODE_RANGE,             /* range(a; b) */
	NODE_DELETE             /* del(a) */
};

enum operation {
	OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_REMAINDER,
	OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_LESS_EQUAL, OP_GREATER,
	OP_GREATER_EQUAL,
	OP_SET,                 /* NODE_SET: = */
	OP_UPDATE,              /* |= */
	OP_DEFAULT              /* //= */
};

struct function;

struct node {
	uint8_t kind, op;
	bool optional;          /* NODE_INDEX, _SLICE, _EACH: with ? */
	bool single;            /* has exactly one output, or an error */
	bool reached;           /* the filter uses the node, which is an
				 * argument or the body of a definition */
	uint32_t slot;          /* of the variable */
	const char *at;         /* its place in the filter, for messages */
	struct node *a, *b, *c, *d;
	struct node **parts;
	size_t n;
	const char *name;       /* without $ */
	size_t len;
	struct value value;
	const struct function *function;
};

struct lacks {
	char what[80];          /* "": nothing */
	const char *at;         /* place in the filter, or NULL */
	bool nomem;
	bool doubtful;          /* libjq may refuse the filter */
};

/* Returns true if the node is . or a path of members with fixed names, as
 * .a.b */
bool node_is_fixed_path(const struct node *n);
/* Notes `what` as the reason why the native engine cannot run the filter,
 * unless a reason is noted already. Returns NULL. */
void *lacks_set(struct lacks *l, const char *at, const char *what, size_t n);

#endif
