#include "filter_env.h"

#include <ctype.h>
#include <string.h>

enum { NESTING = 256 };

struct lexer {
	const char *p, *end;
	char open[NESTING];     /* brackets, and '"' for a string */
	size_t depth;
	char before;            /* last character of the token before, or 0 */
	bool after_def;         /* that token is the word def */
};

static bool
is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* At "::", as in module::name. */
static bool
is_module_separator(const struct lexer *l)
{
	return l->end - l->p > 2 && l->p[0] == ':' && l->p[1] == ':' &&
	    is_name(l->p[2]);
}

static char
innermost(const struct lexer *l)
{
	if (l->depth == 0)
		return '\0';
	return l->open[l->depth - 1];
}

/* False if the text is nested too deeply. */
static bool
enter(struct lexer *l, char c)
{
	if (l->depth == NESTING)
		return false;
	l->open[l->depth++] = c;
	return true;
}

static void
leave(struct lexer *l)
{
	if (l->depth > 0)
		l->depth--;
}

/* In a string: to its end, or into a \(...) in it. */
static bool
skip_string(struct lexer *l)
{
	while (l->p < l->end) {
		char c = *l->p++;

		if (c == '"') {
			leave(l);
			return true;
		}
		if (c != '\\' || l->p == l->end)
			continue;
		if (*l->p++ == '(')
			return enter(l, '(');
	}
	return false;
}

static char
next_character(const struct lexer *l)
{
	const char *p = l->p;

	while (p < l->end && isspace((unsigned char)*p))
		p++;
	if (p == l->end)
		return '\0';
	return *p;
}

/* A name in an object that is a key, as in {env: 1} and {env}. */
static bool
is_key(const struct lexer *l)
{
	return innermost(l) == '{' && (l->before == '{' || l->before == ',') &&
	    strchr(":,}", next_character(l)) != NULL;
}

/* Reads a name. True if it is env or $ENV. */
static bool
read_name(struct lexer *l)
{
	const char *start = l->p;
	bool defined = l->after_def;
	size_t n;

	while (l->p < l->end && (is_name(*l->p) || is_module_separator(l)))
		l->p += is_name(*l->p) ? 1 : 2;
	n = (size_t)(l->p - start);
	l->after_def = n == 3 && memcmp(start, "def", 3) == 0;
	if (n != 3 || l->before == '.' || defined)
		return false;
	if (l->before == '$')
		return memcmp(start, "ENV", 3) == 0;
	return memcmp(start, "env", 3) == 0 && !is_key(l);
}

static bool
read_other(struct lexer *l)
{
	char c = *l->p++;

	if (c == '#') {
		while (l->p < l->end && *l->p != '\n')
			l->p++;
		return true;
	}
	if (strchr("([{\"", c) != NULL && !enter(l, c))
		return false;
	if (strchr(")]}", c) != NULL)
		leave(l);
	if (!isspace((unsigned char)c)) {
		l->before = c;
		l->after_def = false;
	}
	return true;
}

bool
filter_reads_env(const char *text, size_t n)
{
	struct lexer l = { .p = text, .end = text + n };

	while (l.p < l.end) {
		if (innermost(&l) == '"') {
			if (!skip_string(&l))
				return false;
			l.before = '"';
		} else if (is_name(*l.p)) {
			if (read_name(&l))
				return true;
			l.before = 'a';
		} else if (!read_other(&l)) {
			return false;
		}
	}
	return false;
}
