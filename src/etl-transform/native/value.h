/* Values of the native engine. A value that stands in the record is stored as
 * the number of its JSON token, and is parsed only when a function needs its
 * content. The filter makes all other values in the arena.
 * Owns:    nothing. All values become invalid when the arena is cleared.
 * Fails:   a function that returns bool returns false if the arena is full or
 *          one record takes too much work. Then libjq runs the record. */
#ifndef TRANSFORM_VALUE_H
#define TRANSFORM_VALUE_H

#include "base/buf.h"
#include "json/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that is freed all at once: values of one record, or a whole program.
 * Owns:  the blocks. arena_clear() forgets their content and keeps the first
 *        block if it is small, so that the next record needs no malloc().
 * Fails: arena_get() returns NULL if memory is out, or if more than `max` bytes
 *        would be in use. */

struct arena_block;

struct arena {
	struct arena_block *blocks;     /* the newest first */
	size_t used, size;              /* of the newest block */
	size_t total, max;
};

void arena_init(struct arena *a, size_t max);
void arena_release(struct arena *a);
void arena_clear(struct arena *a);
void *arena_get(struct arena *a, size_t n);

/* In the order of jq's comparison. */
enum value_kind {
	VALUE_NULL, VALUE_FALSE, VALUE_TRUE, VALUE_NUMBER, VALUE_STRING,
	VALUE_ARRAY, VALUE_OBJECT
};

enum value_form {
	VALUE_MADE,
	VALUE_TOKEN,    /* u.token is the token in the record */
	VALUE_SPELLED   /* a number of the filter's text that jq may print in
			 * another way than other numbers, such as 1.0 */
};

struct member;

struct value {
	uint8_t kind, form;
	uint16_t depth;         /* levels of a made array or object, 1: flat */
	uint32_t n;             /* bytes of a string, elements, members */
	union {
		double number;
		const char *text;
		uint32_t token;
		const struct value *elements;
		const struct member *members;
	} u;
};

/* The name is always a decoded string (VALUE_MADE). */
struct member {
	struct value name, value;
};

/* How the numbers of a record are written. It decides whether this engine can
 * write them as libjq and number/ would. */
enum value_numbers {
	NUMBERS_UNKNOWN,
	NUMBERS_PLAIN,  /* jq prints each with the record's text */
	NUMBERS_TEXTS,  /* jq does not, but equal doubles have equal texts */
	NUMBERS_VAGUE   /* libjq and number/ must decide */
};

/* A record with more numbers than this is NUMBERS_VAGUE, unless it is
 * NUMBERS_PLAIN. */
enum { NUMBERS_MANY = 32 };

struct values {
	struct arena arena;
	const struct json *record;
	uint64_t work;          /* done for this record */
	enum value_numbers numbers;
	double doubles[NUMBERS_MANY];   /* of NUMBERS_TEXTS: all its numbers */
	unsigned int ndoubles;
	unsigned int levels;    /* of the record; 0: not counted yet */
	struct buf text;        /* scratch memory of functions */
};

enum { VALUES_DEPTH = 200, VALUES_WORK = 20 << 20, VALUES_MEMORY = 64 << 20 };

/* Adds n to the work that was done for this record. Returns false if it is so
 * much that libjq, which computes in other ways, may be faster. */
static inline bool
values_work(struct values *s, uint64_t n)
{
	return (s->work += n) < VALUES_WORK;
}

static inline struct value
value_of_kind(enum value_kind kind)
{
	return (struct value){ .kind = (uint8_t)kind };
}

static inline struct value
value_bool(bool b)
{
	return value_of_kind(b ? VALUE_TRUE : VALUE_FALSE);
}

static inline struct value
value_number(double d)
{
	return (struct value){ .kind = VALUE_NUMBER, .u.number = d };
}

static inline struct value
value_string(const char *p, size_t n)
{
	return (struct value){
		.kind = VALUE_STRING, .n = (uint32_t)n, .u.text = p
	};
}

static inline bool
value_is_true(const struct value *v)
{
	return v->kind > VALUE_FALSE;
}

struct value value_of_token(const struct values *s, uint32_t token);
const char *value_kind_name(const struct value *v);

/* Copies bytes into the arena. */
bool value_make_string(struct values *s, const char *p, size_t n,
    struct value *out);
/* Make an array or object of parts that are in the arena already. Return false
 * if the result is nested too deeply. */
bool value_make_array(const struct value *v, size_t n, struct value *out);
bool value_make_object(const struct member *m, size_t n, struct value *out);

/* If *v is a token of the record, parses it: decodes the escapes of a string,
 * and lists the elements or members of an array or object, which may be tokens
 * again. Other values stay as they are. */
bool value_parse(struct values *s, struct value *v);

uint32_t value_count(struct values *s, const struct value *v);
/* Finds a member of an object. *found is false if there is none. */
bool value_find_member(struct values *s, const struct value *object,
    const char *name, size_t len, struct value *out, bool *found);
/* Compares two values in the order of jq. *order becomes less than 0, 0 or
 * greater than 0. */
bool value_compare(struct values *s, struct value a, struct value b,
    int *order);

/* Sets *d to the double of a number. Returns false if only libjq can compute
 * with the number: also if no double holds this number. */
bool value_double(struct values *s, const struct value *v, double *d);
/* Writes the value as JSON. A number of the record is written with the text
 * that it has in the record. */
bool value_write(struct values *s, const struct value *v, struct buf *b);
/* Writes as jq's tojson. */
bool value_write_json(struct values *s, const struct value *v, struct buf *b);
enum value_numbers values_classify(struct values *s);

/* A filter as a tree. The parser makes a tree of the text. resolve.c makes
 * another tree from it, the program: calls are replaced by the bodies of the
 * functions, and names of variables by numbers (slots).
 * Owns:  nothing: nodes are in an arena.
 * Gives: `lacks` says what the native engine cannot run, and where. */

enum node_kind {
	/* The first four may be followed without recursion, see advance(). */
	NODE_PIPE,              /* a | b */
	NODE_BIND,              /* a as $name | b */
	NODE_IF,                /* if a then b else c end */
	NODE_DEFAULT,           /* a // b */
	NODE_INPUT,             /* . */
	NODE_CONSTANT,          /* value */
	NODE_TEXT,              /* parts: a string with \(...) */
	NODE_INDEX,             /* a[b], a.b */
	NODE_SLICE,             /* a[b:c]; b or c may be NULL */
	NODE_EACH,              /* a[] */
	NODE_TRY,               /* try a catch b; b may be NULL */
	NODE_COMMA,             /* a, b */
	NODE_ARRAY,             /* [a]; a may be NULL */
	NODE_OBJECT,            /* parts: names and values in turn */
	NODE_BINARY,            /* a op b */
	NODE_NEGATE,            /* -a */
	NODE_TRUTH,             /* true or false: what a means as a condition */
	NODE_AND, NODE_OR,      /* a and b; in the program, these are NODE_IF
				 * and NODE_TRUTH */
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

enum { NODE_OPERANDS = 3 };     /* the most that an operation has */

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
	struct node **parts;    /* in the program, also the operands of
				 * NODE_INDEX and such */
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
