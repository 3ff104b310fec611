#include "sql/sql_text.h"

#include <ctype.h>
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

void
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
