#include "native/run.h"

#include <string.h>

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

enum run_result
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

enum run_result
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
enum run_result
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
