/* Splits the text of a filter into tokens.
 * Borrows: the text, which ends in a NUL.
 * Gives:   lexer_next() moves to the next token. Of a string the lexer reads
 *          only the opening quote; the parser reads the rest. */
#ifndef TRANSFORM_LEXER_H
#define TRANSFORM_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,             /* f, etl::f, also keywords */
	TOKEN_FIELD,            /* .a; p is after the dot */
	TOKEN_VARIABLE,         /* $a; p is after the $ */
	TOKEN_NUMBER,
	TOKEN_QUOTE,
	TOKEN_SIGN,             /* an operator or bracket */
	TOKEN_UNKNOWN
};

struct lexer {
	enum token_kind kind;
	const char *p;          /* the token */
	size_t n;
	const char *at;         /* where the token begins, for messages */
	const char *end;        /* where the next token is searched */
};

void lexer_start(struct lexer *l, const char *text);
void lexer_next(struct lexer *l);
bool lexer_is(const struct lexer *l, const char *sign_or_keyword);

#endif
