#include "native/run.h"

#include "base/text.h"
#include "native/functions.h"

#include <math.h>
#include <string.h>

/* Sets *out to the number d. If it is infinite or NaN, libjq must run the
 * record (RUN_UNSURE), because the versions of jq disagree about such
 * numbers. */
static enum run_result
give_finite(double d, struct value *out)
{
	*out = value_number(d);
	return isfinite(d) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
remainder_of(double a, double b, struct value *out)
{
	if (!(a >= 0 && a < 0x1p52 && b >= 1 && b < 0x1p52))
		return RUN_UNSURE;
	*out = value_number((double)((int64_t)a % (int64_t)b));
	return RUN_ON;
}

static enum run_result
compute_numbers(struct run *r, enum operation op, const struct value *x,
    const struct value *y, struct value *out)
{
	double a, b;

	if (!value_double(&r->values, x, &a) ||
	    !value_double(&r->values, y, &b))
		return RUN_UNSURE;
	switch (op) {
	case OP_ADD:
		return give_finite(a + b, out);
	case OP_SUBTRACT:
		return give_finite(a - b, out);
	case OP_MULTIPLY:
		return give_finite(a * b, out);
	case OP_DIVIDE:
		return b == 0 ? RUN_UNSURE : give_finite(a / b, out);
	case OP_REMAINDER:
		return remainder_of(a, b, out);
	default:
		return RUN_UNSURE;
	}
}

static enum run_result
add_strings(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y;
	size_t n;
	char *text;

	if (!value_parse(&r->values, &a) || !value_parse(&r->values, &b))
		return RUN_UNSURE;
	n = (size_t)a.n + b.n;
	text = arena_get(&r->values.arena, n + 1);
	if (text == NULL || !values_work(&r->values, n / 16))
		return RUN_UNSURE;
	if (a.n > 0)
		memcpy(text, a.u.text, a.n);
	if (b.n > 0)
		memcpy(text + a.n, b.u.text, b.n);
	*out = value_string(text, n);
	return RUN_ON;
}

static enum run_result
add_arrays(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y, *v;
	size_t n;

	if (!value_parse(&r->values, &a) || !value_parse(&r->values, &b))
		return RUN_UNSURE;
	n = (size_t)a.n + b.n;
	v = arena_get(&r->values.arena, n * sizeof(*v) + 1);
	if (v == NULL || !values_work(&r->values, n))
		return RUN_UNSURE;
	if (a.n > 0)
		memcpy(v, a.u.elements, a.n * sizeof(*v));
	if (b.n > 0)
		memcpy(v + a.n, b.u.elements, b.n * sizeof(*v));
	return value_make_array(v, n, out) ? RUN_ON : RUN_UNSURE;
}

/* Returns the place of the member in m[0..n), or n if there is none. */
static size_t
member_position(const struct member *m, size_t n, const struct value *name)
{
	size_t i = 0;

	while (i < n && (m[i].name.n != name->n ||
	    memcmp(m[i].name.u.text, name->u.text, name->n) != 0))
		i++;
	return i;
}

/* Members of the second object replace those of the first with the same
 * name. */
static enum run_result
add_objects(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y;
	struct member *m;
	size_t n, at;

	if (!value_parse(&r->values, &a) ||
	    !value_parse(&r->values, &b) ||
	    !values_work(&r->values, (uint64_t)(a.n + b.n) * b.n / 8 + a.n))
		return RUN_UNSURE;
	m = arena_get(&r->values.arena, ((size_t)a.n + b.n) * sizeof(*m) + 1);
	if (m == NULL)
		return RUN_UNSURE;
	if (a.n > 0)
		memcpy(m, a.u.members, a.n * sizeof(*m));
	n = a.n;
	for (uint32_t i = 0; i < b.n; i++) {
		at = member_position(m, n, &b.u.members[i].name);
		m[at] = b.u.members[i];
		n += at == n;
	}
	return value_make_object(m, n, out) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
add_values(struct run *r, const struct value *a, const struct value *b,
    struct value *out)
{
	if (a->kind == VALUE_NULL || b->kind == VALUE_NULL) {
		*out = a->kind == VALUE_NULL ? *b : *a;
		return RUN_ON;
	}
	if (a->kind != b->kind)
		return run_error(r);
	switch ((enum value_kind)a->kind) {
	case VALUE_NUMBER:
		return compute_numbers(r, OP_ADD, a, b, out);
	case VALUE_STRING:
		return add_strings(r, a, b, out);
	case VALUE_ARRAY:
		return add_arrays(r, a, b, out);
	case VALUE_OBJECT:
		return add_objects(r, a, b, out);
	default:
		return run_error(r);
	}
}

static bool
array_contains(struct run *r, const struct value *array, const struct value *v,
    bool *found)
{
	int order = 1;

	for (uint32_t i = 0; i < array->n && order != 0; i++)
		if (!value_compare(
		    &r->values, array->u.elements[i], *v, &order))
			return false;
	*found = order == 0;
	return true;
}

/* Sets *out to an array of the elements of x that are not in the array y. */
static enum run_result
subtract_arrays(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y, *v;
	size_t n = 0;
	bool found;

	if (!value_parse(&r->values, &a) ||
	    !value_parse(&r->values, &b) ||
	    (v = arena_get(&r->values.arena, a.n * sizeof(*v) + 1)) == NULL)
		return RUN_UNSURE;
	for (uint32_t i = 0; i < a.n; i++) {
		if (!array_contains(r, &b, &a.u.elements[i], &found))
			return RUN_UNSURE;
		if (!found)
			v[n++] = a.u.elements[i];
	}
	return value_make_array(v, n, out) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
compare_by(struct run *r, enum operation op, const struct value *a,
    const struct value *b, struct value *out)
{
	int order;
	bool yes;

	if (!value_compare(&r->values, *a, *b, &order))
		return RUN_UNSURE;
	switch (op) {
	case OP_EQUAL:
		yes = order == 0;
		break;
	case OP_UNEQUAL:
		yes = order != 0;
		break;
	case OP_LESS:
		yes = order < 0;
		break;
	case OP_LESS_EQUAL:
		yes = order <= 0;
		break;
	case OP_GREATER:
		yes = order > 0;
		break;
	default:
		yes = order >= 0;
		break;
	}
	*out = value_bool(yes);
	return RUN_ON;
}

enum run_result
run_binary(struct run *r, enum operation op, const struct value *a,
    const struct value *b, struct value *out)
{
	if (op >= OP_EQUAL)
		return compare_by(r, op, a, b, out);
	if (op == OP_ADD)
		return add_values(r, a, b, out);
	if (a->kind == VALUE_NUMBER && b->kind == VALUE_NUMBER)
		return compute_numbers(r, op, a, b, out);
	if (op == OP_SUBTRACT && a->kind == VALUE_ARRAY &&
	    b->kind == VALUE_ARRAY)
		return subtract_arrays(r, a, b, out);
	if (op == OP_DIVIDE && a->kind == VALUE_STRING &&
	    b->kind == VALUE_STRING)
		return text_split(r, a, b, out) ? RUN_ON : RUN_UNSURE;
	/* For a text or an object, the versions of jq disagree about what *
	 * does. */
	return op == OP_MULTIPLY ? RUN_UNSURE : run_error(r);
}

enum run_result
run_negate(struct run *r, const struct value *v, struct value *out)
{
	double d;

	if (v->kind != VALUE_NUMBER)
		return run_error(r);
	/* The versions of jq disagree about -0 and about the text of -(1.0). */
	if (!value_double(&r->values, v, &d) || d == 0 ||
	    v->form == VALUE_SPELLED)
		return RUN_UNSURE;
	*out = value_number(-d);
	return RUN_ON;
}

/* Sets the member `name` in the list m[0..n), which has room for one more. A
 * member with this name keeps its place, as in libjq. Returns the new number of
 * members. */
static size_t
set_member(struct member *m, size_t n, struct value name, struct value value)
{
	size_t i = 0;

	while (i < n && (m[i].name.n != name.n ||
	    memcmp(m[i].name.u.text, name.u.text, name.n) != 0))
		i++;
	m[i] = (struct member){ name, value };
	return i < n ? n : n + 1;
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
		    r->eval(r, n->parts[i], in, &part[i]);
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
		used = set_member(m, used, name, part[i]);
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

/* jq evaluates the parts before the generator once, before the generator runs.
 * If one of them fails, this is an error even if the generator has no output.
 * So make_from_parts() is called here, and its object is not used. */
enum run_result
run_object_begin(struct run *r, const struct node *n, size_t count,
    struct value in, struct value **part)
{
	struct value unused;

	*part = new_part_values(r, n);
	return *part == NULL ? RUN_UNSURE :
	    make_from_parts(r, n, count, in, *part, 0, &unused);
}

enum run_result
run_object_finish(struct run *r, const struct node *n, size_t known,
    struct value in, struct value *part, struct value *out)
{
	return make_from_parts(r, n, n->n, in, part, known, out);
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
		return r->eval(r, n->b, in, out);
	case OP_UPDATE:
		return r->eval(r, n->b, v, out);
	default:
		rc = r->eval(r, n->b, in, out);
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

static enum run_result compute_replacement(struct run *r,
    const struct node *set, const struct node *path, struct value in,
    const struct value *old, struct value *out);

/* Runs an assignment in the object *v, which is the value before the last name
 * of `path`. For example, if `path` is .a.b, *v is the value of .a, and *out
 * becomes *v with its member b changed. */
static enum run_result
set_inside(struct run *r, const struct node *set, const struct node *path,
    struct value in, struct value *v, struct value *out)
{
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
	rc = compute_replacement(r, set, path, in, &old, &changed);
	if (rc != RUN_ON)
		return rc;
	return value_make_object(m, set_member(m, v->n, *name, changed),
	    out) ? RUN_ON : RUN_UNSURE;
}

/* Sets *out to the value that replaces *old, the value at `path`. If `path` is
 * the whole path of the assignment, this is the assigned value. Otherwise it is
 * *old with a change inside. For example, if .a.b is assigned and `path` is .a,
 * set_inside() changes b. */
static enum run_result
compute_replacement(struct run *r, const struct node *set,
    const struct node *path, struct value in, const struct value *old,
    struct value *out)
{
	const struct node *inner = set->a;
	struct value v = *old;

	if (inner == path)
		return compute_assigned(r, set, in, old, out);
	while (inner->a != path)
		inner = inner->a;
	return set_inside(r, set, inner, in, &v, out);
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
	return value_make_object(m, set_member(m, v.n, *name, changed),
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

/* Returns true if the index is an integer of at most 31 bits: all versions of
 * jq agree about these. */
static bool
is_small_integer(struct run *r, const struct value *v, double *d)
{
	return v->kind == VALUE_NUMBER && value_double(&r->values, v, d) &&
	    *d == trunc(*d) && fabs(*d) < INT32_MAX;
}

static enum run_result
index_array(struct run *r, const struct value *v, const struct value *key,
    struct value *out)
{
	const struct json_tok *tok = r->values.record->tok;
	uint32_t n = value_count(&r->values, v), k;
	double d;

	if (!is_small_integer(r, key, &d) || !values_work(&r->values, 1))
		return RUN_UNSURE;
	*out = value_of_kind(VALUE_NULL);
	if (d < 0)
		d += n;
	if (d < 0 || d >= n)
		return RUN_ON;
	if (v->form != VALUE_TOKEN) {
		*out = v->u.elements[(uint32_t)d];
		return RUN_ON;
	}
	k = v->u.token + 1;
	for (uint32_t i = 0; i < (uint32_t)d; i++)
		k = tok[k].next;
	*out = value_of_token(&r->values, k);
	return values_work(&r->values, (uint64_t)d / 4) ? RUN_ON : RUN_UNSURE;
}

enum run_result
run_index(struct run *r, const struct value *v, const struct value *key,
    struct value *out)
{
	struct value name = *key;
	bool found;

	if (key->kind != VALUE_STRING && key->kind != VALUE_NUMBER)
		return RUN_UNSURE;
	if (v->kind == VALUE_NULL) {
		*out = *v;
		return RUN_ON;
	}
	if (v->kind == VALUE_ARRAY && key->kind == VALUE_NUMBER)
		return index_array(r, v, key, out);
	if (v->kind != VALUE_OBJECT || key->kind != VALUE_STRING)
		return run_error(r);
	if (!value_parse(&r->values, &name) ||
	    !value_find_member(&r->values, v, name.u.text, name.n, out, &found))
		return RUN_UNSURE;
	if (!found)
		*out = value_of_kind(VALUE_NULL);
	return RUN_ON;
}

/* Sets [*from, *to) to the elements or characters that the slice names, of n in
 * total. Returns false if libjq must run the record. */
static bool
get_slice_bounds(struct run *r, const struct value ends[2], uint32_t n,
    uint32_t *from, uint32_t *to)
{
	double d[2] = { 0, n };

	for (int i = 0; i < 2; i++) {
		if (ends[i].kind != VALUE_NULL &&
		    !is_small_integer(r, &ends[i], &d[i]))
			return false;
		if (d[i] < 0)
			d[i] += n;
		d[i] = d[i] < 0 ? 0 : d[i] > n ? n : d[i];
	}
	*from = (uint32_t)d[0];
	*to = d[1] < d[0] ? *from : (uint32_t)d[1];
	return true;
}

/* Returns the position after the first n characters at p, which are valid
 * UTF-8. */
static const char *
skip_characters(const char *p, uint32_t n)
{
	while (n-- > 0) {
		p++;
		while ((*p & 0xc0) == 0x80)
			p++;
	}
	return p;
}

static enum run_result
slice_string(struct run *r, struct value v, const struct value ends[2],
    struct value *out)
{
	uint32_t from, to;
	const char *p, *end;

	/* skip_characters() reads one byte after the text. So copy the text,
	 * with a NUL after it: after another string there may be any byte. */
	if (!value_parse(&r->values, &v) ||
	    !value_make_string(&r->values, v.u.text, v.n, &v))
		return RUN_UNSURE;
	((char *)(uintptr_t)v.u.text)[v.n] = '\0';
	if (!values_work(&r->values, v.n / 8) ||
	    !get_slice_bounds(r, ends,
		(uint32_t)text_count_chars(v.u.text, v.n), &from, &to))
		return RUN_UNSURE;
	p = skip_characters(v.u.text, from);
	end = skip_characters(p, to - from);
	*out = value_string(p, (size_t)(end - p));
	return RUN_ON;
}

enum run_result
run_slice(struct run *r, const struct value *value, const struct value *from,
    const struct value *to, struct value *out)
{
	const struct value ends[2] = { *from, *to };
	struct value v = *value;
	uint32_t first, last;

	for (int i = 0; i < 2; i++)
		if (ends[i].kind != VALUE_NULL && ends[i].kind != VALUE_NUMBER)
			return RUN_UNSURE;
	if (v.kind == VALUE_NULL) {
		*out = v;
		return RUN_ON;
	}
	if (v.kind == VALUE_STRING)
		return slice_string(r, v, ends, out);
	if (v.kind != VALUE_ARRAY)
		return run_error(r);
	if (!value_parse(&r->values, &v) ||
	    !get_slice_bounds(r, ends, v.n, &first, &last) ||
	    !values_work(&r->values, last - first) ||
	    !value_make_array(v.u.elements + first, last - first, out))
		return RUN_UNSURE;
	return RUN_ON;
}
