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

enum run_result
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
