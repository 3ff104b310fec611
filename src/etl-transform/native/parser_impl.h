/* Shared by parser.c (operators), parse_term.c (terms), parse_text.c (strings),
 * parse_object.c and parser_node.c (what all need).
 * Gives: each function reads one construct from p->lexer on and returns its
 *        node, or NULL with p->lacks. */
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
	/* The parts of a filter that hold all others: parse_term.c and the
	 * files that it uses call parser.c by these. */
	struct node *(*parse_pipe)(struct parser *p);
	struct node *(*parse_term)(struct parser *p);
};

/* A list of nodes that grows while it is read. */
struct parts {
	struct node **v;
	size_t n, cap;
};

struct node *parse_term(struct parser *p);
struct node *parse_postfix(struct parser *p);
struct node *parse_text(struct parser *p);
struct node *parse_object(struct parser *p);

struct node *parser_node(struct parser *p, enum node_kind kind);
struct node *parser_lacks(struct parser *p);
/* Returns true if the current token is a keyword of jq, also after $. */
bool parser_is_keyword(const struct parser *p);
/* If the current token, a name, is a keyword, notes that libjq may refuse it:
 * jq's versions do not agree where a keyword may be a name. */
void parser_doubt_keyword(struct parser *p);
/* Returns true if libjq may compute n when it compiles the filter. */
bool parser_may_fold(const struct node *n);
bool parser_skip(struct parser *p, const char *sign);
bool parser_add_part(
    struct parser *p, struct parts *parts, struct node *part);
/* Returns `left` or, if the next token is "|", a pipe of `left` and of what
 * parse_right() reads after this token. */
struct node *parser_pipe(struct parser *p, struct node *left,
    struct node *(*parse_right)(struct parser *p));
struct node *parser_text_constant(
    struct parser *p, const char *text, size_t n);

#endif
