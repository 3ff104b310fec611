#include "native/run.h"

#include <string.h>

/* Values that are collected or reduced. */
struct list {
	const struct node *n;
	struct value *v;
	size_t used, cap;
	struct value in, state;
	bool given;
	run_give *give;
	void *context;
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

enum run_result
run_collect(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct list l = { .used = 0 };
	enum run_result rc = RUN_ON;

	if (n->a != NULL)
		rc = r->each(r, n->a, in, add_to_list, &l);
	if (rc == RUN_ON && !value_make_array(l.v, l.used, out))
		return RUN_UNSURE;
	return rc;
}

static enum run_result
store_state(struct run *r __attribute__((unused)), void *context,
    struct value v)
{
	struct list *l = context;

	l->state = v;
	l->given = true;
	return RUN_ON;
}

/* Runs the update of `reduce` or `foreach` with the next value of its
 * generator. take_state() gets the new state. If the update has no output, the
 * versions of jq disagree, so libjq must run the record (RUN_UNSURE). */
static enum run_result
update_state(struct run *r, struct list *l, struct value v,
    run_give *take_state)
{
	struct value state = l->state;
	enum run_result rc;

	r->slots[l->n->slot] = v;
	l->given = false;
	rc = r->each(r, l->n->c, state, take_state, l);
	return rc == RUN_ON && !l->given ? RUN_UNSURE : rc;
}

static enum run_result
update_reduce(struct run *r, void *context, struct value v)
{
	return update_state(r, context, v, store_state);
}

enum run_result
run_reduce(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct list l = { .n = n };
	enum run_result rc = r->eval(r, n->b, in, &l.state);

	if (rc == RUN_ON)
		rc = r->each(r, n->a, in, update_reduce, &l);
	*out = l.state;
	return rc;
}

static enum run_result
give_state(struct run *r, void *context, struct value v)
{
	struct list *l = context;

	l->state = v;
	l->given = true;
	return l->n->d == NULL ? l->give(r, l->context, v) :
	    r->each(r, l->n->d, v, l->give, l->context);
}

static enum run_result
update_foreach(struct run *r, void *context, struct value v)
{
	return update_state(r, context, v, give_state);
}

static enum run_result
run_foreach(struct run *r, const struct node *n, struct value in,
    run_give *give, void *context)
{
	struct list l = { .n = n, .give = give, .context = context };
	enum run_result rc = r->eval(r, n->b, in, &l.state);

	return rc == RUN_ON ? r->each(r, n->a, in, update_foreach, &l) : rc;
}

bool
run_to_text(struct run *r, const struct value *v, struct value *out)
{
	struct buf b;
	bool ok;

	*out = *v;
	if (v->kind == VALUE_STRING)
		return value_parse(&r->values, out);
	buf_init(&b, VALUES_MEMORY);
	ok = value_write_json(&r->values, v, &b) && !b.failed &&
	    value_make_string(&r->values, b.data, b.len, out);
	buf_release(&b);
	return ok;
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
enum run_result
run_string(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value *v = arena_get(&r->values.arena, n->n * sizeof(*v));
	enum run_result rc = RUN_ON;

	if (v == NULL)
		return RUN_UNSURE;
	for (size_t i = n->n; i-- > 0 && rc == RUN_ON;) {
		rc = r->eval(r, n->parts[i], in, &v[i]);
		if (rc == RUN_ON && !run_to_text(r, &v[i], &v[i]))
			return RUN_UNSURE;
	}
	if (rc == RUN_ON && !join_texts(r, v, n->n, out))
		return RUN_UNSURE;
	return rc;
}

/* A generator that is running: its node and input, and what is kept between its
 * outputs. give() is called with each output. */
struct chain {
	const struct node *n;
	struct value in, other, ends[2];
	run_give *give;
	void *context;
	double left;            /* of limit(): outputs still to give */
	struct value *part;     /* of an object */
	size_t generator;       /* index of the part that is a generator */
	bool found;
	unsigned int tries;
};

static enum run_result
run_pipe_right(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	return r->each(r, c->n->b, v, c->give, c->context);
}

static enum run_result
run_bind_body(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	r->slots[c->n->slot] = v;
	return r->each(r, c->n->b, c->in, c->give, c->context);
}

static enum run_result
run_chosen_branch(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	return r->each(r, value_is_true(&v) ? c->n->b : c->n->c, c->in,
	    c->give, c->context);
}

static enum run_result
give_indexed(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	struct value out;
	enum run_result rc = run_index(r, &v, &c->other, &out);

	if (rc == RUN_ERROR && c->n->optional)
		return RUN_ON;
	return rc == RUN_ON ? c->give(r, c->context, out) : rc;
}

/* Gives the element at the index for each output of `a`. */
static enum run_result
each_index(struct run *r, const struct node *n, struct chain *c)
{
	enum run_result rc = r->eval(r, n->b, c->in, &c->other);

	return rc == RUN_ON ? r->each(r, n->a, c->in, give_indexed, c) : rc;
}

static enum run_result
give_sliced(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	struct value out;
	enum run_result rc =
	    run_slice(r, &v, &c->ends[0], &c->ends[1], &out);

	if (rc == RUN_ERROR && c->n->optional)
		return RUN_ON;
	return rc == RUN_ON ? c->give(r, c->context, out) : rc;
}

/* Evaluates the ends of the slice first, as jq does, even if `a` has no
 * output. */
static enum run_result
each_slice(struct run *r, const struct node *n, struct chain *c)
{
	enum run_result rc = RUN_ON;

	c->ends[0] = c->ends[1] = value_of_kind(VALUE_NULL);
	if (n->b != NULL)
		rc = r->eval(r, n->b, c->in, &c->ends[0]);
	if (rc == RUN_ON && n->c != NULL)
		rc = r->eval(r, n->c, c->in, &c->ends[1]);
	return rc == RUN_ON ? r->each(r, n->a, c->in, give_sliced, c) : rc;
}

static enum run_result
give_token_elements(struct run *r, const struct chain *c, const struct value *v)
{
	const struct json_tok *tok = r->values.record->tok;
	uint32_t end = tok[v->u.token].next;
	enum run_result rc = RUN_ON;

	for (uint32_t k = v->u.token + 1; k < end && rc == RUN_ON;
	     k = tok[k].next) {
		if (v->kind == VALUE_OBJECT)
			k++;
		rc = c->give(r, c->context, value_of_token(&r->values, k));
	}
	return rc;
}

static enum run_result
give_each_element(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	enum run_result rc = RUN_ON;

	if (v.kind < VALUE_ARRAY)
		return c->n->optional ? RUN_ON : run_error(r);
	if (v.form == VALUE_TOKEN)
		return give_token_elements(r, c, &v);
	for (uint32_t i = 0; i < v.n && rc == RUN_ON; i++)
		rc = c->give(r, c->context, v.kind == VALUE_ARRAY ?
		    v.u.elements[i] : v.u.members[i].value);
	return rc;
}

/* Takes an operand of a binary operator, and gives the result. */
static enum run_result
give_computed(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	struct value out;
	enum run_result rc = run_binary(
	    r, (enum operation)c->n->op, &v, &c->other, &out);

	return rc == RUN_ON ? c->give(r, c->context, out) : rc;
}

static enum run_result
run_left_operand(struct run *r, void *context, struct value v)
{
	struct chain *c = context, left = *c;

	left.other = v;
	return r->each(r, c->n->a, c->in, give_computed, &left);
}

static enum run_result
give_truth_value(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	return c->give(r, c->context, value_bool(value_is_true(&v)));
}

/* Takes the left operand of `and` or `or`. If it decides the result, gives the
 * result; else runs the right operand. */
static enum run_result
decide_logic(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	if (value_is_true(&v) != (c->n->kind == NODE_AND))
		return give_truth_value(r, context, v);
	return r->each(r, c->n->b, c->in, give_truth_value, c);
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
	enum run_result rc = r->each(r, n->a, c->in, give_true, c);

	if (rc == RUN_ERROR)
		return RUN_UNSURE;
	return rc == RUN_ON && !c->found ?
	    r->each(r, n->b, c->in, c->give, c->context) : rc;
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
	rc = r->each(r, n->a, c->in, give_from_try, c);
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
	return r->each(r, n->b, r->failure.text, c->give, c->context);
}

/* Takes an output of the generator of an object, and gives the object. */
static enum run_result
give_object(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	struct value out;
	enum run_result rc;

	c->part[c->generator] = v;
	rc = run_object_finish(r, c->n, c->generator + 1, c->in, c->part, &out);
	return rc == RUN_ON ? c->give(r, c->context, out) : rc;
}

/* Gives an object for each output of the generator in it. */
static enum run_result
each_object(struct run *r, const struct node *n, struct chain *c)
{
	enum run_result rc;
	size_t i = 0;

	while (n->parts[i]->single)
		i++;
	c->generator = i;
	rc = run_object_begin(r, n, i, c->in, &c->part);
	return rc == RUN_ON ?
	    r->each(r, n->parts[i], c->in, give_object, c) : rc;
}

static enum run_result
give_negated(struct run *r, void *context, struct value v)
{
	struct chain *c = context;
	struct value out;
	enum run_result rc = run_negate(r, &v, &out);

	return rc == RUN_ON ? c->give(r, c->context, out) : rc;
}

static enum run_result
keep_first(struct run *r, void *context, struct value v)
{
	struct chain *c = context;

	c->other = v;
	c->found = true;
	r->stop = c;
	return RUN_STOP;
}

/* Gives the first output of the argument, and no more. */
static enum run_result
each_first(struct run *r, const struct node *n, struct chain *c)
{
	enum run_result rc = r->each(r, n->a, c->in, keep_first, c);

	if (rc == RUN_STOP && r->stop == c)
		return c->give(r, c->context, c->other);
	return rc;
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
	enum run_result rc = r->eval(r, n->a, c->in, &v);

	if (rc != RUN_ON)
		return rc;
	if (v.kind != VALUE_NUMBER ||
	    !value_double(&r->values, &v, &c->left) || c->left < 1)
		return RUN_UNSURE;
	if (c->left != (double)(int64_t)c->left)
		return RUN_UNSURE;
	rc = r->each(r, n->b, c->in, give_limited, c);
	return rc == RUN_STOP && r->stop == c ? RUN_ON : rc;
}

/* Gives each number of the range. */
static enum run_result
each_range(struct run *r, const struct node *n, struct chain *c)
{
	struct value v[2] = { value_number(0) };
	enum run_result rc = r->eval(r, n->a, c->in, &v[n->b != NULL ? 0 : 1]);
	double from, to;

	if (rc == RUN_ON && n->b != NULL)
		rc = r->eval(r, n->b, c->in, &v[1]);
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

/* Gives the outputs of the left side, then those of the right side. */
static enum run_result
each_side(struct run *r, const struct node *n, struct chain *c)
{
	enum run_result rc = r->each(r, n->a, c->in, c->give, c->context);

	return rc == RUN_ON ?
	    r->each(r, n->b, c->in, c->give, c->context) : rc;
}

enum run_result
run_generator(struct run *r, const struct node *n, struct value in,
    run_give *give, void *context)
{
	struct chain c = {
		.n = n, .in = in, .give = give, .context = context
	};

	switch ((enum node_kind)n->kind) {
	case NODE_PIPE:
		return r->each(r, n->a, in, run_pipe_right, &c);
	case NODE_BIND:
		return r->each(r, n->a, in, run_bind_body, &c);
	case NODE_IF:
		return r->each(r, n->a, in, run_chosen_branch, &c);
	case NODE_INDEX:
		return each_index(r, n, &c);
	case NODE_SLICE:
		return each_slice(r, n, &c);
	case NODE_EACH:
		return r->each(r, n->a, in, give_each_element, &c);
	case NODE_COMMA:
		return each_side(r, n, &c);
	case NODE_BINARY:
		return r->each(r, n->b, in, run_left_operand, &c);
	case NODE_AND:
	case NODE_OR:
		return r->each(r, n->a, in, decide_logic, &c);
	case NODE_NEGATE:
		return r->each(r, n->a, in, give_negated, &c);
	case NODE_DEFAULT:
		return each_default(r, n, &c);
	case NODE_OBJECT:
		return each_object(r, n, &c);
	case NODE_TRY:
		return each_try(r, n, &c);
	case NODE_FOREACH:
		return run_foreach(r, n, in, give, context);
	case NODE_EMPTY:
		return RUN_ON;
	case NODE_FIRST:
		return each_first(r, n, &c);
	case NODE_LIMIT:
		return each_limit(r, n, &c);
	case NODE_RANGE:
		return each_range(r, n, &c);
	default:
		return RUN_UNSURE;
	}
}
