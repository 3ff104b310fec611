#include "native/native.h"

#include "base/text.h"
#include "engine/filter_source.h"
#include "native/functions.h"

#include <string.h>

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
};

static struct node *resolve_node(struct resolver *r, const struct node *n,
    const struct scope *s);

static struct node *
resolver_refuse(struct resolver *r, const struct node *n, const char *what)
{
	return lacks_set(r->lacks, n->at, what, strlen(what));
}

static void *
resolver_allocate(struct resolver *r, size_t n)
{
	void *p = arena_get(&r->program->arena, n);

	if (p == NULL) {
		r->lacks->nomem = true;
		(void)lacks_set(r->lacks, NULL, "memory", 6);
	}
	return p;
}

/* Returns a copy of the node n with the given kind. */
static struct node *
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

static bool
scope_has_name(const struct scope *s, const struct node *n)
{
	return s->len == n->len && memcmp(s->name, n->name, n->len) == 0;
}

static bool
is_call_of(const struct node *n, const char *name, size_t arguments)
{
	return n->n == arguments && strlen(name) == n->len &&
	    memcmp(n->name, name, n->len) == 0;
}

/* Returns true for variables that jq sets itself, so that --arg cannot set
 * them. */
static bool
is_jq_variable(const struct node *n)
{
	static const char *const names[] = { "ARGS", "ENV", "__loc__",
		"__prog_args" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n->len &&
		    memcmp(names[i], n->name, n->len) == 0)
			return true;
	return false;
}

static struct node *
resolve_variable(
    struct resolver *r, const struct node *n, const struct scope *s)
{
	struct node *copy = resolver_copy_node(r, n, NODE_VARIABLE);

	if (copy == NULL)
		return NULL;
	copy->single = true;
	for (; s != NULL; s = s->up)
		if (s->kind == SCOPE_VARIABLE && scope_has_name(s, n)) {
			copy->slot = s->slot;
			return copy;
		}
	if (is_jq_variable(n))
		return resolver_refuse(r, n, "this variable");
	for (size_t i = r->conf->nargs; i-- > 0;) {
		const struct arg *a = &r->conf->args[i];

		if (strlen(a->name) != n->len ||
		    memcmp(a->name, n->name, n->len) != 0)
			continue;
		if (a->kind != ARG_TEXT)
			return resolver_refuse(r, n,
			    "a variable of --argjson or --slurpfile");
		copy->kind = NODE_CONSTANT;
		copy->value = value_string(a->value, strlen(a->value));
		return copy;
	}
	return resolver_refuse(r, n, "this variable");
}

/* Resolves the body of a function that the node n calls. Defines the names of
 * the arguments in it: for an argument $a, both the variable $a and the
 * function a. */
static struct node *
resolve_body(struct resolver *r, const struct node *n,
    const struct scope *function, const struct scope *outside)
{
	const struct node *def = function->node;
	const struct scope *s = function;
	struct node *binds = NULL, **last = &binds, *body;

	for (size_t i = 0; i < n->n; i++) {
		const struct node *p = def->parts[i];
		struct scope *x = resolver_allocate(r, 2 * sizeof(*x));

		if (x == NULL)
			return NULL;
		x[0] = (struct scope){
			.kind = SCOPE_ARGUMENT, .name = p->name, .len = p->len,
			.node = n->parts[i], .outside = outside,
			.reached = &n->parts[i]->reached, .up = s
		};
		s = &x[0];
		if (p->kind != NODE_VARIABLE)
			continue;
		n->parts[i]->reached = true;
		if ((*last = resolver_copy_node(r, n, NODE_BIND)) ==
		    NULL || ((*last)->a =
		    resolve_node(r, n->parts[i], outside)) == NULL)
			return NULL;
		if (!(*last)->a->single && n->n > 1)
			return resolver_refuse(r, n,
			    "several values as an argument");
		(*last)->slot = r->program->slots++;
		x[1] = (struct scope){
			.kind = SCOPE_VARIABLE, .name = p->name, .len = p->len,
			.slot = (*last)->slot, .up = s
		};
		s = &x[1];
		last = &(*last)->b;
	}
	if ((body = resolve_node(r, def->a, s)) == NULL)
		return NULL;
	*last = body;
	for (struct node *b = binds; b != NULL && b != body; b = b->b)
		b->single = b->a->single;
	if (binds != NULL && binds != body) {
		bool single = body->single;

		for (struct node *b = binds; b != body; b = b->b)
			single = single && b->single;
		for (struct node *b = binds; b != body; b = b->b)
			b->single = single;
	}
	return binds;
}

/* Resolves a call of a function that jq defines in its own language. The body
 * does not see the names of the user's filter; the arguments do. */
static struct node *
resolve_jq_call(struct resolver *r, const struct node *n, const struct scope *s,
    const char *text)
{
	struct node *tree =
	    parse_filter(&r->program->arena, text, r->lacks);
	struct scope *function = resolver_allocate(r, sizeof(*function));

	if (tree == NULL || function == NULL)
		return NULL;
	*function = (struct scope){
		.kind = SCOPE_FUNCTION, .name = tree->name, .len = tree->len,
		.parameters = tree->n, .node = tree,
		.reached = &tree->a->reached
	};
	return resolve_body(r, n, function, s);
}

/* Returns a copy of the call with its arguments resolved. Each argument must
 * have exactly one value. */
static struct node *
resolve_arguments(struct resolver *r, const struct node *n,
    const struct scope *s, enum node_kind kind)
{
	struct node *copy = resolver_copy_node(r, n, kind);

	if (copy == NULL || (copy->parts =
	    resolver_allocate(r, (n->n + 1) * sizeof(struct node *))) == NULL)
		return NULL;
	copy->single = true;
	for (size_t i = 0; i < n->n; i++) {
		copy->parts[i] = resolve_node(r, n->parts[i], s);
		if (copy->parts[i] == NULL)
			return NULL;
		if (!copy->parts[i]->single)
			return resolver_refuse(r, n->parts[i],
			    "several values as an argument");
	}
	return copy;
}

static struct node *
resolve_c_function(struct resolver *r, const struct node *n,
    const struct scope *s, const struct function *f)
{
	struct node *copy = resolve_arguments(r, n, s, NODE_FUNCTION);

	if (copy != NULL)
		copy->function = f;
	r->program->zones |= strcmp(f->name, "to_timestamp") == 0 && n->n > 0;
	return copy;
}

/* Special forms: calls whose arguments are not evaluated before the call. Each
 * is a node of its own kind, which runs its arguments itself. */
static const struct special_form {
	const char *name;
	size_t arguments;
	enum node_kind kind;
	bool single;
} forms[] = {
	{ "empty", 0, NODE_EMPTY, false },
	{ "error", 1, NODE_ERROR, true },
	{ "first", 1, NODE_FIRST, false },
	{ "last", 1, NODE_LAST, true },
	{ "limit", 2, NODE_LIMIT, false },
	{ "range", 1, NODE_RANGE, false },
	{ "range", 2, NODE_RANGE, false },
	{ "del", 1, NODE_DELETE, true },
};

/* Returns true if del() may delete n: one path such as .a.b, or a list of
 * members of the input such as .a, .b. A list with longer paths is refused,
 * because one path may lie inside another. */
static bool
may_be_deleted(const struct node *n, bool is_only_path)
{
	if (n->kind == NODE_COMMA)
		return may_be_deleted(n->a, false) &&
		    may_be_deleted(n->b, false);
	return n->kind == NODE_INDEX && node_is_fixed_path(n) &&
	    (is_only_path || n->a->kind == NODE_INPUT);
}

/* Returns `copy`, or NULL with r->lacks if the native engine cannot run it. */
static struct node *
check_special_form(struct resolver *r, const struct node *n, struct node *copy)
{
	const struct node *first = copy->a;
	bool one = copy->kind == NODE_ERROR || copy->kind == NODE_LIMIT ||
	    copy->kind == NODE_RANGE;

	if (one && !first->single)
		return resolver_refuse(r, n, "several values as an argument");
	if (copy->kind == NODE_RANGE && copy->b != NULL && !copy->b->single)
		return resolver_refuse(r, n, "several values as an argument");
	if (copy->kind == NODE_DELETE && !may_be_deleted(first, true))
		return resolver_refuse(r, n, "del of such a path");
	return copy;
}

static struct node *
resolve_special_form(struct resolver *r, const struct node *n,
    const struct scope *s, const struct special_form *form)
{
	struct node *copy = resolver_copy_node(r, n, form->kind);

	if (copy == NULL || (n->n > 0 &&
	    (copy->a = resolve_node(r, n->parts[0], s)) == NULL) ||
	    (n->n > 1 &&
	    (copy->b = resolve_node(r, n->parts[1], s)) == NULL))
		return NULL;
	copy->n = 0;
	copy->single = form->single;
	return check_special_form(r, n, copy);
}

static const struct special_form *
find_special_form(const struct node *n)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (is_call_of(n, forms[i].name, forms[i].arguments))
			return &forms[i];
	return NULL;
}

/* Returns true if the node n may call a function of the module etl, and removes
 * the prefix (as in etl::to_int) from n->name. A call without prefix may mean
 * the module only with --std. */
static bool
strip_prefix(const struct resolver *r, struct node *n)
{
	const char *p = r->prefixes;

	for (; *p != '\0'; p += strcspn(p, " ") + 1) {
		size_t len = strcspn(p, " ");

		if (n->len > len && memcmp(n->name, p, len) == 0) {
			n->name += len;
			n->len -= len;
			return true;
		}
	}
	return r->conf->std;
}

static struct node *
resolve_builtin(struct resolver *r, const struct node *n, const struct scope *s)
{
	struct node called = *n;
	const struct function *f;
	const struct special_form *form;
	const char *text;

	if (strip_prefix(r, &called)) {
		if (is_call_of(&called, "reject", 2) ||
		    is_call_of(&called, "reject", 3))
			return resolve_arguments(r, &called, s, NODE_REJECT);
		f = function_find_module(called.name, called.len, n->n);
		if (f != NULL)
			return resolve_c_function(r, &called, s, f);
	}
	if ((form = find_special_form(n)) != NULL)
		return resolve_special_form(r, n, s, form);
	if ((f = function_find(n->name, n->len, n->n)) != NULL)
		return resolve_c_function(r, n, s, f);
	text = function_find_jq(n->name, n->len, n->n);
	if (text != NULL)
		return resolve_jq_call(r, n, s, text);
	return lacks_set(r->lacks, n->at, n->name, n->len);
}

/* An argument that a function of the filter never uses is not resolved. It may
 * call a function that is not defined, and libjq then refuses the filter. So
 * lacks->doubtful is set. */
static struct node *
resolve_call(struct resolver *r, const struct node *n, const struct scope *s)
{
	struct node *body;

	for (const struct scope *x = s; x != NULL; x = x->up) {
		if (!scope_has_name(x, n) || x->kind == SCOPE_VARIABLE)
			continue;
		if (x->kind == SCOPE_ARGUMENT && n->n == 0) {
			*x->reached = true;
			return resolve_node(r, x->node, x->outside);
		}
		if (x->kind == SCOPE_FUNCTION && n->n == x->parameters) {
			*x->reached = true;
			body = resolve_body(r, n, x, s);
			for (size_t i = 0; i < n->n; i++)
				r->lacks->doubtful |= !n->parts[i]->reached;
			return body;
		}
	}
	return resolve_builtin(r, n, s);
}

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

static struct node *
new_constant(struct resolver *r, struct value value)
{
	struct node *n = resolver_allocate(r, sizeof(*n));

	if (n != NULL)
		*n = (struct node){
			.kind = NODE_CONSTANT, .single = true, .value = value
		};
	return n;
}

/* Sets n->parts to the operands of an operation, in the order in which jq
 * evaluates them. For example, it evaluates the index before the array. */
static struct node *
set_operands(struct resolver *r, struct node *n)
{
	struct node *null = new_constant(r, value_of_kind(VALUE_NULL));
	bool slice = n->kind == NODE_SLICE;

	n->parts = resolver_allocate(r, NODE_OPERANDS * sizeof(struct node *));
	if (n->parts == NULL || null == NULL)
		return NULL;
	n->n = 0;
	if (n->b != NULL || slice)
		n->parts[n->n++] = n->b != NULL ? n->b : null;
	if (slice)
		n->parts[n->n++] = n->c != NULL ? n->c : null;
	n->parts[n->n++] = n->a;
	return n;
}

/* Makes `if a then (b as true or false) else false end` of `a and b`, and
 * `if a then true else (b as true or false) end` of `a or b`. */
static struct node *
set_logic(struct resolver *r, struct node *n)
{
	struct node *truth = resolver_allocate(r, sizeof(*truth));
	bool is_or = n->kind == NODE_OR;
	struct node *fixed = new_constant(r, value_bool(is_or));

	if (truth == NULL || fixed == NULL)
		return NULL;
	*truth = (struct node){
		.kind = NODE_TRUTH, .single = n->b->single, .a = n->b
	};
	if (set_operands(r, truth) == NULL)
		return NULL;
	n->kind = NODE_IF;
	n->single = n->a->single && n->b->single;
	if (n->b->kind == NODE_BINARY && n->b->op >= OP_EQUAL)
		truth = n->b;           /* a comparison gives such a value */
	n->b = is_or ? fixed : truth;
	n->c = is_or ? truth : fixed;
	return n;
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
		return set_operands(r, n);
	case NODE_INPUT:
	case NODE_CONSTANT:
	case NODE_ARRAY:
		n->single = true;
		return n;
	case NODE_BINARY:
	case NODE_NEGATE:
		n->single = n->a->single && has_one_output(n->b);
		return set_operands(r, n);
	case NODE_AND:
	case NODE_OR:
		return set_logic(r, n);
	case NODE_PIPE:
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

enum { PROGRAM_MEMORY = 8 << 20 };

/* Skips the imports of the module etl at the start of the text, and appends the
 * name of each import and "::" to `prefixes`. Returns the text after them, or
 * NULL if there is another directive. */
static const char *
skip_imports(const char *text, struct buf *prefixes)
{
	struct directive d;

	while (directive_parse(directive_skip_space(text), &d)) {
		if (!directive_imports_etl(&d))
			return NULL;
		buf_add(prefixes, d.name, d.name_len);
		buf_str(prefixes, ":: ");
		text = d.end;
	}
	return text;
}

static const char *
find_unsupported(const struct engine_conf *c)
{
	if (c->dirs.n > 0)
		return "-L";
	if (c->duplicates)
		return "--duplicate-members last";
	for (size_t i = 0; i < c->nargs; i++)
		if (c->args[i].kind == ARG_TEXT && utf8_valid_length(
		    c->args[i].value, strlen(c->args[i].value)) !=
		    strlen(c->args[i].value))
			return "--arg with bytes that are not UTF-8";
	if (utf8_valid_length(c->text, strlen(c->text)) != strlen(c->text))
		return "a filter that is not UTF-8";
	return NULL;
}

/* Compiles the filter for the native engine. If the engine cannot run it, sets
 * the reason in lacks. */
static void
compile_native(struct compiled *p, const struct engine_conf *c,
    struct lacks *lacks)
{
	struct resolver r = { .program = p, .conf = c, .lacks = lacks };
	const char *option = find_unsupported(c), *text;
	const struct node *tree;
	struct buf prefixes;

	buf_init(&prefixes, UINT32_MAX);
	if (option != NULL)
		(void)lacks_set(lacks, NULL, option, strlen(option));
	else if ((text = skip_imports(c->text, &prefixes)) == NULL)
		(void)lacks_set(lacks, c->text, "import", 6);
	else if ((tree = parse_filter(&p->arena, text, lacks)) != NULL) {
		r.prefixes = buf_text(&prefixes);
		p->root = resolve_node(&r, tree, NULL);
	}
	lacks->nomem |= prefixes.failed;
	buf_release(&prefixes);
}

int
program_compile(struct compiled *p, const struct engine_conf *c,
    struct lacks *lacks)
{
	*p = (struct compiled){ .slots = 0 };
	*lacks = (struct lacks){ .at = NULL };
	arena_init(&p->arena, PROGRAM_MEMORY);
	compile_native(p, c, lacks);
	if (p->root != NULL && lacks->what[0] == '\0' && !lacks->nomem)
		return 0;
	if (lacks->what[0] == '\0')
		(void)lacks_set(lacks, NULL, "memory", 6);
	compiled_release(p);
	return -1;
}

void
compiled_release(struct compiled *p)
{
	arena_release(&p->arena);
	p->root = NULL;
}
