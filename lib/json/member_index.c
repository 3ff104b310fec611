#include "json/member_index.h"

#include "json/name.h"

#include <stdlib.h>

/* An object of the index. Its sorted names are names[from..to). */
struct indexed_object {
	uint32_t tok, from, to;
};

void
member_index_clear(struct member_index *m)
{
	m->n = m->n_names = 0;
	m->built = false;
}

void
member_index_release(struct member_index *m)
{
	free(m->objects);
	free(m->names);
	*m = (struct member_index){ .n = 0 };
}

/* Sorts by name. Of several members of the same name, the last comes first,
 * because it is the one that counts. */
static int
by_member_name(const void *a, const void *b, void *json)
{
	const struct json *j = json;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int c = name_compare(&j->tok[x], &j->tok[y], j->text);

	return c != 0 ? c : (x < y) - (x > y);
}

/* Returns an array of at least n + 1 elements, or NULL if memory is out. */
static void *
grow_array(void *v, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 64;
	void *p;

	if (n < *cap)
		return v;
	if ((p = reallocarray(v, more, size)) != NULL)
		*cap = more;
	return p;
}

static bool
append_name_token(struct member_index *m, uint32_t tok)
{
	uint32_t *p =
	    grow_array(m->names, m->n_names, &m->cap_names, sizeof(*p));

	if (p == NULL)
		return false;
	m->names = p;
	m->names[m->n_names++] = tok;
	return true;
}

/* Adds the names of the object, sorted. Returns false if memory is out. */
static bool
index_object(struct member_index *m, const struct json *j, uint32_t obj)
{
	struct indexed_object *o =
	    grow_array(m->objects, m->n, &m->cap, sizeof(*o));
	uint32_t from = m->n_names;

	if (o == NULL)
		return false;
	m->objects = o;
	for (uint32_t i = obj + 1; i < j->tok[obj].next;
	    i = j->tok[i + 1].next)
		if (!append_name_token(m, i))
			return false;
	m->objects[m->n++] = (struct indexed_object){ obj, from, m->n_names };
	qsort_r(m->names + from, m->n_names - from, sizeof(*m->names),
	    by_member_name, (void *)(uintptr_t)j);
	return true;
}

/* Adds the names of every object with more than MEMBER_INDEX_FEW members.
 * Returns false if memory is out. */
static bool
build_index(struct member_index *m, const struct json *j)
{
	member_index_clear(m);
	for (uint32_t i = 0; i < j->n; i++)
		if (j->tok[i].type == JSON_OBJECT &&
		    j->tok[i].members > MEMBER_INDEX_FEW &&
		    !index_object(m, j, i))
			return false;
	m->built = true;
	return true;
}

static int
by_token(const void *a, const void *b)
{
	const struct indexed_object *x = a, *y = b;

	return (x->tok > y->tok) - (x->tok < y->tok);
}

/* Returns the object's entry in the index, which must have one. */
static const struct indexed_object *
find_object(const struct member_index *m, uint32_t obj)
{
	const struct indexed_object key = { .tok = obj };

	return bsearch(&key, m->objects, m->n, sizeof(key), by_token);
}

static uint32_t
find_in_object(const struct member_index *m, const struct json *j,
    const struct indexed_object *o, const char *name, size_t len)
{
	uint32_t low = o->from, high = o->to;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (name_compare_text(&j->tok[m->names[mid]], j->text, name,
		    len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < o->to && name_compare_text(&j->tok[m->names[low]], j->text,
	    name, len) == 0)
		return m->names[low] + 1;
	return 0;
}

uint32_t
member_index_find(struct member_index *m, const struct json *j, uint32_t obj,
    const char *name, size_t len, bool *nomem)
{
	if (j->tok[obj].members <= MEMBER_INDEX_FEW)
		return json_member_value(j, obj, name, len);
	if (!m->built && !build_index(m, j)) {
		*nomem = true;
		return 0;
	}
	return find_in_object(m, j, find_object(m, obj), name, len);
}
