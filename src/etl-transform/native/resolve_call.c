#include "native/resolve.h"

#include "native/functions.h"
#include "native/parser.h"

#include <string.h>

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

struct node *
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
		    r->resolve_node(r, n->parts[i], outside)) == NULL)
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
	if ((body = r->resolve_node(r, def->a, s)) == NULL)
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
		copy->parts[i] = r->resolve_node(r, n->parts[i], s);
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
	    (copy->a = r->resolve_node(r, n->parts[0], s)) == NULL) ||
	    (n->n > 1 &&
	    (copy->b = r->resolve_node(r, n->parts[1], s)) == NULL))
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

/* Resolves a call of a function that the filter defines. An argument that the
 * function never uses is not resolved. It may call a function that is not
 * defined, and libjq then refuses the filter. So lacks->doubtful is set. */
static struct node *
resolve_user_call(struct resolver *r, const struct node *n,
    const struct scope *function, const struct scope *s)
{
	struct node *body = resolve_body(r, n, function, s);

	for (size_t i = 0; i < n->n; i++)
		r->lacks->doubtful |= !n->parts[i]->reached;
	return body;
}

struct node *
resolve_call(struct resolver *r, const struct node *n, const struct scope *s)
{
	for (const struct scope *x = s; x != NULL; x = x->up) {
		if (!scope_has_name(x, n) || x->kind == SCOPE_VARIABLE)
			continue;
		if (x->kind == SCOPE_ARGUMENT && n->n == 0) {
			*x->reached = true;
			return r->resolve_node(r, x->node, x->outside);
		}
		if (x->kind == SCOPE_FUNCTION && n->n == x->parameters) {
			*x->reached = true;
			return resolve_user_call(r, n, x, s);
		}
	}
	return resolve_builtin(r, n, s);
}
