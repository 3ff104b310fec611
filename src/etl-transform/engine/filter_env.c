#include "filter_env.h"

#include <ctype.h>
#include <string.h>

enum { NESTING = 256 };

struct lexer {
	const char *p, *end;
	char open[NESTING];     /* brackets, and '"' for a string */
	size_t depth;
	char before;            /* last character of the token before, or 0 */
	bool after_def;         /* the token before is the word def */
};

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Returns true if the text continues with "::" and a name, as in
 * module::name. */
static bool
is_separator(const struct lexer *l)
{
	return l->end - l->p > 2 && l->p[0] == ':' && l->p[1] == ':' &&
	    is_word_char(l->p[2]);
}

static char
innermost_bracket(const struct lexer *l)
{
	if (l->depth == 0)
		return '\0';
	return l->open[l->depth - 1];
}

/* Stores an opening bracket. Returns false if the text is nested too deeply. */
static bool
push_bracket(struct lexer *l, char c)
{
	if (l->depth == NESTING)
		return false;
	l->open[l->depth++] = c;
	return true;
}

static void
pop_bracket(struct lexer *l)
{
	if (l->depth > 0)
		l->depth--;
}

/* Skips the text of a string literal of jq, up to its end or to the next \(,
 * which starts an expression inside the string. Returns false if the literal
 * does not end or is nested too deeply. */
static bool
skip_literal(struct lexer *l)
{
	while (l->p < l->end) {
		char c = *l->p++;

		if (c == '"') {
			pop_bracket(l);
			return true;
		}
		if (c != '\\' || l->p == l->end)
			continue;
		if (*l->p++ == '(')
			return push_bracket(l, '(');
	}
	return false;
}

static char
peek_nonblank(const struct lexer *l)
{
	const char *p = l->p;

	while (p < l->end && isspace((unsigned char)*p))
		p++;
	if (p == l->end)
		return '\0';
	return *p;
}

/* Returns true if the name that was just read is a key in an object, such as
 * env in {env: 1} and in {env}. Such a name is not a call of the function
 * env. */
static bool
is_object_key(const struct lexer *l)
{
	return innermost_bracket(l) == '{' &&
	       (l->before == '{' || l->before == ',') &&
	       strchr(":,}", peek_nonblank(l)) != NULL;
}

/* Skips the name that begins at l->p. Returns true if by this name the filter
 * reads the environment: the name is the variable $ENV or a call of the
 * function env. */
static bool
skip_env_name(struct lexer *l)
{
	const char *start = l->p;
	bool defined = l->after_def;
	size_t n;

	while (l->p < l->end && (is_word_char(*l->p) || is_separator(l)))
		l->p += is_word_char(*l->p) ? 1 : 2;
	n = (size_t)(l->p - start);
	l->after_def = n == 3 && memcmp(start, "def", 3) == 0;
	if (n != 3 || l->before == '.' || defined)
		return false;
	if (l->before == '$')
		return memcmp(start, "ENV", 3) == 0;
	return memcmp(start, "env", 3) == 0 && !is_object_key(l);
}

/* Skips a comment, or one character. Follows the brackets. Returns false if
 * they are nested too deeply. */
static bool
skip_other(struct lexer *l)
{
	char c = *l->p++;

	if (c == '#') {
		while (l->p < l->end && *l->p != '\n')
			l->p++;
		return true;
	}
	if (strchr("([{\"", c) != NULL && !push_bracket(l, c))
		return false;
	if (strchr(")]}", c) != NULL)
		pop_bracket(l);
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
		if (innermost_bracket(&l) == '"') {
			if (!skip_literal(&l))
				return false;
			l.before = '"';
		} else if (is_word_char(*l.p)) {
			if (skip_env_name(&l))
				return true;
			l.before = 'a';
		} else if (!skip_other(&l)) {
			return false;
		}
	}
	return false;
}
