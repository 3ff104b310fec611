#include "table/table_list.h"

#include "base/errval.h"
#include "json/pointer.h"
#include "table/name_list.h"

#include <stdlib.h>
#include <string.h>

int
table_list_check(const struct load_opts *o, struct err *e)
{
	const struct { bool broken; const char *message; } rules[] = {
		{ o->table != NULL && o->tables.n > 0,
		    "--table and --tables exclude each other: name all tables "
		    "with --tables" },
		{ o->table == NULL && o->tables.n == 0 && o->undo == NULL,
		    "--table NAME is missing; for several tables give --tables "
		    "and --table-from" },
		{ o->tables.n > 0 && o->table_from == NULL,
		    "--tables needs --table-from and the JSON Pointer of the "
		    "value that names a record's table" },
		{ o->tables.n == 0 && o->table_from != NULL,
		    "--table-from needs --tables and the tables that records "
		    "may name" },
		{ o->tables.n > 0 && o->key != NULL,
		    "--key cannot be used with --tables, which gives each "
		    "table its own key: NAME=TABLE:KEY+KEY" },
		{ o->tables.n > 0 &&
		    (o->keep_before || o->emit != NULL || o->undo != NULL),
		    "--keep-before, --emit and --undo are for one table: they "
		    "cannot be used with --tables" },
		{ o->tables.n > 0 && o->create,
		    "--create makes one table, that of --table: make the "
		    "tables of --tables with --ddl" },
		{ o->tables.n > 0 && o->evolve,
		    "--evolve is for one table: it cannot be used with "
		    "--tables" },
		{ o->table_from != NULL && (*o->table_from != '/' ||
		    !pointer_is_valid(o->table_from)),
		    "--table-from needs a JSON Pointer such as /type" },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].broken)
			return err_set(
			    e, ERR_USAGE, false, "%s", rules[i].message);
	return 0;
}

size_t
table_list_span(const char *p, const char *ends)
{
	bool quoted = false;
	size_t n = 0;

	for (; p[n] != '\0' && (quoted || strchr(ends, p[n]) == NULL); n++)
		quoted ^= p[n] == '"';
	return n;
}

/* True if more characters follow the closing double quote of a quoted NAME. */
static bool
has_tail(const char *name, size_t len)
{
	if (*name != '"')
		return false;
	for (size_t i = 1; i + 1 < len; i++)
		if (name[i] == '"' && name[++i] != '"')
			return true;
	return false;
}

/* `key` is a list "a,b". */
static bool
has_empty_name(const char *key)
{
	const char *name;
	size_t len;

	while (name_list_next(&key, &name, &len))
		if (len == 0)
			return true;
	return false;
}

void
table_list_unquote(char *name)
{
	size_t to = 0;

	if (*name != '"')
		return;
	for (size_t i = 1; name[i] != '\0'; i++) {
		if (name[i] == '"' && name[++i] == '\0')
			break;
		name[to++] = name[i];
	}
	name[to] = '\0';
}

/* Copies KEY+KEY as "KEY,KEY". */
static int
copy_key(struct listed_table *t, const char *key, size_t len, struct err *e)
{
	if ((t->key = strndup(key, len)) == NULL)
		return err_nomem(e);
	for (size_t i = 0; t->key[i] != '\0'; i++)
		if (t->key[i] == '+')
			t->key[i] = ',';
	return 0;
}

static int
copy_names(struct listed_table *t, const char *name, size_t name_len,
    const char *table, size_t table_len, struct err *e)
{
	t->name = strndup(name, name_len);
	t->table = strndup(table, table_len);
	if (t->name == NULL || t->table == NULL)
		return err_nomem(e);
	table_list_unquote(t->name);
	t->len = strlen(t->name);
	return 0;
}

static int
fail_entry(const char *entry, struct err *e)
{
	return err_set(e, ERR_USAGE, false, "--tables %s: write NAME=TABLE or "
	    "NAME=TABLE:KEY+KEY, with commas between the tables", entry);
}

/* Parses the entry at *p, NAME=TABLE or NAME=TABLE:KEY, and adds it to the
 * list. Moves *p to the next entry or to the end. */
static int
add_entry(struct table_list *l, const char **p, struct err *e)
{
	const char *name = *p;
	size_t name_len = table_list_span(name, "=,"), len;
	const char *table = name + name_len + 1, *end;
	struct listed_table *t = &l->v[l->n];

	if (name_len == 0 || name[name_len] != '=' ||
	    has_tail(name, name_len) ||
	    (len = table_list_span(table, ":,")) == 0)
		return fail_entry(name, e);
	l->n++;         /* table_list_release() frees what was copied */
	if (copy_names(t, name, name_len, table, len, e) == -1)
		return -1;
	end = table + len;
	if (*end == ':') {
		end += 1 + strcspn(end + 1, ",");
		if (copy_key(t, table + len + 1,
			(size_t)(end - table) - len - 1, e) == -1)
			return -1;
		if (has_empty_name(t->key))
			return fail_entry(name, e);
		l->keyed = true;
	}
	for (size_t i = 0; i + 1 < l->n; i++)
		if (strcmp(l->v[i].name, t->name) == 0)
			return err_set(e, ERR_USAGE, false,
			    "--tables: the name %s is given twice", t->name);
	*p = *end == ',' ? end + 1 : end;
	return *end == ',' && end[1] == '\0' ? err_set(e, ERR_USAGE, false,
	    "--tables %s: no table follows the last comma", name) : 0;
}

int
table_list_parse(
    struct table_list *l, const struct load_opts *o, struct err *e)
{
	*l = (struct table_list){ 0 };
	if ((l->v = calloc(TABLES_MAX, sizeof(*l->v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < o->tables.n; i++) {
		const char *p = o->tables.v[i];

		do {
			if (l->n == TABLES_MAX)
				return err_set(e, ERR_USAGE, false, "--tables "
				    "names more than %d tables", TABLES_MAX);
			if (add_entry(l, &p, e) == -1)
				return -1;
		} while (*p != '\0');
	}
	return 0;
}

void
table_list_release(struct table_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].table);
		free(l->v[i].key);
	}
	free(l->v);
	*l = (struct table_list){ 0 };
}

static bool
has_name(const struct listed_table *t, const char *name, size_t len)
{
	return t->len == len && memcmp(t->name, name, len) == 0;
}

size_t
table_list_find(const struct table_list *l, const char *name, size_t len,
    size_t first)
{
	size_t i = 0;

	if (first < l->n && has_name(&l->v[first], name, len))
		return first;
	while (i < l->n && !has_name(&l->v[i], name, len))
		i++;
	return i;
}
