#include "sql/sql_columns.h"

#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "db/table.h"
#include "json/write.h"
#include "stream/lines.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
sql_text_init(struct sql_text *t)
{
	*t = (struct sql_text){ 0 };
	buf_init(&t->sql, SIZE_MAX / 4);
}

void
sql_text_release(struct sql_text *t)
{
	buf_release(&t->sql);
}

/* True if the byte can be part of a name or keyword of SQL. Each byte of a
 * character outside of ASCII can. */
static bool
is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' ||
	    (unsigned char)c >= 0x80;
}

/* Returns the length of the text in quotes at p. A doubled quote does not end
 * the text. If `escapes` is set (E'...'), a quote after a backslash does not
 * end it either. */
static size_t
quoted_length(const char *p, bool escapes)
{
	char quote = *p;
	size_t n = 1;

	for (; p[n] != '\0'; n++) {
		if ((escapes && p[n] == '\\' && p[n + 1] != '\0') ||
		    (p[n] == quote && p[n + 1] == quote))
			n++;
		else if (p[n] == quote)
			return n + 1;
	}
	return n;
}

/* Returns the length of the comment at p. PostgreSQL nests comments: an inner
 * comment does not end the outer one. */
static size_t
comment_length(const char *p)
{
	size_t n = 2, depth = 1;

	while (p[n] != '\0' && depth > 0) {
		if (strncmp(p + n, "/*", 2) == 0)
			depth++;
		else if (strncmp(p + n, "*/", 2) == 0)
			depth--;
		else {
			n++;
			continue;
		}
		n += 2;
	}
	return n;
}

/* Returns the length of the string at p if it is one in dollar quotes, such as
 * $$text$$ or $tag$text$tag$, else 0. */
static size_t
dollar_length(const char *p)
{
	size_t tag = 1, n;

	while (is_name_byte(p[tag]) && p[tag] != '$')
		tag++;
	if (p[tag++] != '$' || isdigit((unsigned char)p[1]))
		return 0;
	for (n = tag; p[n] != '\0'; n++)
		if (strncmp(p + n, p, tag) == 0)
			return n + tag;
	return n;
}

/* Returns the length of the token at p if it cannot contain a parameter: a
 * string, a quoted name, a comment, a name, or a cast (::). Returns 0 for other
 * text. */
static size_t
opaque_length(const char *p)
{
	size_t n = 0;

	if ((*p == 'e' || *p == 'E') && p[1] == '\'')
		return 1 + quoted_length(p + 1, true);
	if (*p == '\'' || *p == '"')
		return quoted_length(p, false);
	if (strncmp(p, "--", 2) == 0)
		return strcspn(p, "\r\n");
	if (strncmp(p, "/*", 2) == 0)
		return comment_length(p);
	if (*p == '$')
		return dollar_length(p);
	while (is_name_byte(p[n]))
		n++;
	if (strncmp(p, "::", 2) == 0)
		return 2 + strspn(p + 2, ":");
	return n;
}

/* Returns the length of the parameter at p, or 0 if there is none. Sets *place
 * to the field for its number N: the server gets $N in place of the
 * parameter. */
static size_t
parameter_length(struct sql_text *t, const char *p, int **place)
{
	*place = strncmp(p, ":since", 6) == 0 ? &t->since :
	    strncmp(p, ":until", 6) == 0 ? &t->until : NULL;
	return *place != NULL && !is_name_byte(p[6]) ? 6 : 0;
}

/* Appends the number of a parameter, such as $1. At its first use the parameter
 * gets the next number. */
static void
put_dollar_number(struct sql_text *t, int *place)
{
	if (*place == 0)
		*place = t->since + t->until + 1;
	buf_printf(&t->sql, "$%d    ", *place);
}

int
sql_text_replace(struct sql_text *t, const char *query, struct err *e)
{
	const char *p = query;
	size_t n;
	int *place;

	while (*p != '\0') {
		if ((n = parameter_length(t, p, &place)) > 0) {
			put_dollar_number(t, place);
			t->end = t->sql.len;
		} else if ((n = opaque_length(p)) > 0) {
			buf_add(&t->sql, p, n);
			if (strncmp(p, "--", 2) != 0 &&
			    strncmp(p, "/*", 2) != 0)
				t->end = t->sql.len;
		} else {
			t->has_numbered |=
			    *p == '$' && isdigit((unsigned char)p[1]);
			buf_char(&t->sql, *p);
			if (*p != ';' && !isspace((unsigned char)*p))
				t->end = t->sql.len;
			n = 1;
		}
		p += n;
	}
	(void)buf_text(&t->sql);
	return buf_check(&t->sql, e);
}

/* Finds the line and the column of the byte `at` of a text, both from 1.
 * Columns are counted in characters. */
static void
sql_text_position(const char *text, size_t at, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < at && text[i] != '\0'; i++) {
		if (text[i] == '\n') {
			*line += 1;
			*column = 1;
		} else if ((text[i + 1] & 0xc0) != 0x80)
			*column += 1;
	}
}

size_t
sql_text_offset(const char *text, int64_t n)
{
	size_t at = 0;

	for (; n > 1 && text[at] != '\0'; n--)
		do
			at++;
		while ((text[at] & 0xc0) == 0x80);
	return at;
}

enum { NAME_SHOWN = 64, NAMES_MAX = 64 << 20, PART = 64 << 10 };

bool
sql_query_used_memory(const struct sql_query *q)
{
	return memory_peak() > q->peak_before + q->most;
}

void
sql_row_begin(struct sql_row *r)
{
	hash_free(r->hash);
	r->hash = NULL;
	buf_clear(&r->text);
	r->is_too_long = false;
	r->bytes = r->hashed = 0;
	r->number++;
}

void
sql_row_release(struct sql_row *r)
{
	hash_free(r->hash);
	buf_release(&r->text);
}

void
sql_row_trim(struct sql_row *r)
{
	if (!r->is_too_long && r->text.len <= r->max)
		return;
	if (!r->is_too_long && (r->hash = hash_new()) == NULL)
		r->text.failed = true;
	r->is_too_long = true;
	if (r->text.failed)
		return;
	hash_add(r->hash, r->text.data + r->hashed, r->text.len - r->hashed);
	r->bytes += r->text.len - r->hashed;
	if (r->text.len > LINES_KEPT)
		r->text.len = LINES_KEPT;
	r->hashed = r->text.len;
}

void
sql_row_put_string(struct sql_row *r, const char *p, size_t n)
{
	struct buf *b = &r->text;

	for (size_t at = 0, part; at == 0 || at < n; at += part) {
		size_t from = b->len;

		part = n - at < PART ? n - at : PART;
		json_put_string(b, p + at, part);
		if (at > 0 && !b->failed) {     /* no quote between parts */
			memmove(b->data + from, b->data + from + 1,
			    b->len - from - 1);
			b->len--;
		}
		if (n == 0)
			break;
		b->len -= at + part < n && !b->failed;
		sql_row_trim(r);
	}
}

int
sql_row_refuse(const struct sql_row *r, const struct sql_query *q,
    struct err *e)
{
	return err_set(e, ERR_DATA, false, "row %llu, or a value that the "
	    "query needs for it, is longer than %llu bytes, twice "
	    "--max-record: leave it out or cut it in the query, or raise "
	    "--max-record", (unsigned long long)r->number,
	    (unsigned long long)q->most);
}

void
sql_columns_release(struct sql_columns *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->column[i].name);
		free(c->column[i].prefix);
	}
	free(c->column);
	*c = (struct sql_columns){ 0 };
}

/* Sets the name of column i, and the JSON text that is written before each of
 * its values. */
static int
set_column_name(struct sql_columns *c, size_t i, const char *name,
    struct err *e)
{
	struct sql_column *column = &c->column[i];
	struct buf b;
	int rc;

	if ((column->name = strdup(name)) == NULL) {
		(void)err_nomem(e);
		return -1;
	}
	buf_init(&b, NAMES_MAX);
	buf_char(&b, i == 0 ? '{' : ',');
	json_put_string(&b, name, strlen(name));
	buf_char(&b, ':');
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	column->prefix_len = b.len;
	column->prefix = b.data;
	return rc;
}

static int
refuse_same_name(const struct sql_columns *c, size_t i, struct err *e)
{
	const char *name = c->column[i].name;

	for (size_t k = 0; k < i; k++)
		if (strcmp(c->column[k].name, name) == 0)
			return err_set(e, ERR_CONFIG, false, "two columns have "
			    "the name %.*s: give one of them another name "
			    "with AS",
			    (int)text_cut_length(
				name, strlen(name), NAME_SHOWN), name);
	return 0;
}

/* Finds the column of --cursor-field. Fails if the result has no such
 * column. */
static int
set_cursor_column(struct sql_columns *c, const struct sql_query *q,
    struct err *e)
{
	c->cursor = c->n;
	for (size_t i = 0; i < c->n && q->cursor != NULL; i++)
		if (strcmp(c->column[i].name, q->cursor) == 0)
			c->cursor = i;
	if (q->cursor == NULL || c->cursor < c->n)
		return 0;
	return err_set(e, ERR_CONFIG, false, "no column of the result has the "
	    "name %.*s: check --cursor-field",
	    (int)text_cut_length(q->cursor, strlen(q->cursor), NAME_SHOWN),
	    q->cursor);
}

int
sql_columns_fill(struct sql_columns *c, size_t n,
    const char *(*name)(const void *from, size_t i), const void *from,
    const struct sql_query *q, struct err *e)
{
	const char *text;

	sql_columns_release(c);
	if (n == 0)
		return err_set(e, ERR_CONFIG, false, "the statement is not a "
		    "query: it returns no columns");
	if ((c->column = calloc(n, sizeof(*c->column))) == NULL)
		return err_nomem(e);
	for (c->n = 0; c->n < n; c->n++) {
		if ((text = name(from, c->n)) == NULL)
			return err_nomem(e);
		if (set_column_name(c, c->n, text, e) == -1 ||
		    refuse_same_name(c, c->n, e) == -1) {
			c->n++;
			return -1;
		}
	}
	return set_cursor_column(c, q, e);
}

void
sql_columns_put_types(struct buf *b, const struct sql_columns *c)
{
	char before = '{';

	for (size_t i = 0; i < c->n; i++) {
		const struct sql_column *k = &c->column[i];

		if (k->type[0] == '\0')
			continue;
		buf_char(b, before);
		buf_add(b, k->prefix + 1, k->prefix_len - 1);
		json_put_string(b, k->type, strlen(k->type));
		before = ',';
	}
	if (before == ',')
		buf_char(b, '}');
}

void
sql_column_set_numeric(struct sql_column *c, int precision, int scale)
{
	enum { DIGITS_MAX = 1000 };

	if (precision > 0 && precision <= DIGITS_MAX && scale >= 0 &&
	    scale <= precision)
		(void)snprintf(c->type, sizeof(c->type), "numeric(%d,%d)",
		    precision, scale);
	else
		(void)snprintf(c->type, sizeof(c->type), "numeric");
}

/* Leaves out rows whose cursor is NULL: the first run would reject them, and no
 * later run would read them. On PostgreSQL the operators have their schema:
 * another role may have created one for exactly the type of the column, which
 * may be a domain. */
void
sql_put_table_query(struct buf *b, const struct sql_query *q,
    const char *quoted_table, const char *collate, bool is_pg, bool since,
    bool until)
{
	struct buf column;
	const char *name;

	buf_printf(b, "SELECT * FROM %s", quoted_table);
	if (q->cursor == NULL)
		return;
	buf_init(&column, NAMES_MAX);
	db_append_quoted(&column, q->cursor, strlen(q->cursor));
	buf_str(&column, collate);
	name = buf_text(&column);
	if (since)
		buf_printf(b, " WHERE %s %s :since", name,
		    is_pg ? "OPERATOR(pg_catalog.>=)" : ">=");
	else
		buf_printf(b, " WHERE %s IS NOT NULL", name);
	if (until)
		buf_printf(b, " AND %s %s :until", name,
		    is_pg ? "OPERATOR(pg_catalog.<)" : "<");
	buf_printf(b, " ORDER BY %s", name);
	b->failed |= column.failed;
	buf_release(&column);
}

void
sql_put_null_query(struct buf *b, const struct sql_query *q,
    const char *quoted_table)
{
	buf_printf(b, "SELECT 1 FROM %s WHERE ", quoted_table);
	db_append_quoted(b, q->cursor, strlen(q->cursor));
	buf_str(b, " IS NULL LIMIT 1");
}

static void
put_quoted_part(struct buf *b, char *part, bool lower)
{
	for (char *p = part; lower && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	db_append_quoted(b, part, strlen(part));
}

int
sql_put_quoted_table(
    struct buf *b, const char *table, bool lower, struct err *e)
{
	struct table t = { .name = strdup(table) };
	int rc = t.name == NULL ? err_nomem(e) : table_split_name(&t, e);

	if (rc == -1 && e->code == ERR_CONFIG)
		err_prefix(e, "--table");
	if (rc == 0 && t.schema != NULL) {
		put_quoted_part(b, t.schema, lower);
		buf_char(b, '.');
	}
	if (rc == 0)
		put_quoted_part(b, t.base, lower);
	free(t.base);
	free(t.schema);
	free(t.name);
	(void)buf_text(b);
	return rc == -1 ? -1 : buf_check(b, e);
}

void
sql_warn_nulls(const struct sql_query *q)
{
	err_warnf("etl-extract", "--table %.200s: some rows have no value in "
	    "the column %.200s of --cursor-field: they are never read",
	    q->table, q->cursor);
}

int
sql_prefix_place(const struct sql_query *q, long at, struct err *e)
{
	unsigned line, column;

	if (q->table != NULL)
		err_prefix(e, "--table %.200s", q->table);
	else if (at < 0)
		err_prefix(e, "--query");
	else {
		sql_text_position(q->text, (size_t)at, &line, &column);
		err_prefix(e, "--query: line %u, column %u", line, column);
	}
	return -1;
}
