#include "native/native.h"

#include "engine/filter_source.h"
#include "native/functions.h"

#include <stdlib.h>
#include <string.h>

enum { UNCHECKED_MAX = 8 << 10 };

struct native {
	struct compiled program;
	struct run run;
};

/* Gets an output of a node. */
typedef enum run_result run_give(
    struct run *r, void *context, struct value v);

/* A node that is running with its input, and what is kept between the outputs
 * of its parts. give() is called with each output. */
struct chain {
	const struct node *n;
	struct value in;
	run_give *give;
	void *context;
	struct value v[NODE_OPERANDS];  /* of an operation: the operands. v[0]:
					 * the state of a loop, or the output
					 * of first() */
	size_t at;              /* operands that are known; of an object: index
				 * of the part that is a generator */
	double left;            /* of limit(): outputs still to give */
	struct value *part;     /* of an object: values of its parts */
	bool found;
	unsigned int tries;
};

/* eval() sets *out to the one output of a node that is `single`. each() calls
 * give() for each output of a node, in order. */
static enum run_result eval(struct run *r, const struct node *n,
    struct value in, struct value *out);
static enum run_result each(struct run *r, const struct node *n,
    struct value in, run_give *give, void *context);

/* Computes an operation from the values of its operands n->parts. */
static inline enum run_result
compute(struct run *r, const struct node *n, const struct value *in,
    const struct value *v, struct value *out)
{
	switch ((enum node_kind)n->kind) {
	case NODE_INDEX:
		return run_index(r, &v[1], &v[0], out);
	case NODE_SLICE:
		return run_slice(r, &v[2], v, out);
	case NODE_BINARY:
		return run_binary(
		    r, (enum operation)n->op, &v[1], &v[0], out);
	case NODE_NEGATE:
		return run_negate(r, &v[0], out);
	case NODE_TRUTH:
		*out = value_bool(value_is_true(&v[0]));
		return RUN_ON;
	case NODE_FUNCTION:
		return n->function->call(r, in, v, out);
	default:
		return RUN_UNSURE;
	}
}

/* Evaluates an operand that has one output. Most operands are the input or a
 * constant, such as the name in .name: these need no call. */
static inline enum run_result
eval_operand(struct run *r, const struct node *n, const struct value *in,
    struct value *out)
{
	if (n->kind == NODE_CONSTANT)
		*out = n->value;
	else if (n->kind == NODE_INPUT)
		*out = *in;
	else
		return eval(r, n, *in, out);
	return RUN_ON;
}

static enum run_result
eval_operation(struct run *r, const struct node *n, const struct value *in,
    struct value *out)
{
	struct value v[NODE_OPERANDS];
	enum run_result rc = RUN_ON;

	for (size_t i = 0; i < n->n && rc == RUN_ON; i++)
		rc = eval_operand(r, n->parts[i], in, &v[i]);
	return rc == RUN_ON ? compute(r, n, in, v, out) : rc;
}

/* Takes the next operand of an operation. Gives the result for each combination
 * of the outputs of the operands that are not known yet. */
static enum run_result
give_operand(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	const struct node *n = c->n;
	size_t at = c->at;
	struct value out;
	enum run_result rc = RUN_ON;

	c->v[c->at++] = v;
	while (c->at < n->n && n->parts[c->at]->single && rc == RUN_ON) {
		rc = eval_operand(r, n->parts[c->at], &c->in, &c->v[c->at]);
		c->at++;
	}
	if (rc == RUN_ON && c->at < n->n) {
		rc = each(r, n->parts[c->at], c->in, give_operand, c);
	} else if (rc == RUN_ON) {
		rc = compute(r, n, &c->in, c->v, &out);
		if (rc == RUN_ON)
			rc = c->give(r, c->context, out);
		else if (rc == RUN_ERROR && n->optional)
			rc = RUN_ON;
	}
	c->at = at;
	return rc;
}

/* Makes an object from the first `count` parts of the node. The values of the
 * first `known` parts are in part[] already; this function evaluates the others
 * and stores them there. */
static enum run_result
make_from_parts(struct run *r, const struct node *n, size_t count,
    struct value in, struct value *part, size_t known, struct value *out)
{
	size_t room = count / 2, used = 0;
	struct member *m = arena_get(&r->values.arena, room * sizeof(*m) + 1);

	if (m == NULL || !values_work(&r->values, room * room / 8))
		return RUN_UNSURE;
	for (size_t i = 0; i < count; i++) {
		enum run_result rc = i < known ? RUN_ON :
		    eval_operand(r, n->parts[i], &in, &part[i]);
		struct value name;

		if (rc != RUN_ON)
			return rc;
		if (i % 2 == 0)
			continue;
		name = part[i - 1];
		if (name.kind != VALUE_STRING)
			return run_error(r);
		if (!value_parse(&r->values, &name))
			return RUN_UNSURE;
		used = run_set_member(m, used, name, part[i]);
	}
	return value_make_object(m, used, out) ? RUN_ON : RUN_UNSURE;
}

/* Returns room for the values of all parts of the node. */
static struct value *
new_part_values(struct run *r, const struct node *n)
{
	return arena_get(
	    &r->values.arena, n->n * sizeof(struct value) + 1);
}

static enum run_result
run_object(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value *part = new_part_values(r, n);

	return part == NULL ? RUN_UNSURE :
	    make_from_parts(r, n, n->n, in, part, 0, out);
}

/* Copies the members of an object, with room for one more. */
static struct member *
copy_members(struct run *r, const struct value *object)
{
	struct member *m = arena_get(
	    &r->values.arena, (object->n + 1) * sizeof(*m));

	if (m == NULL || !values_work(&r->values, object->n))
		return NULL;
	if (object->n > 0)
		memcpy(m, object->u.members, object->n * sizeof(*m));
	return m;
}

static enum run_result
compute_assigned(struct run *r, const struct node *n, struct value in,
    const struct value *old, struct value *out)
{
	struct value v = *old;
	enum run_result rc;

	switch ((enum operation)n->op) {
	case OP_SET:
		return eval(r, n->b, in, out);
	case OP_UPDATE:
		return eval(r, n->b, v, out);
	default:
		rc = eval(r, n->b, in, out);
		break;
	}
	if (rc != RUN_ON)
		return rc;
	if (n->op != OP_DEFAULT) {
		struct value b = *out;

		return run_binary(r, (enum operation)n->op, &v, &b, out);
	}
	if (value_is_true(&v))
		*out = v;
	return RUN_ON;
}

/* Runs an assignment in the object *v, which is the value before the last name
 * of `path`. For example, if `path` is .a.b, *v is the value of .a, and *out
 * becomes *v with its member b changed. */
static enum run_result
set_inside(struct run *r, const struct node *set, const struct node *path,
    struct value in, struct value *v, struct value *out)
{
	const struct node *inner = set->a;
	const struct value *name = &path->b->value;
	struct value old = value_of_kind(VALUE_NULL), changed;
	struct member *m;
	enum run_result rc;

	if (v->kind == VALUE_NULL)
		*v = (struct value){ .kind = VALUE_OBJECT };
	else if (v->kind != VALUE_OBJECT)
		return run_error(r);
	if (!value_parse(&r->values, v) || (m = copy_members(r, v)) == NULL)
		return RUN_UNSURE;
	for (uint32_t i = 0; i < v->n; i++)
		if (m[i].name.n == name->n && memcmp(m[i].name.u.text,
		    name->u.text, name->n) == 0)
			old = m[i].value;
	if (inner == path) {
		rc = compute_assigned(r, set, in, &old, &changed);
	} else {
		while (inner->a != path)
			inner = inner->a;
		rc = set_inside(r, set, inner, in, &old, &changed);
	}
	if (rc != RUN_ON)
		return rc;
	return value_make_object(m, run_set_member(m, v->n, *name, changed),
	    out) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
run_set(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	const struct node *first = n->a;
	struct value v = in;

	while (first->a->kind == NODE_INDEX)
		first = first->a;
	return set_inside(r, n, first, in, &v, out);
}

/* Removes the member `name`, if the object has it. */
static enum run_result
remove_member(struct run *r, const struct value *name, const struct value *v,
    struct value *out)
{
	struct member *m = copy_members(r, v);
	size_t n = 0;

	if (m == NULL)
		return RUN_UNSURE;
	for (uint32_t i = 0; i < v->n; i++)
		if (m[i].name.n != name->n || memcmp(m[i].name.u.text,
		    name->u.text, name->n) != 0)
			m[n++] = m[i];
	return value_make_object(m, n, out) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
delete_inside(struct run *r, const struct node *last, const struct node *path,
    struct value v, struct value *out)
{
	const struct node *inner = last;
	const struct value *name = &path->b->value;
	struct value old, changed;
	struct member *m;
	bool found;
	enum run_result rc;

	*out = v;
	if (v.kind == VALUE_NULL)
		return RUN_ON;
	if (v.kind != VALUE_OBJECT)
		return run_error(r);
	if (!value_parse(&r->values, &v))
		return RUN_UNSURE;
	if (path == last)
		return remove_member(r, name, &v, out);
	if (!value_find_member(&r->values, &v, name->u.text, name->n, &old,
	    &found))
		return RUN_UNSURE;
	if (!found || old.kind == VALUE_NULL)
		return RUN_ON;
	while (inner->a != path)
		inner = inner->a;
	rc = delete_inside(r, last, inner, old, &changed);
	if (rc != RUN_ON)
		return rc;
	if ((m = copy_members(r, &v)) == NULL)
		return RUN_UNSURE;
	return value_make_object(m, run_set_member(m, v.n, *name, changed),
	    out) ? RUN_ON : RUN_UNSURE;
}

/* Runs del(path) or del(path, path ...). jq looks up all paths before it
 * deletes anything. So if a path fails, libjq must run the record
 * (RUN_UNSURE). */
static enum run_result
run_delete(struct run *r, const struct node *path, struct value in,
    struct value *out)
{
	const struct node *first = path;
	enum run_result rc;
	struct value v;

	if (path->kind == NODE_COMMA) {
		rc = run_delete(r, path->a, in, &v);
		return rc == RUN_ON ? run_delete(r, path->b, v, out) : rc;
	}
	while (first->a->kind == NODE_INDEX)
		first = first->a;
	rc = delete_inside(r, path, first, in, out);
	return rc == RUN_ERROR ? RUN_UNSURE : rc;
}

static enum run_result
eval_error(struct run *r, const struct node *n, struct value in)
{
	struct value v;
	enum run_result rc = eval(r, n->a, in, &v);

	if (rc != RUN_ON)
		return rc;
	if (v.kind != VALUE_STRING || !value_parse(&r->values, &v))
		return RUN_UNSURE;
	r->failure = (struct failure){ .kind = FAILURE_TEXT, .text = v };
	return RUN_ERROR;
}

/* Evaluates reject(code; message; pointer) of the module etl. Returns RUN_ERROR
 * with r->failure, by which native_run() rejects the record. */
static enum run_result
eval_reject(struct run *r, const struct node *n, struct value in)
{
	struct value v[3] = { { .kind = VALUE_NULL } };
	enum run_result rc = RUN_ON;

	for (size_t i = 0; i < n->n && rc == RUN_ON; i++) {
		rc = eval(r, n->parts[i], in, &v[i]);
		if (rc == RUN_ON && (v[i].kind != VALUE_STRING ||
		    !value_parse(&r->values, &v[i])))
			return RUN_UNSURE;
	}
	if (rc != RUN_ON)
		return rc;
	if (!outcome_is_code(v[0].u.text, v[0].n))
		return RUN_UNSURE;
	r->failure = (struct failure){
		.kind = FAILURE_REJECT,
		.code = v[0], .text = v[1], .pointer = v[2]
	};
	return RUN_ERROR;
}

/* Values that are collected in an array. */
struct list {
	struct value *v;
	size_t used, cap;
};

static enum run_result
add_to_list(struct run *r, void *context, struct value v)
{
	struct list *l = context;
	size_t cap = l->cap > 0 ? l->cap * 2 : 8;
	struct value *bigger;

	if (l->used == l->cap) {
		bigger = arena_get(&r->values.arena, cap * sizeof(*bigger));
		if (bigger == NULL || !values_work(&r->values, cap))
			return RUN_UNSURE;
		if (l->used > 0)
			memcpy(bigger, l->v, l->used * sizeof(*bigger));
		l->v = bigger;
		l->cap = cap;
	}
	l->v[l->used++] = v;
	return RUN_ON;
}

static enum run_result
run_collect(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct list l = { .used = 0 };
	enum run_result rc = RUN_ON;

	if (n->a != NULL)
		rc = each(r, n->a, in, add_to_list, &l);
	if (rc == RUN_ON && !value_make_array(l.v, l.used, out))
		return RUN_UNSURE;
	return rc;
}

/* Takes the new state of `reduce` or `foreach`. A `foreach` gives outputs for
 * it; a `reduce`, whose give is NULL, gives none. */
static enum run_result
give_state(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	c->v[0] = v;
	c->found = true;
	if (c->give == NULL)
		return RUN_ON;
	return c->n->d == NULL ? c->give(r, c->context, v) :
	    each(r, c->n->d, v, c->give, c->context);
}

/* Runs the update of `reduce` or `foreach` with the next value of its
 * generator. If the update has no output, the versions of jq disagree, so libjq
 * must run the record (RUN_UNSURE). */
static enum run_result
update_state(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	enum run_result rc;

	r->slots[c->n->slot] = v;
	c->found = false;
	rc = each(r, c->n->c, c->v[0], give_state, c);
	return rc == RUN_ON && !c->found ? RUN_UNSURE : rc;
}

/* Runs `reduce` or `foreach`. The last state is then in c->v[0]. */
static enum run_result
run_loop(struct run *r, struct chain *c)
{
	enum run_result rc = eval(r, c->n->b, c->in, &c->v[0]);

	return rc == RUN_ON ? each(r, c->n->a, c->in, update_state, c) : rc;
}

static enum run_result
run_reduce(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct chain c = { .n = n, .in = in };
	enum run_result rc = run_loop(r, &c);

	*out = c.v[0];
	return rc;
}

static bool
join_texts(struct run *r, const struct value *v, size_t n, struct value *out)
{
	size_t len = 0, at = 0;
	char *text;

	for (size_t i = 0; i < n; i++)
		len += v[i].n;
	if (len > INT32_MAX || !values_work(&r->values, len / 16) ||
	    (text = arena_get(&r->values.arena, len + 1)) == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (v[i].n > 0)
			memcpy(text + at, v[i].u.text, v[i].n);
		at += v[i].n;
	}
	*out = value_string(text, len);
	return true;
}

/* Evaluates a string with \(...) in it. The parts are evaluated from the last
 * to the first, as jq does. The order decides which error is raised. */
static enum run_result
run_string(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value *v = arena_get(&r->values.arena, n->n * sizeof(*v));
	enum run_result rc = RUN_ON;

	if (v == NULL)
		return RUN_UNSURE;
	for (size_t i = n->n; i-- > 0 && rc == RUN_ON;) {
		rc = eval_operand(r, n->parts[i], &in, &v[i]);
		if (rc == RUN_ON && !run_to_text(r, &v[i], &v[i]))
			return RUN_UNSURE;
	}
	if (rc == RUN_ON && !join_texts(r, v, n->n, out))
		return RUN_UNSURE;
	return rc;
}

static enum run_result
keep_last(struct run *r __attribute__((unused)), void *context,
    struct value v)
{
	*(struct value *)context = v;
	return RUN_ON;
}

/* Follows |, `as`, `if` and // while their first part has one output: *node
 * becomes the part that makes the outputs, and *in its input. This is a loop
 * and not a recursion, so a long filter needs no deep stack. If the first part
 * of // ends with an error, the versions of jq disagree, so libjq must run the
 * record (RUN_UNSURE). */
static enum run_result
advance(struct run *r, const struct node **node, struct value *in)
{
	static const struct node input = {
		.kind = NODE_INPUT, .single = true
	};
	const struct node *n = *node;
	enum run_result rc = RUN_ON;
	struct value v;

	while (rc == RUN_ON) {
		if (n->kind == NODE_PIPE && n->a->single) {
			rc = eval(r, n->a, *in, in);
			n = n->b;
		} else if (n->kind == NODE_BIND && n->a->single) {
			rc = eval(r, n->a, *in, &r->slots[n->slot]);
			n = n->b;
		} else if (n->kind == NODE_IF && n->a->single) {
			rc = eval(r, n->a, *in, &v);
			n = rc == RUN_ON && value_is_true(&v) ? n->b : n->c;
		} else if (n->kind == NODE_DEFAULT && n->single) {
			rc = eval(r, n->a, *in, &v);
			if (rc == RUN_ERROR)
				return RUN_UNSURE;
			if (rc == RUN_ON && value_is_true(&v)) {
				*in = v;
				n = &input;
			} else {
				n = n->b;
			}
		} else {
			break;
		}
	}
	*node = n;
	return rc;
}

/* The kinds that eval() leaves to this function are rarer and need a larger
 * frame on the stack. */
static __attribute__((noinline)) enum run_result
eval_other(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	enum run_result rc;

	switch ((enum node_kind)n->kind) {
	case NODE_SLICE:
	case NODE_NEGATE:
	case NODE_TRUTH:
	case NODE_FUNCTION:
		return eval_operation(r, n, &in, out);
	case NODE_TEXT:
		return run_string(r, n, in, out);
	case NODE_ARRAY:
		return run_collect(r, n, in, out);
	case NODE_OBJECT:
		return run_object(r, n, in, out);
	case NODE_REDUCE:
		return run_reduce(r, n, in, out);
	case NODE_ERROR:
		return eval_error(r, n, in);
	case NODE_REJECT:
		return eval_reject(r, n, in);
	case NODE_SET:
		return run_set(r, n, in, out);
	case NODE_DELETE:
		return run_delete(r, n->a, in, out);
	case NODE_LAST:
		/* If last(f) has no output, the versions of jq disagree, so
		 * libjq must run the record. */
		*out = (struct value){ .kind = VALUE_NULL, .n = UINT32_MAX };
		rc = each(r, n->a, in, keep_last, out);
		return rc == RUN_ON && out->kind == VALUE_NULL &&
		    out->n == UINT32_MAX ? RUN_UNSURE : rc;
	default:
		return RUN_UNSURE;
	}
}

static enum run_result
eval(struct run *r, const struct node *n, struct value in, struct value *out)
{
	struct value a, b;
	enum run_result rc = RUN_ON;

	if (n->kind <= NODE_DEFAULT)
		rc = advance(r, &n, &in);
	if (rc != RUN_ON)
		return rc;
	switch ((enum node_kind)n->kind) {
	case NODE_INPUT:
		*out = in;
		return RUN_ON;
	case NODE_CONSTANT:
		*out = n->value;
		return RUN_ON;
	case NODE_VARIABLE:
		*out = r->slots[n->slot];
		return RUN_ON;
	case NODE_INDEX:
	case NODE_BINARY:
		/* The most frequent operations: as eval_operation(), but
		 * without a loop. */
		rc = eval_operand(r, n->b, &in, &b);
		if (rc == RUN_ON)
			rc = eval_operand(r, n->a, &in, &a);
		if (rc != RUN_ON)
			return rc;
		return n->kind == NODE_INDEX ? run_index(r, &a, &b, out) :
		    run_binary(r, (enum operation)n->op, &a, &b, out);
	default:
		return eval_other(r, n, in, out);
	}
}

static enum run_result
run_pipe_right(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	return each(r, c->n->b, v, c->give, c->context);
}

static enum run_result
run_bind_body(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	r->slots[c->n->slot] = v;
	return each(r, c->n->b, c->in, c->give, c->context);
}

static enum run_result
run_chosen_branch(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	return each(r, value_is_true(&v) ? c->n->b : c->n->c, c->in,
	    c->give, c->context);
}

static enum run_result
give_each_element(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	const struct json_tok *tok = r->values.record->tok;
	enum run_result rc = RUN_ON;
	uint32_t end, k;

	if (v.kind < VALUE_ARRAY)
		return c->n->optional ? RUN_ON : run_error(r);
	if (v.form != VALUE_TOKEN) {
		for (uint32_t i = 0; i < v.n && rc == RUN_ON; i++)
			rc = c->give(r, c->context, v.kind == VALUE_ARRAY ?
			    v.u.elements[i] : v.u.members[i].value);
		return rc;
	}
	end = tok[v.u.token].next;
	for (k = v.u.token + 1; k < end && rc == RUN_ON; k = tok[k].next) {
		if (v.kind == VALUE_OBJECT)
			k++;    /* the name */
		rc = c->give(r, c->context, value_of_token(&r->values, k));
	}
	return rc;
}

/* Passes on an output of `a` in a // b. If a filter after it fails, the
 * versions of jq disagree, so libjq must run the record. */
static enum run_result
give_true(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	enum run_result rc;

	if (!value_is_true(&v))
		return RUN_ON;
	c->found = true;
	rc = c->give(r, c->context, v);
	return rc == RUN_ERROR ? RUN_UNSURE : rc;
}

/* Gives the outputs of `a` that are true, or those of `b` if there is none. */
static enum run_result
each_default(struct run *r, const struct node *n, struct chain *c)
{
	enum run_result rc = each(r, n->a, c->in, give_true, c);

	if (rc == RUN_ERROR)
		return RUN_UNSURE;
	return rc == RUN_ON && !c->found ?
	    each(r, n->b, c->in, c->give, c->context) : rc;
}

/* Passes an output of a `try` to the filters after it. In jq 1.6 the `try` also
 * catches errors of these filters, and first() and limit() end their argument
 * by such an error. So in both cases libjq must run the record. */
static enum run_result
give_from_try(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	enum run_result rc;
	unsigned int inner = r->tries;

	r->tries += c->tries + 1;
	rc = c->give(r, c->context, v);
	r->tries = inner;
	if (rc == RUN_ERROR || (rc == RUN_STOP && r->stop != NULL))
		return RUN_UNSURE;
	return rc;
}

/* Gives the outputs of the body, and those of the handler if the body fails. */
static enum run_result
each_try(struct run *r, const struct node *n, struct chain *c)
{
	enum run_result rc;
	unsigned int inner;

	c->tries = r->tries;
	r->tries = 0;
	rc = each(r, n->a, c->in, give_from_try, c);
	inner = r->tries;
	r->tries = c->tries;
	if (rc != RUN_ERROR)
		return rc;
	if (inner > 0)
		return RUN_UNSURE;
	if (n->b == NULL)
		return RUN_ON;
	if (r->failure.kind != FAILURE_TEXT)
		return RUN_UNSURE;
	return each(r, n->b, r->failure.text, c->give, c->context);
}

/* Takes an output of the generator of an object, and gives the object. */
static enum run_result
give_object(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	struct value out;
	enum run_result rc;

	c->part[c->at] = v;
	rc = make_from_parts(
	    r, c->n, c->n->n, c->in, c->part, c->at + 1, &out);
	return rc == RUN_ON ? c->give(r, c->context, out) : rc;
}

/* Gives an object for each output of the generator in it. jq evaluates the
 * parts before the generator once, before the generator runs. If one of them
 * fails, this is an error even if the generator has no output. So the object of
 * these parts is made here, and not used. */
static enum run_result
each_object(struct run *r, const struct node *n, struct chain *c)
{
	struct value unused;
	enum run_result rc;

	while (n->parts[c->at]->single)
		c->at++;
	c->part = new_part_values(r, n);
	if (c->part == NULL)
		return RUN_UNSURE;
	rc = make_from_parts(r, n, c->at, c->in, c->part, 0, &unused);
	return rc == RUN_ON ?
	    each(r, n->parts[c->at], c->in, give_object, c) : rc;
}

static enum run_result
keep_first(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	c->v[0] = v;
	r->stop = c;
	return RUN_STOP;
}

/* Gives an output of limit(). Stops after the last one that is allowed. */
static enum run_result
give_limited(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	enum run_result rc;

	c->left--;
	rc = c->give(r, c->context, v);
	if (rc == RUN_ON && c->left < 1) {
		r->stop = c;
		return RUN_STOP;
	}
	return rc;
}

/* Returns RUN_UNSURE for a limit below 1: jq's versions disagree about it. */
static enum run_result
each_limit(struct run *r, const struct node *n, struct chain *c)
{
	struct value v;
	enum run_result rc = eval(r, n->a, c->in, &v);

	if (rc != RUN_ON)
		return rc;
	if (v.kind != VALUE_NUMBER ||
	    !value_double(&r->values, &v, &c->left) || c->left < 1)
		return RUN_UNSURE;
	if (c->left != (double)(int64_t)c->left)
		return RUN_UNSURE;
	rc = each(r, n->b, c->in, give_limited, c);
	return rc == RUN_STOP && r->stop == c ? RUN_ON : rc;
}

/* Gives each number of the range. */
static enum run_result
each_range(struct run *r, const struct node *n, struct chain *c)
{
	struct value v[2] = { value_number(0) };
	enum run_result rc = eval(r, n->a, c->in, &v[n->b != NULL ? 0 : 1]);
	double from, to;

	if (rc == RUN_ON && n->b != NULL)
		rc = eval(r, n->b, c->in, &v[1]);
	if (rc != RUN_ON)
		return rc;
	if (v[0].kind != VALUE_NUMBER || v[1].kind != VALUE_NUMBER)
		return run_error(r);
	if (!value_double(&r->values, &v[0], &from) ||
	    !value_double(&r->values, &v[1], &to) ||
	    !(from > -0x1p52 && to < 0x1p52))
		return RUN_UNSURE;
	for (; from < to && rc == RUN_ON; from++)
		rc = values_work(&r->values, 1) ?
		    c->give(r, c->context, value_number(from)) : RUN_UNSURE;
	return rc;
}

/* Runs a node that may have several outputs, or none. */
static enum run_result
run_generator(struct run *r, const struct node *n, struct value in,
    run_give *give, void *context)
{
	struct chain c = {
		.n = n, .in = in, .give = give, .context = context
	};
	enum run_result rc = RUN_ON;

	switch ((enum node_kind)n->kind) {
	case NODE_PIPE:
		return each(r, n->a, in, run_pipe_right, &c);
	case NODE_BIND:
		return each(r, n->a, in, run_bind_body, &c);
	case NODE_IF:
		return each(r, n->a, in, run_chosen_branch, &c);
	case NODE_INDEX:
	case NODE_SLICE:
	case NODE_BINARY:
	case NODE_NEGATE:
	case NODE_TRUTH:
		return each(r, n->parts[0], in, give_operand, &c);
	case NODE_EACH:
		return each(r, n->a, in, give_each_element, &c);
	case NODE_COMMA:
		rc = each(r, n->a, in, give, context);
		return rc == RUN_ON ? each(r, n->b, in, give, context) : rc;
	case NODE_DEFAULT:
		return each_default(r, n, &c);
	case NODE_OBJECT:
		return each_object(r, n, &c);
	case NODE_TRY:
		return each_try(r, n, &c);
	case NODE_FOREACH:
		return run_loop(r, &c);
	case NODE_EMPTY:
		return RUN_ON;
	case NODE_FIRST:
		rc = each(r, n->a, in, keep_first, &c);
		return rc == RUN_STOP && r->stop == &c ?
		    give(r, context, c.v[0]) : rc;
	case NODE_LIMIT:
		return each_limit(r, n, &c);
	case NODE_RANGE:
		return each_range(r, n, &c);
	default:
		return RUN_UNSURE;
	}
}

static enum run_result
each(struct run *r, const struct node *n, struct value in, run_give *give,
    void *context)
{
	struct value v;
	enum run_result rc;

	if (!values_work(&r->values, 1))
		return RUN_UNSURE;
	rc = advance(r, &n, &in);
	if (rc != RUN_ON)
		return rc;
	if (!n->single)
		return run_generator(r, n, in, give, context);
	rc = eval(r, n, in, &v);
	return rc == RUN_ON ? give(r, context, v) : rc;
}

void
native_free(struct native *n)
{
	if (n == NULL)
		return;
	compiled_release(&n->program);
	arena_release(&n->run.values.arena);
	buf_release(&n->run.values.text);
	run_module_close(n->run.module);
	free(n->run.slots);
	free(n);
}

static int
init_run(struct native *n, const struct engine_conf *c, struct err *e)
{
	arena_init(&n->run.values.arena, VALUES_MEMORY);
	buf_init(&n->run.values.text, VALUES_MEMORY);
	n->run.max_record = c->max_record;
	n->run.slots = calloc(n->program.slots + 1, sizeof(struct value));
	if (n->run.slots == NULL)
		return err_nomem(e);
	return run_module_open(&n->run.module, n->program.zones, e);
}

/* Returns false for filters that libjq must compile first. These are: a filter
 * with -L or imports; a long filter, because the parser of the native engine is
 * recursive and could exceed its stack, and because libjq limits the size of a
 * filter; and a filter with a carriage return, because some versions of jq end
 * a comment there. */
bool
native_may_go_first(const struct engine_conf *c)
{
	struct directive d;

	return c->dirs.n == 0 && strlen(c->text) <= UNCHECKED_MAX &&
	    strchr(c->text, '\r') == NULL && !directive_parse(
	    directive_skip_space(c->text), &d);
}

int
native_compile(struct native **out, const struct engine_conf *c,
    struct lacks *lacks, struct err *e)
{
	struct native *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return err_nomem(e);
	if (program_compile(&n->program, c, lacks) == -1) {
		free(n);
		return lacks->nomem ? err_nomem(e) : 0;
	}
	if (init_run(n, c, e) == -1) {
		native_free(n);
		return -1;
	}
	*out = n;
	return 1;
}

/* Appends an output of the filter. If the output must not be written, rejects
 * the record. */
static enum run_result
give_output(struct run *r, void *context, struct value v)
{
	struct outcome *o = context;
	size_t from = o->out.len;

	r->stop = NULL;
	if (v.kind != VALUE_OBJECT) {
		outcome_reject_type(o, value_kind_name(&v));
		return RUN_STOP;
	}
	if (!value_write(&r->values, &v, &o->out))
		return RUN_UNSURE;
	return outcome_end_output(o, from, r->max_record) ? RUN_ON : RUN_STOP;
}

/* Rejects the record for the failure of the filter. */
static void
reject_failure(const struct failure *f, struct outcome *o)
{
	outcome_reject(o, "filter", "%s", "");
	if (f->kind == FAILURE_REJECT) {
		memcpy(o->code, f->code.u.text, f->code.n);
		o->code[f->code.n] = '\0';
	}
	outcome_put_text(&o->message, f->text.u.text, f->text.n);
	if (f->kind == FAILURE_REJECT && f->pointer.kind == VALUE_STRING)
		outcome_put_text(&o->pointer, f->pointer.u.text, f->pointer.n);
}

bool
native_run(struct native *n, const struct json *j, struct outcome *o)
{
	struct run *r = &n->run;
	enum run_result rc;

	arena_clear(&r->values.arena);
	r->values.record = j;
	r->values.work = 0;
	r->values.numbers = NUMBERS_UNKNOWN;
	r->values.levels = 0;
	r->tries = 0;
	r->values.text.failed = false;
	rc = each(r, n->program.root, value_of_token(&r->values, 0),
	    give_output, o);
	if (rc == RUN_ERROR && r->tries == 0 &&
	    r->failure.kind != FAILURE_UNKNOWN)
		reject_failure(&r->failure, o);
	else if (rc == RUN_ERROR || rc == RUN_UNSURE) {
		outcome_clear(o);
		arena_clear(&r->values.arena);
		buf_release(&r->values.text);   /* memory for libjq */
		return false;
	}
	return true;
}
