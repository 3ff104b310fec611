#include "native/run.h"

#include "native/functions.h"

static enum run_result run_eval(struct run *r, const struct node *n,
    struct value in, struct value *out);
static enum run_result give_each_output(struct run *r, const struct node *n,
    struct value in, run_give *give, void *context);

static enum run_result
eval_index(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value v = in, key;
	enum run_result rc = RUN_ON;

	if (n->b->kind == NODE_CONSTANT)
		key = n->b->value;
	else
		rc = run_eval(r, n->b, in, &key);
	if (rc == RUN_ON && n->a->kind != NODE_INPUT)
		rc = run_eval(r, n->a, in, &v);
	return rc == RUN_ON ? run_index(r, &v, &key, out) : rc;
}

static enum run_result
eval_slice_ends(struct run *r, const struct node *n, struct value in,
    struct value ends[2])
{
	enum run_result rc = RUN_ON;

	ends[0] = ends[1] = value_of_kind(VALUE_NULL);
	if (n->b != NULL)
		rc = run_eval(r, n->b, in, &ends[0]);
	if (rc == RUN_ON && n->c != NULL)
		rc = run_eval(r, n->c, in, &ends[1]);
	return rc;
}

static enum run_result
eval_slice(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value v, ends[2];
	enum run_result rc = eval_slice_ends(r, n, in, ends);

	if (rc == RUN_ON)
		rc = run_eval(r, n->a, in, &v);
	return rc == RUN_ON ? run_slice(r, &v, &ends[0], &ends[1], out) : rc;
}

static enum run_result
eval_binary(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value a, b;
	enum run_result rc = run_eval(r, n->b, in, &b);

	if (rc == RUN_ON)
		rc = run_eval(r, n->a, in, &a);
	return rc == RUN_ON ?
	    run_binary(r, (enum operation)n->op, &a, &b, out) : rc;
}

static enum run_result
eval_logic(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value v;
	enum run_result rc = run_eval(r, n->a, in, &v);

	if (rc == RUN_ON && value_is_true(&v) == (n->kind == NODE_AND))
		rc = run_eval(r, n->b, in, &v);
	*out = value_bool(rc == RUN_ON && value_is_true(&v));
	return rc;
}

/* Evaluates a // b. If `a` ends with an error, the versions of jq disagree, so
 * libjq must run the record (RUN_UNSURE). */
static enum run_result
eval_default(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	enum run_result rc = run_eval(r, n->a, in, out);

	if (rc == RUN_ERROR)
		return RUN_UNSURE;
	return rc == RUN_ON && !value_is_true(out) ?
	    run_eval(r, n->b, in, out) : rc;
}

static enum run_result
eval_function(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	struct value args[FUNCTION_ARGUMENTS];
	enum run_result rc = RUN_ON;

	for (size_t i = 0; i < n->n && rc == RUN_ON; i++)
		rc = run_eval(r, n->parts[i], in, &args[i]);
	return rc == RUN_ON ? n->function->call(r, &in, args, out) : rc;
}

static enum run_result
eval_error(struct run *r, const struct node *n, struct value in)
{
	struct value v;
	enum run_result rc = run_eval(r, n->a, in, &v);

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
		rc = run_eval(r, n->parts[i], in, &v[i]);
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

static enum run_result
choose_branch(struct run *r, const struct node *n, struct value in,
    const struct node **branch)
{
	struct value v;
	enum run_result rc = run_eval(r, n->a, in, &v);

	*branch = rc == RUN_ON && value_is_true(&v) ? n->b : n->c;
	return rc;
}

static enum run_result
keep_last(struct run *r __attribute__((unused)), void *context,
    struct value v)
{
	*(struct value *)context = v;
	return RUN_ON;
}

/* Evaluates last(f). If f has no output, the versions of jq disagree, so libjq
 * must run the record (RUN_UNSURE). */
static enum run_result
eval_last(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	enum run_result rc;

	*out = (struct value){ .kind = VALUE_NULL, .n = UINT32_MAX };
	rc = give_each_output(r, n->a, in, keep_last, out);
	return rc == RUN_ON && out->kind == VALUE_NULL &&
	    out->n == UINT32_MAX ? RUN_UNSURE : rc;
}

/* Evaluates all nodes that run_eval() does not evaluate itself. run_eval()
 * handles |, `as` and `if` in a loop: it continues with the last part of such a
 * node instead of calling itself. So a long filter needs no deep stack. */
static enum run_result
eval_other(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	enum run_result rc;
	struct value v;

	switch ((enum node_kind)n->kind) {
	case NODE_TEXT:
		return run_string(r, n, in, out);
	case NODE_INDEX:
		return eval_index(r, n, in, out);
	case NODE_SLICE:
		return eval_slice(r, n, in, out);
	case NODE_ARRAY:
		return run_collect(r, n, in, out);
	case NODE_OBJECT:
		return run_object(r, n, in, out);
	case NODE_BINARY:
		return eval_binary(r, n, in, out);
	case NODE_NEGATE:
		rc = run_eval(r, n->a, in, &v);
		return rc == RUN_ON ? run_negate(r, &v, out) : rc;
	case NODE_AND:
	case NODE_OR:
		return eval_logic(r, n, in, out);
	case NODE_DEFAULT:
		return eval_default(r, n, in, out);
	case NODE_REDUCE:
		return run_reduce(r, n, in, out);
	case NODE_FUNCTION:
		return eval_function(r, n, in, out);
	case NODE_ERROR:
		return eval_error(r, n, in);
	case NODE_REJECT:
		return eval_reject(r, n, in);
	case NODE_SET:
		return run_set(r, n, in, out);
	case NODE_DELETE:
		return run_delete(r, n->a, in, out);
	case NODE_LAST:
		return eval_last(r, n, in, out);
	default:
		return RUN_UNSURE;
	}
}

static enum run_result
run_eval(struct run *r, const struct node *n, struct value in,
    struct value *out)
{
	enum run_result rc = RUN_ON;

	for (;;) {
		if (n->kind == NODE_PIPE) {
			rc = run_eval(r, n->a, in, &in);
			n = n->b;
		} else if (n->kind == NODE_BIND) {
			rc = run_eval(r, n->a, in, &r->slots[n->slot]);
			n = n->b;
		} else if (n->kind == NODE_IF) {
			rc = choose_branch(r, n, in, &n);
		} else {
			break;
		}
		if (rc != RUN_ON)
			return rc;
	}
	if (n->kind == NODE_INPUT)
		*out = in;
	else if (n->kind == NODE_CONSTANT)
		*out = n->value;
	else if (n->kind == NODE_VARIABLE)
		*out = r->slots[n->slot];
	else
		return eval_other(r, n, in, out);
	return RUN_ON;
}

static enum run_result
give_each_output(struct run *r, const struct node *n, struct value in,
    run_give *give, void *context)
{
	struct value v;
	enum run_result rc;

	if (!values_work(&r->values, 1))
		return RUN_UNSURE;
	if (!n->single)
		return run_generator(r, n, in, give, context);
	rc = run_eval(r, n, in, &v);
	return rc == RUN_ON ? give(r, context, v) : rc;
}

void
run_init(struct run *r)
{
	r->eval = run_eval;
	r->each = give_each_output;
}
