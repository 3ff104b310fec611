/* Shared by parser.c (operators), parse_term.c (terms), parse_text.c (strings),
 * parse_object.c, and parser_node.c (helpers of all these files).
 * Gives: each function parses one construct, beginning at the current token of
 *        p->lexer, and returns its node, or NULL with p->lacks. */
#ifndef TRANSFORM_PARSER_IMPL_H
#define TRANSFORM_PARSER_IMPL_H

#include "native/lexer.h"
#include "native/parser.h"

enum { PARSER_DEPTH = 64 };

struct parser {
	struct lexer lexer;
	struct arena *arena;
	struct lacks *lacks;
	unsigned int depth;
	/* parse_pipe() parses a whole filter, and parse_term() a term. The
	 * other files call them by these pointers, because files may not need
	 * each other in a circle (tests/lint/circles.t). */
	struct node *(*parse_pipe)(struct parser *p);
	struct node *(*parse_term)(struct parser *p);
};

/* A list of nodes that the parser appends to. */
struct parts {
	struct node **v;
	size_t n, cap;
};

struct node *parse_term(struct parser *p);
/* Parses `if`, `try`, `reduce`, `foreach`, or a term that `as` or `?` may
 * follow. */
struct node *parse_form(struct parser *p);
struct node *parse_text(struct parser *p);
struct node *parse_object(struct parser *p);

struct node *parser_new_node(struct parser *p, enum node_kind kind);
struct node *parser_refuse_token(struct parser *p);
/* Returns true if the current token is a keyword of jq, such as `if`. A
 * variable named like a keyword, such as $if, counts too. */
bool parser_is_keyword(const struct parser *p);
/* If the current token, which is used as a name here, is a keyword of jq, sets
 * lacks->doubtful: only some versions of jq allow this. */
void parser_note_keyword(struct parser *p);
/* Returns true if n is a constant expression, such as 1 / 0. libjq may compute
 * it already when it compiles the filter (constant folding). */
bool parser_may_fold(const struct node *n);
/* Skips the token `sign`. Refuses any other token and returns false. */
bool parser_expect(struct parser *p, const char *sign);
bool parser_add_part(
    struct parser *p, struct parts *parts, struct node *part);
/* If the next token is "|", returns the pipe of `left` and of the node that
 * parse_right() parses after it. Otherwise returns `left`. */
struct node *parser_parse_pipe(struct parser *p, struct node *left,
    struct node *(*parse_right)(struct parser *p));
struct node *parser_new_text(struct parser *p, const char *text, size_t n);

#endif
