#include "spec.h"

#include "base/buf.h"
#include "base/errval.h"
#include "base/opt.h"
#include "base/text.h"
#include "json/pointer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPEND, UPSERT, IGNORE, DELETE_INSERT, REPLACE, MIRROR, CDC, SCD2,
	MODES, SCD2_CLOSING = MODES, ALL_MODES };

static const struct load_mode modes[ALL_MODES] = {
	[APPEND] = { .name = "append", .written_known = true },
	[UPSERT] = { .name = "upsert", .keyed = true, .updates = true,
		.repeatable = true, .written_known = true, .nests = true,
		.splits = true },
	[IGNORE] = { .name = "ignore", .keyed = true, .skips = true,
		.repeatable = true, .written_known = true, .splits = true },
	[DELETE_INSERT] = { .name = "delete-insert", .repeatable = true,
		.written_known = true, .complete = true, .by_scope = true,
		.removes = true },
	[REPLACE] = { .name = "replace", .repeatable = true, .complete = true,
		.written_known = true, .replaces = true, .removes = true },
	[MIRROR] = { .name = "mirror", .keyed = true, .updates = true,
		.repeatable = true, .written_known = true, .complete = true,
		.mirrors = true, .removes = true },
	[CDC] = { .name = "cdc", .keyed = true, .updates = true,
		.deletes = true, .changes = true },
	[SCD2] = { .name = "scd2", .keyed = true, .history = true },
	[SCD2_CLOSING] = { .name = "scd2 --missing close", .keyed = true,
		.history = true, .complete = true, .mirrors = true,
		.removes = true },
};

/* Without --mode, the mode is upsert if --key is given, else append. */
static int
choose_mode(const struct load_mode **mode, const struct load_opts *o,
    struct err *e)
{
	const char *names[MODES + 1] = { NULL };
	int found = o->key != NULL ? UPSERT : APPEND;

	for (int i = 0; i < MODES; i++)
		names[i] = modes[i].name;
	if (o->mode != NULL)
		found = suggest_choice("--mode", o->mode, names, e);
	if (found == -1)
		return -1;
	if (found == SCD2 && o->missing != NULL)
		found = SCD2_CLOSING;
	*mode = &modes[found];
	return 0;
}

struct rule {
	bool broken;
	const char *message;
};

static int
check_rules(const struct rule *rules, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].broken)
			return err_set(
			    e, ERR_USAGE, false, "%s", rules[i].message);
	return 0;
}

static int
check_row_options(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	const struct rule rules[] = {
		{ o->key != NULL && !m->keyed,
		    "--key needs --mode upsert, ignore, mirror, cdc "
		    "or scd2" },
		{ o->strict && !m->changes, "--strict needs --mode cdc" },
		{ o->key == NULL && m->history,
		    "--mode scd2 needs --key and the columns whose values "
		    "identify what the rows describe" },
		{ !m->history && (o->as_of != NULL || o->valid_from != NULL ||
		    o->valid_to != NULL || o->current != NULL),
		    "--as-of, --valid-from, --valid-to and --current need "
		    "--mode scd2" },
		{ o->missing != NULL && !m->history,
		    "--missing needs --mode scd2" },
		{ o->seen != NULL && m->skips,
		    "--seen cannot be used with --mode ignore, which never "
		    "changes an existing row" },
		{ o->replay_over && (m->complete ||
		    (!m->updates && !m->history)),
		    "--replay-over needs --key, or --mode upsert, cdc or "
		    "scd2, which write rows that exist" },
		{ o->compare != NULL && !m->updates && !m->history,
		    "--compare needs --key, or --mode upsert or another mode "
		    "that updates rows" },
		{ o->newer_by != NULL && m->changes,
		    "--newer-by cannot be used with --mode cdc, which applies "
		    "changes in the order in which they come" },
		{ o->newer_by != NULL && m->history,
		    "--newer-by cannot be used with --mode scd2, which inserts "
		    "a late record at its place in the history: give --as-of" },
		{ o->newer_by != NULL && !m->updates,
		    "--newer-by needs --key, or --mode upsert or another mode "
		    "that updates rows" },
	};

	return check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

/* Checks the options about the rows that the table has before the load. */
static int
check_old_options(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	const struct rule rules[] = {
		{ o->scope != NULL && !m->by_scope,
		    "--scope needs --mode delete-insert" },
		{ o->scope == NULL && m->by_scope,
		    "--mode delete-insert needs --scope and the columns whose "
		    "values say which rows the load replaces" },
		{ o->scope_values.n > 0 && !m->by_scope,
		    "--scope-value needs --mode delete-insert" },
		{ o->complete && !m->complete,
		    "--complete needs --mode delete-insert, --mode replace, "
		    "--mode mirror or --missing close" },
		{ o->replace_by != NULL && !m->replaces,
		    "--replace-by needs --mode replace" },
		{ o->max_deletes != NULL && !m->mirrors,
		    "--max-deletes needs --mode mirror or --missing close" },
		{ o->delete_despite_rejects && !m->mirrors && !m->by_scope,
		    "--delete-despite-rejects needs --mode delete-insert, "
		    "--mode mirror or --missing close" },
		{ o->soft_delete != NULL && !m->deletes &&
		    (!m->mirrors || m->history),
		    "--soft-delete needs --mode mirror or --mode cdc" },
		{ o->allow_empty && !m->replaces && !m->by_scope,
		    "--allow-empty needs --mode replace or "
		    "--mode delete-insert" },
		{ (o->keep_before || o->emit != NULL) && m->replaces,
		    "--keep-before and --emit cannot be used with --mode "
		    "replace: use --mode mirror, which changes only the rows "
		    "that differ" },
		{ (o->keep_before || o->emit != NULL) && o->evolve,
		    "--keep-before and --emit cannot be used with --evolve: "
		    "rows of a table that was altered cannot be compared" },
		{ o->emit != NULL && o->plan,
		    "--emit cannot be used with --plan, which loads nothing" },
	};

	return check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

static int
check_connections(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	bool several = o->connections > 1;
	const struct rule rules[] = {
		{ o->connections < 1 || o->connections > CONNECTIONS_MAX,
		    "--connections: the value must be a number from 1 to 16" },
		{ several && !m->splits,
		    "--connections needs --key and --mode upsert or ignore: "
		    "only these modes may load the records of different keys "
		    "at the same time" },
		{ several && o->single,
		    "--connections cannot be used with --single-transaction: "
		    "each connection commits by itself" },
		{ several && o->expect.n > 0,
		    "--connections cannot be used with --expect, which needs "
		    "one transaction: each connection commits by itself" },
		{ several && o->table_from != NULL,
		    "--connections cannot be used with --table-from, which "
		    "loads all tables in one transaction: each connection "
		    "commits by itself" },
		{ several && (o->keep_before || o->emit != NULL),
		    "--connections cannot be used with --keep-before and "
		    "--emit, which need one transaction: each connection "
		    "commits by itself" },
		{ several && o->evolve,
		    "--connections cannot be used with --evolve, which alters "
		    "the table between two tries of a batch" },
	};

	return check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

/* --nested works only with --mode upsert. Other modes delete rows, leave them
 * alone or keep them as history; the rows of --nested would have to be treated
 * in the same way. */
static int
check_nested(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	const struct rule rules[] = {
		{ !m->nests,
		    "--nested needs --mode upsert, which is the default with "
		    "--key: the other modes cannot keep the rows of --nested "
		    "in step with the rows that they belong to" },
		{ o->newer_by != NULL,
		    "--nested cannot be used with --newer-by: the elements of "
		    "a record that is not newer would replace those of the "
		    "newer row" },
		{ o->connections > 1,
		    "--nested cannot be used with --connections: both tables "
		    "need one transaction, and each connection commits by "
		    "itself" },
		{ o->keep_before || o->emit != NULL,
		    "--nested cannot be used with --keep-before and --emit, "
		    "which know the changes of one table only" },
		{ o->evolve,
		    "--nested cannot be used with --evolve: alter the tables "
		    "before the load" },
	};

	return o->nested.n == 0 ? 0 :
	    check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

static int
check_replace_by(const struct load_opts *o, struct err *e)
{
	static const char *const words[] = { "delete", "truncate", NULL };

	return o->replace_by == NULL ? 0 :
	    suggest_choice("--replace-by", o->replace_by, words, e);
}

static int
check_missing(const struct load_opts *o, struct err *e)
{
	static const char *const words[] = { "close", NULL };

	return o->missing == NULL ? 0 :
	    suggest_choice("--missing", o->missing, words, e);
}

static int
check_max_deletes(const struct load_opts *o, struct err *e)
{
	struct limit l;

	return o->max_deletes == NULL ? 0 :
	    limit_parse(&l, "--max-deletes", o->max_deletes, e);
}

bool
load_mode_swaps(const struct load_mode *m, const struct load_opts *o)
{
	return m->replaces && o->replace_by == NULL;
}

bool
load_mode_truncates(const struct load_opts *o)
{
	return o->replace_by != NULL && strcmp(o->replace_by, "truncate") == 0;
}

int
load_mode_choose(const struct load_mode **mode, const struct load_opts *o,
    struct err *e)
{
	if (choose_mode(mode, o, e) == -1 ||
	    check_row_options(*mode, o, e) == -1 ||
	    check_old_options(*mode, o, e) == -1 ||
	    check_connections(*mode, o, e) == -1 ||
	    check_nested(*mode, o, e) == -1)
		return -1;
	return check_replace_by(o, e) == -1 || check_missing(o, e) == -1 ||
	    check_max_deletes(o, e) == -1 ? -1 : 0;
}

static const char *const extra_words[] = {
	[EXTRA_REJECT] = "reject", [EXTRA_IGNORE] = "ignore",
	[EXTRA_ERROR] = "error"
};
static const char *const bytes_words[] = { "hex", "base64", NULL };

/* The name of the column ends at the first "=/". */
static const char *
find_pointer(const char *map)
{
	const char *p = strstr(map, "=/");

	return p == NULL || p == map ? NULL : p + 1;
}

int
mapping_check(const struct load_opts *o, struct err *e)
{
	const char *p;

	for (size_t i = 0; i < o->map.n; i++)
		if ((p = find_pointer(o->map.v[i])) == NULL ||
		    !pointer_is_valid(p))
			return err_set(e, ERR_USAGE, false, "--map %s: write "
			    "COLUMN=POINTER, with a JSON Pointer such as "
			    "/address/city", o->map.v[i]);
	return o->bytes == NULL ? 0 :
	    suggest_choice("--bytes", o->bytes, bytes_words, e) == -1 ?
	    -1 : 0;
}

/* Fails if the database generates the column and refuses any other value for
 * it. It accepts other values for an identity column. */
static int
check_generated(const struct table *t, const char *option, size_t column,
    struct err *e)
{
	const struct column *c = &t->columns[column];

	return !c->generated || c->identity ? 0 :
	    err_set(e, ERR_CONFIG, false, "%s: column \"%s\" of table %s is "
	    "generated by the database: name another column",
	    option, c->name, t->name);
}

/* Marks the columns that --columns names. */
static int
mark_named(struct mapping *m, const struct table *t, const char *list,
    struct err *e)
{
	const char *name;
	size_t len, c;

	while (name_list_next(&list, &name, &len)) {
		if (option_find_column(
			t, "--columns", name, len, &c, e) == -1 ||
		    check_generated(t, "--columns", c, e) == -1)
			return -1;
		if (m->named[c])
			return err_set(e, ERR_CONFIG, false, "--columns: "
			    "column \"%s\" is named twice",
			    t->columns[c].name);
		m->named[c] = true;
	}
	return 0;
}

/* Stores the pointer that an argument of --map gives a column. */
static int
set_pointer(struct mapping *m, const struct table *t, const char *map,
    struct err *e)
{
	const char *pointer = find_pointer(map);
	unsigned parts = pointer_count(pointer);
	size_t c;

	if (option_find_column(t, "--map", map, (size_t)(pointer - 1 - map), &c,
	    e) == -1 || check_generated(t, "--map", c, e) == -1)
		return -1;
	if (m->pointer[c] != NULL)
		return err_set(e, ERR_CONFIG, false,
		    "--map: column \"%s\" is named twice", t->columns[c].name);
	m->pointer[c] = pointer;
	m->named[c] = true;
	m->nmapped++;
	if (parts > JSON_LEVELS_ALL)
		parts = JSON_LEVELS_ALL;
	if (parts > m->levels)
		m->levels = parts;
	return 0;
}

static int
set_extra_column(struct mapping *m, const struct table *t, const char *name,
    struct err *e)
{
	const struct column *c;
	size_t i;

	if (option_find_column(t, "--extra", name, strlen(name), &i, e) == -1 ||
	    check_generated(t, "--extra", i, e) == -1)
		return -1;
	c = &t->columns[i];
	if (m->pointer[i] != NULL)
		return err_set(e, ERR_CONFIG, false, "--extra and --map name "
		    "the same column: name two different columns");
	if (c->kind != COLUMN_JSON && c->kind != COLUMN_TEXT &&
	    *c->type != '\0')
		return err_set(e, ERR_CONFIG, false, "--extra: column \"%s\" "
		    "of table %s has the type %s: the members that no column "
		    "takes need a JSON or text column", c->name, t->name,
		    c->type);
	m->extra_column = (int)i;
	m->named[i] = true;
	return 0;
}

/* Returns what --extra says. */
static enum extra
get_extra(const struct load_opts *o)
{
	int i = EXTRA_REJECT;

	if (o->extra == NULL)
		return EXTRA_REJECT;
	while (i < EXTRA_COLUMN && strcmp(o->extra, extra_words[i]) != 0)
		i++;
	return (enum extra)i;
}

bool
mapping_has_extra(const struct load_opts *o)
{
	return get_extra(o) == EXTRA_COLUMN;
}

static int
set_extra(struct mapping *m, const struct table *t, const struct load_opts *o,
    struct err *e)
{
	m->extra = get_extra(o);
	return m->extra == EXTRA_COLUMN ?
	    set_extra_column(m, t, o->extra, e) : 0;
}

static int
compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->len == 0 ? 0 : memcmp(x->name, y->name, x->len);
}

const struct member *
mapping_find_member(const struct mapping *m, const char *name, size_t len)
{
	const struct member wanted = { .name = (char *)(uintptr_t)name,
		.len = len };

	return bsearch(&wanted, m->members, m->nmembers, sizeof(wanted),
	    compare_members);
}

/* Returns the first part of a JSON Pointer, decoded: a/b for /a~1b/c. */
static char *
copy_first_part(const char *pointer)
{
	size_t n = strcspn(pointer + 1, "/"), at = 0;
	char *name = strndup(pointer + 1, n);

	for (size_t i = 0; name != NULL && i < n; i++, at++) {
		name[at] = name[i];
		if (name[i] == '~')
			name[at] = name[++i] == '0' ? '~' : '/';
	}
	if (name != NULL)
		name[at] = '\0';
	return name;
}

/* Finds the entry of m->members for the first part of the pointer, or adds one
 * if no column has this name, and marks it as mapped. */
static int
add_first_name(struct mapping *m, const char *pointer, struct err *e)
{
	bool whole = pointer_count(pointer) == 1;
	char *name = copy_first_part(pointer);
	struct member *found = NULL;

	if (name == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < m->nmembers && found == NULL; i++)
		if (strcmp(m->members[i].name, name) == 0)
			found = &m->members[i];
	if (found != NULL) {
		free(name);
	} else {
		found = &m->members[m->nmembers++];
		*found = (struct member){ .name = name, .len = strlen(name),
			.column = SIZE_MAX };
	}
	found->mapped = true;
	found->mapped_whole |= whole;
	return 0;
}

/* In --mode cdc the row is an object inside the record, for example `data`.
 * Returns the pointer of --table-from as seen from this object (/type for
 * /data/type), or NULL if it points to another place of the record. In other
 * modes returns the pointer itself. */
static const char *
find_table_from(const struct load_opts *o)
{
	static const char *const rows[] = { "/data/", "/after/", "/before/" };
	const char *p = o->table_from;

	if (p == NULL || o->mode == NULL || strcmp(o->mode, "cdc") != 0)
		return p;
	if (strncmp(p, "/payload/", 9) == 0)
		p += 8;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(p, rows[i], strlen(rows[i])) == 0)
			return p + strlen(rows[i]) - 1;
	return NULL;
}

/* The members are sorted by name. */
static int
make_members(struct mapping *m, const struct table *t,
    const struct load_opts *o, struct err *e)
{
	const char *table_from = find_table_from(o);

	m->nmembers = 0;
	m->members = calloc(t->n + m->nmapped + o->nested_at.n + 2,
	    sizeof(*m->members));
	if (m->members == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < t->n; i++) {
		struct member *p = &m->members[m->nmembers];

		*p = (struct member){ .name = strdup(t->columns[i].name),
			.len = strlen(t->columns[i].name), .column = i };
		if (p->name == NULL)
			return err_nomem(e);
		m->nmembers++;
	}
	for (size_t i = 0; i < t->n; i++)
		if (m->pointer[i] != NULL &&
		    add_first_name(m, m->pointer[i], e) == -1)
			return -1;
	if (table_from != NULL &&
	    add_first_name(m, table_from, e) == -1)
		return -1;
	for (size_t i = 0; i < o->nested_at.n; i++)
		if (add_first_name(m, o->nested_at.v[i], e) == -1)
			return -1;
	qsort(m->members, m->nmembers, sizeof(*m->members), compare_members);
	return 0;
}

int
mapping_open(struct mapping *m, const struct table *t,
    const struct load_opts *o, struct err *e)
{
	*m = (struct mapping){ .levels = 1, .extra_column = -1,
		.only_named = o->columns != NULL,
		.empty_as_null = o->empty_as_null,
		.base64 = o->bytes != NULL && strcmp(o->bytes, "base64") == 0 };
	m->pointer = calloc(t->n + 1, sizeof(*m->pointer));
	m->named = calloc(t->n + 1, sizeof(*m->named));
	if (m->pointer == NULL || m->named == NULL)
		return err_nomem(e);
	if (o->columns != NULL && mark_named(m, t, o->columns, e) == -1)
		return -1;
	for (size_t i = 0; i < o->map.n; i++)
		if (set_pointer(m, t, o->map.v[i], e) == -1)
			return -1;
	if (set_extra(m, t, o, e) == -1)
		return -1;
	m->sets_values = m->nmapped > 0 || m->extra == EXTRA_COLUMN ||
	    m->empty_as_null || m->base64;
	return make_members(m, t, o, e);
}

void
mapping_release(struct mapping *m)
{
	for (size_t i = 0; i < m->nmembers; i++)
		free(m->members[i].name);
	free(m->members);
	free(m->pointer);
	free(m->named);
	*m = (struct mapping){ .extra_column = -1 };
}

bool
mapping_loads(const struct mapping *m, const struct table *t, size_t column)
{
	return m->named[column] ||
	    (!m->only_named && !t->columns[column].generated);
}

static bool
is_empty_string(const struct json_tok *t)
{
	return t->type == JSON_STRING && t->len == 2;
}

void
mapping_null_empty(const struct mapping *m, struct json *row, uint32_t value)
{
	if (m->empty_as_null && value != 0 && is_empty_string(&row->tok[value]))
		row->tok[value].type = JSON_NULL;
}

uint32_t
mapping_find_value(const struct mapping *m, const struct table *t,
    struct json *row, size_t column)
{
	const char *name = t->columns[column].name;
	uint32_t v = 0;

	if (m->pointer[column] == NULL)
		v = json_member_value(row, 0, name, strlen(name));
	else if (!pointer_find(row, m->pointer[column], &v))
		v = 0;
	mapping_null_empty(m, row, v);
	return v;
}

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

/* Returns the length of the text before the first character of `ends`. Ignores
 * such characters in double quotes. */
static size_t
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

/* Removes the double quotes around a NAME. Inside the quotes "" stands for one
 * double quote. */
static void
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

bool
name_list_next(const char **list, const char **name, size_t *len)
{
	const char *p = *list;
	size_t n;

	if (p == NULL)
		return false;
	n = strcspn(p, ",");
	*list = p[n] == ',' ? p + n + 1 : NULL;
	*name = p;
	*len = n;
	return true;
}

static void
name_trim(const char **name, size_t *len)
{
	for (; *len > 0 && **name == ' '; (*len)--)
		(*name)++;
	while (*len > 0 && (*name)[*len - 1] == ' ')
		(*len)--;
}

bool
name_list_next_trimmed(const char **list, const char **name, size_t *len)
{
	bool has_next = name_list_next(list, name, len);

	if (has_next)
		name_trim(name, len);
	return has_next;
}

bool
name_list_has(const char *list, const char *name, size_t len)
{
	const char *p;
	size_t n;

	while (name_list_next_trimmed(&list, &p, &n))
		if (n == len && memcmp(p, name, n) == 0)
			return true;
	return false;
}

/* Returns false if the table has no column with exactly this name. */
static bool
find_exact(const struct table *t, const char *name, size_t len, size_t *column)
{
	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->columns[i].name) == len &&
		    memcmp(t->columns[i].name, name, len) == 0) {
			*column = i;
			return true;
		}
	return false;
}

static int
fail_no_column(const struct table *t, const char *option, const char *name,
    size_t len, struct err *e)
{
	char typed[64];
	struct suggestion near = { .typed = typed };

	(void)snprintf(typed, sizeof(typed), "%.*s", (int)len, name);
	for (size_t i = 0; i < t->n; i++)
		suggest_try(&near, t->columns[i].name);
	(void)err_set(e, ERR_CONFIG, false, "%s: table %s has no column "
	    "\"%.*s\"", option, t->name, (int)len, name);
	suggest_put(e, &near, "");
	return -1;
}

int
option_find_column(const struct table *t, const char *option, const char *name,
    size_t len, size_t *column, struct err *e)
{
	if (find_exact(t, name, len, column))
		return 0;
	name_trim(&name, &len);
	return find_exact(t, name, len, column) ? 0 :
	    fail_no_column(t, option, name, len, e);
}

/* Lets the database plan an INSERT, without executing it. */
static int
explain_insert(const struct table *t, struct db *db, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "EXPLAIN INSERT INTO %s DEFAULT VALUES", t->quoted);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_run(db, b.data, NULL, 0, NULL, e);
	buf_release(&b);
	return rc;
}

/* Fails if t is a view that cannot be loaded. A mode with a key cannot load a
 * view: the view may hide the row that has a record's key, and the database
 * does not say whether it has inserted or updated a row of a view. */
int
view_check(const struct table *t, const struct load_mode *mode, struct db *db,
    struct err *e)
{
	struct err why;

	if (!t->view)
		return 0;
	if (mode->keyed || mode->removes)
		return err_set(e, ERR_CONFIG, false, "%s is a view: the "
		    "database does not show all that --mode %s must know about "
		    "its rows: load the table under it, or use --mode append",
		    t->name, mode->name);
	if (explain_insert(t, db, &why) == 0)
		return 0;
	if (why.transient || db_fault(db)->lost || why.code == ERR_DENIED) {
		*e = why;
		return -1;
	}
	return err_set(e, ERR_CONFIG, false, "%s is a view that takes no rows "
	    "(%s): make a trigger INSTEAD OF INSERT for it, or load the table "
	    "under it", t->name, why.msg);
}
