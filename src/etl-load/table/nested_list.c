#include "table/nested_list.h"

#include "base/errval.h"
#include "json/pointer.h"

#include <stdlib.h>
#include <string.h>

static int
fail_syntax(const char *option, bool several, struct err *e)
{
	return err_set(e, ERR_USAGE, false, "--nested %s: write %sTABLE="
	    "POINTER, with a JSON Pointer to the array, such as /items", option,
	    several ? "NAME:" : "");
}

/* Reads NAME: of --nested NAME:TABLE=POINTER. Sets t->parent to the number of
 * the table with this NAME, and moves *p after the colon. */
static int
parse_parent(struct nested_table *t, const char *option, const char **p,
    const struct table_list *tables, struct err *e)
{
	size_t len = table_list_span(*p, ":=");
	char *name;

	if (len == 0 || (*p)[len] != ':')
		return fail_syntax(option, true, e);
	if ((name = strndup(*p, len)) == NULL)
		return err_nomem(e);
	table_list_unquote(name);
	t->parent = table_list_find(tables, name, strlen(name), 0);
	free(name);
	if (t->parent == tables->n)
		return err_set(e, ERR_USAGE, false, "--nested %s: --tables has "
		    "no table of the name \"%.*s\"", option, (int)len, *p);
	*p += len + 1;
	return 0;
}

static int
parse_nested(struct nested_table *t, const char *option,
    const struct table_list *tables, struct err *e)
{
	const char *p = option;
	size_t len;

	if (tables->n > 0 && parse_parent(t, option, &p, tables, e) == -1)
		return -1;
	len = table_list_span(p, "=");
	if (len == 0 || p[len] != '=' || p[len + 1] != '/' ||
	    !pointer_is_valid(p + len + 1))
		return fail_syntax(option, tables->n > 0, e);
	t->pointer = p + len + 1;
	t->table = strndup(p, len);
	return t->table == NULL ? err_nomem(e) : 0;
}

/* True if one of the pointers leads to a place inside the other one's value, or
 * both are equal. */
static bool
pointers_overlap(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (*a == '\0' && (*b == '\0' || *b == '/')) ||
	    (*a == '/' && *b == '\0');
}

/* Fails if the pointer of entry i is equal to that of an entry before it, or
 * one is inside the other: each array has one table, and an array inside an
 * element has none. */
static int
check_apart(const struct nested_list *l, size_t i, const char *option,
    struct err *e)
{
	const struct nested_table *t = &l->v[i];

	for (size_t k = 0; k < i; k++) {
		const struct nested_table *s = &l->v[k];

		if (s->parent == t->parent && s->pointer != NULL &&
		    pointers_overlap(t->pointer, s->pointer))
			return err_set(e, ERR_USAGE, false, "--nested %s: "
			    "another --nested has the pointer %s: an array "
			    "has one table, and arrays inside its elements "
			    "have none: load them into a JSON column, or split "
			    "the records before", option, s->pointer);
	}
	return 0;
}

int
nested_list_parse(struct nested_list *l, const struct load_opts *o,
    const struct table_list *tables, struct err *e)
{
	*l = (struct nested_list){ 0 };
	if (o->nested.n == 0)
		return 0;
	if (tables->n + o->nested.n > TABLES_MAX)
		return err_set(e, ERR_USAGE, false, "--tables and --nested "
		    "name more than %d tables", TABLES_MAX);
	if ((l->v = calloc(o->nested.n, sizeof(*l->v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < o->nested.n; i++) {
		const char *option = o->nested.v[i];

		if (parse_nested(&l->v[l->n++], option, tables,
		    e) == -1 || check_apart(l, i, option, e) == -1)
			return -1;
	}
	return 0;
}

void
nested_list_release(struct nested_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].table);
	free(l->v);
	*l = (struct nested_list){ 0 };
}

int
nested_set_pointers(const struct nested_list *l, size_t parent,
    struct load_opts *o, struct err *e)
{
	o->nested_at = (struct opt_list){ 0 };
	if (l->n == 0)
		return 0;
	if ((o->nested_at.v = calloc(l->n, sizeof(*o->nested_at.v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].parent == parent)
			o->nested_at.v[o->nested_at.n++] = l->v[i].pointer;
	return 0;
}

static bool
is_word_of_extra(const char *extra)
{
	return strcmp(extra, "reject") == 0 || strcmp(extra, "ignore") == 0 ||
	    strcmp(extra, "error") == 0;
}

void
nested_set_options(const struct nested_table *t, const struct load_opts *parent,
    struct load_opts *o)
{
	*o = *parent;
	o->table = t->table;
	o->mode = "append";
	o->key = o->compare = o->touch = o->seen = o->columns = NULL;
	o->table_from = NULL;
	if (o->extra != NULL && !is_word_of_extra(o->extra))
		o->extra = NULL;
	o->map = o->nested = o->nested_at = (struct opt_list){ 0 };
}
