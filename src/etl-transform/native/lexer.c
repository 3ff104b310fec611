#include "native/lexer.h"

#include <string.h>

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
skip_name(const char *p)
{
	while (is_letter(*p) || is_digit(*p))
		p++;
	return p;
}

/* Skips white space and comments. Returns NULL at a comment that ends in a
 * backslash: the versions of jq disagree about where it ends. */
static const char *
skip_blank_text(const char *p)
{
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p != '#')
			return p;
		p += strcspn(p, "\n");
		if (p[-1] == '\\' || (p[-1] == '\r' && p[-2] == '\\'))
			return NULL;
	}
}

static void
set_token(struct lexer *l, enum token_kind kind, const char *p, const char *end)
{
	l->kind = kind;
	l->p = p;
	l->n = (size_t)(end - p);
	l->end = end;
}

static void
set_name_token(struct lexer *l, const char *p)
{
	const char *end = skip_name(p);

	while (end[0] == ':' && end[1] == ':' && is_letter(end[2]))
		end = skip_name(end + 2);
	set_token(l, TOKEN_NAME, p, end);
}

static void
set_number_token(struct lexer *l, const char *p)
{
	const char *end = p + strspn(p, "0123456789");
	enum token_kind kind = TOKEN_NUMBER;

	if (end[0] == '.' && is_digit(end[1]))
		end += 1 + strspn(end + 1, "0123456789");
	if (*end == '.' || is_letter(*end))
		kind = TOKEN_UNKNOWN;
	set_token(l, kind, p, end);
}

/* Sets the token of a sign. If no sign begins here, the token is unknown. */
static void
set_sign_token(struct lexer *l, const char *p)
{
	static const char *const signs[] = { "?//", "//=", "!=", "==", "//",
		"|=", "+=", "-=", "*=", "/=", "%=", "<=", ">=", "..",
		".", "?", "=", ";", ",", ":", "|", "+", "-", "*", "/", "%",
		"$", "<", ">", "(", ")", "[", "]", "{", "}" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t n = strlen(signs[i]);

		if (strncmp(p, signs[i], n) == 0) {
			set_token(l, TOKEN_SIGN, p, p + n);
			return;
		}
	}
	set_token(l, TOKEN_UNKNOWN, p, p + 1);
}

void
lexer_start(struct lexer *l, const char *text)
{
	*l = (struct lexer){ .end = text };
	lexer_next(l);
}

void
lexer_next(struct lexer *l)
{
	const char *p = skip_blank_text(l->end);

	l->at = p != NULL ? p : l->end;
	if (p == NULL)
		set_token(l, TOKEN_UNKNOWN, l->end, l->end);
	else if (*p == '\0')
		set_token(l, TOKEN_END, p, p);
	else if (is_letter(*p))
		set_name_token(l, p);
	else if (is_digit(*p))
		set_number_token(l, p);
	else if (*p == '"')
		set_token(l, TOKEN_QUOTE, p, p + 1);
	else if (*p == '.' && is_letter(p[1]))
		set_token(l, TOKEN_FIELD, p + 1, skip_name(p + 1));
	else if (*p == '$' && is_letter(p[1]))
		set_token(l, TOKEN_VARIABLE, p + 1, skip_name(p + 1));
	else
		set_sign_token(l, p);
}

bool
lexer_is(const struct lexer *l, const char *word)
{
	return (l->kind == TOKEN_SIGN || l->kind == TOKEN_NAME) &&
	    strlen(word) == l->n && memcmp(l->p, word, l->n) == 0;
}
