#include "batch/join.h"

#include "http/uri_template.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ANSWERS = 64, ID_MAX = 1 << 20 };

void
join_init(struct join *j)
{
	*j = (struct join){ 0 };
	buf_init(&j->value, ID_MAX);
	buf_init(&j->example, ID_MAX);
}

void
join_release(struct join *j)
{
	free(j->group);
	free(j->v);
	buf_release(&j->value);
	buf_release(&j->example);
	*j = (struct join){ 0 };
}

static int
compare_ids(const struct join_group *a, const struct join_group *b)
{
	size_t n = a->id_len < b->id_len ? a->id_len : b->id_len;
	int order = memcmp(a->id, b->id, n);

	return order != 0 ? order : (a->id_len > b->id_len) -
	    (a->id_len < b->id_len);
}

/* Orders groups by id, and groups of the same id by the place of their
 * record. */
static int
compare_groups(const void *x, const void *y)
{
	const struct join_group *a = x, *b = y;
	int order = compare_ids(a, b);

	return order != 0 ? order : (a->record > b->record) -
	    (a->record < b->record);
}

static int
compare_ids_only(const void *x, const void *y)
{
	return compare_ids(x, y);
}

static int
reserve_groups(struct join *j, size_t n, struct err *e)
{
	struct join_group *g;

	if (n <= j->cap_groups)
		return 0;
	if ((g = realloc(j->group, n * sizeof(*g))) == NULL)
		return err_nomem(e);
	j->group = g;
	j->cap_groups = n;
	return 0;
}

/* Merges the groups with equal ids. The merged group keeps the first record,
 * and all records with this id get its index. */
static void
merge_equal_ids(struct join *j, struct batch *b)
{
	size_t to = 0;

	for (size_t i = 0; i < j->groups; i++) {
		if (i == 0 || compare_ids(
		    &j->group[i], &j->group[to - 1]) != 0)
			j->group[to++] = j->group[i];
		b->v[j->group[i].record].group = to - 1;
	}
	j->groups = to;
}

int
join_make_groups(struct join *j, struct batch *b, size_t from, size_t to,
    struct err *e)
{
	j->groups = 0;
	if (reserve_groups(j, to - from, e) == -1)
		return -1;
	for (size_t i = from; i < to; i++)
		if (b->v[i].id_len > 0)
			j->group[j->groups++] = (struct join_group){
			    .id = b->ids.data + b->v[i].id_at,
			    .id_len = b->v[i].id_len, .record = i };
	if (j->groups == 0)
		return 0;
	qsort(j->group, j->groups, sizeof(j->group[0]), compare_groups);
	merge_equal_ids(j, b);
	return 0;
}

static int
add_answer(struct join *j, struct join_group *g, uint32_t token, struct err *e)
{
	struct join_answer *v = j->v;

	if (j->n == j->cap) {
		size_t cap = j->cap == 0 ? FIRST_ANSWERS : 2 * j->cap;

		if ((v = realloc(v, cap * sizeof(*v))) == NULL)
			return err_nomem(e);
		j->v = v;
		j->cap = cap;
	}
	if (g->answers++ == 0)
		g->first = j->n;
	else
		v[g->last].next = j->n;
	g->last = j->n;
	v[j->n++] = (struct join_answer){ .token = token };
	return 0;
}

/* Returns the group with the id in j->value, or NULL if no record has this
 * id. */
static struct join_group *
find_group_of_id(struct join *j)
{
	const struct join_group wanted = { .id = j->value.data,
	    .id_len = j->value.len };

	return j->groups == 0 ? NULL : bsearch(&wanted, j->group, j->groups,
	    sizeof(wanted), compare_ids_only);
}

/* Counts an answer whose id was not requested. Keeps the first such id as the
 * example of the warning. */
static int
note_unknown_id(struct join *j, struct err *e)
{
	if (j->unknown++ > 0)
		return 0;
	buf_clear(&j->example);
	buf_add(&j->example, j->value.data, j->value.len);
	return buf_check(&j->example, e);
}

/* Adds an element of the answer to the group of its id. An element without a
 * valid id, or with an id that was not requested, is only counted. */
static int
add_element(struct join *j, const struct json *body, uint32_t token,
    const char *match, struct err *e)
{
	uint32_t member = body->tok[token].type != JSON_OBJECT ? 0 :
	    json_member_value(body, token, match, strlen(match));
	struct template_fault ignored;
	struct join_group *g;
	bool is_valid;

	is_valid = template_value_text(body, member, &j->value, &ignored) == 1;
	if (j->value.failed && !j->value.full)
		return err_nomem(e);
	if (!is_valid || j->value.failed || j->value.len == 0) {
		j->without++;
		return 0;
	}
	if ((g = find_group_of_id(j)) == NULL)
		return note_unknown_id(j, e);
	return add_answer(j, g, token, e);
}

int
join_add_answers(struct join *j, const struct body *b, const char *match,
    struct err *e)
{
	const struct json_tok *t = b->j.tok;

	j->n = j->unknown = j->without = 0;
	for (size_t i = 0; i < j->groups; i++)
		j->group[i].answers = 0;
	if (b->no_records)
		return 0;
	for (uint32_t i = b->array + 1; i < t[b->array].next; i = t[i].next)
		if (add_element(j, &b->j, i, match, e) == -1)
			return -1;
	return 0;
}
