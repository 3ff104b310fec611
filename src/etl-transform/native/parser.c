#include "native/parser_impl.h"

struct operator {
	const char *sign;
	uint8_t kind, op;
};

/* A level of operators with the same precedence. Operators of a later level
 * bind more tightly. `groups` tells what a - b - c means: LEFT is (a - b) - c;
 * NONE: the operator may not follow itself. */
struct level {
	struct operator v[7];
	enum { LEFT, RIGHT, NONE } groups;
};

static const struct level levels[] = {
	{ { { ",", NODE_COMMA, 0 } }, LEFT },
	{ { { "//", NODE_DEFAULT, 0 } }, RIGHT },
	{ { { "=", NODE_SET, OP_SET }, { "|=", NODE_SET, OP_UPDATE },
	    { "+=", NODE_SET, OP_ADD }, { "-=", NODE_SET, OP_SUBTRACT },
	    { "*=", NODE_SET, OP_MULTIPLY }, { "/=", NODE_SET, OP_DIVIDE },
	    { "//=", NODE_SET, OP_DEFAULT } }, NONE },
	{ { { "or", NODE_OR, 0 } }, LEFT },
	{ { { "and", NODE_AND, 0 } }, LEFT },
	{ { { "==", NODE_BINARY, OP_EQUAL }, { "!=", NODE_BINARY, OP_UNEQUAL },
	    { "<", NODE_BINARY, OP_LESS }, { "<=", NODE_BINARY, OP_LESS_EQUAL },
	    { ">", NODE_BINARY, OP_GREATER },
	    { ">=", NODE_BINARY, OP_GREATER_EQUAL } }, NONE },
	{ { { "+", NODE_BINARY, OP_ADD }, { "-", NODE_BINARY, OP_SUBTRACT } },
	    LEFT },
	{ { { "*", NODE_BINARY, OP_MULTIPLY }, { "/", NODE_BINARY, OP_DIVIDE },
	    { "%", NODE_BINARY, OP_REMAINDER } }, LEFT },
};

enum { LEVELS = sizeof(levels) / sizeof(levels[0]), LEVEL_MULTIPLY = 7 };

/* Finds the operator of this level that is the current token. */
static const struct operator *
find_operator(const struct parser *p, const struct level *l)
{
	for (const struct operator *o = l->v;
	     o < l->v + sizeof(l->v) / sizeof(l->v[0]) && o->sign != NULL; o++)
		if (lexer_is(&p->lexer, o->sign))
			return o;
	return NULL;
}

static struct node *parse_pipe(struct parser *p);
static struct node *parse_level(struct parser *p, size_t level);

/* Parses an operand, perhaps after a minus sign. The minus sign has the
 * precedence of + and - between operands: -a * b means -(a * b). */
static struct node *
parse_operand(struct parser *p)
{
	struct node *n;

	if (!lexer_is(&p->lexer, "-"))
		return parse_form(p);
	if ((n = parser_new_node(p, NODE_NEGATE)) == NULL)
		return NULL;
	lexer_next(&p->lexer);
	if (lexer_is(&p->lexer, "-"))
		return parser_refuse_token(p);
	n->a = parse_level(p, LEVEL_MULTIPLY);
	return n->a != NULL ? n : NULL;
}

static struct node *
parse_level(struct parser *p, size_t level)
{
	const struct level *l = &levels[level];
	const struct operator *o;
	struct node *left, *n;

	if (level == LEVELS)
		return parse_operand(p);
	left = parse_level(p, level + 1);
	while (left != NULL && (o = find_operator(p, l)) != NULL) {
		if ((n = parser_new_node(p, (enum node_kind)o->kind)) == NULL)
			return NULL;
		lexer_next(&p->lexer);
		n->op = o->op;
		n->a = left;
		n->b = parse_level(p, l->groups == RIGHT ? level : level + 1);
		if (n->b == NULL)
			return NULL;
		left = n;
		/* libjq computes constants such as 1 / 0 when it compiles, and
		 * may refuse the filter. */
		if (n->op == OP_DIVIDE || n->op == OP_REMAINDER)
			p->lacks->doubtful |= parser_may_fold(n);
		if (l->groups == NONE && find_operator(p, l) != NULL)
			return parser_refuse_token(p);
	}
	return left;
}

static bool
parse_parameters(struct parser *p, struct node *def)
{
	struct parts parts = { .n = 0 };
	struct node *n;

	if (!lexer_is(&p->lexer, "("))
		return true;
	do {
		lexer_next(&p->lexer);
		if (p->lexer.kind != TOKEN_NAME &&
		    p->lexer.kind != TOKEN_VARIABLE)
			return parser_refuse_token(p) != NULL;
		n = parser_new_node(p, p->lexer.kind == TOKEN_VARIABLE ?
		    NODE_VARIABLE : NODE_CALL);
		if (!parser_add_part(p, &parts, n))
			return false;
		parser_note_keyword(p);
		n->name = p->lexer.p;
		n->len = p->lexer.n;
		lexer_next(&p->lexer);
	} while (lexer_is(&p->lexer, ";"));
	def->parts = parts.v;
	def->n = parts.n;
	return parser_expect(p, ")");
}

/* def name(parameters): body; rest */
static struct node *
parse_define(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_DEFINE);

	if (n == NULL)
		return NULL;
	lexer_next(&p->lexer);
	if (p->lexer.kind != TOKEN_NAME)
		return parser_refuse_token(p);
	parser_note_keyword(p);
	n->name = p->lexer.p;
	n->len = p->lexer.n;
	lexer_next(&p->lexer);
	if (!parse_parameters(p, n) || !parser_expect(p, ":") ||
	    (n->a = parse_pipe(p)) == NULL || !parser_expect(p, ";"))
		return NULL;
	/* If no filter follows the last definition, the filter is the identity
	 * (.). */
	if (p->lexer.kind == TOKEN_END)
		n->b = parser_new_node(p, NODE_INPUT);
	else
		n->b = parse_pipe(p);
	return n->b != NULL ? n : NULL;
}

static struct node *
parse_expression(struct parser *p)
{
	if (lexer_is(&p->lexer, "def"))
		return parse_define(p);
	return parser_parse_pipe(p, parse_level(p, 0), parse_pipe);
}

static struct node *
parse_pipe(struct parser *p)
{
	struct node *n;

	if (p->depth == PARSER_DEPTH)
		return lacks_set(p->lacks, p->lexer.at, "so deep a nesting",
		    17);
	p->depth++;
	n = parse_expression(p);
	p->depth--;
	return n;
}

struct node *
parse_filter(struct arena *a, const char *text, struct lacks *lacks)
{
	struct parser p = {
		.arena = a, .lacks = lacks,
		.parse_pipe = parse_pipe, .parse_term = parse_term
	};
	struct node *n;

	lexer_start(&p.lexer, text);
	if (p.lexer.kind == TOKEN_END) {        /* only comments */
		lacks->doubtful = true;
		return parser_new_node(&p, NODE_INPUT);
	}
	n = parse_pipe(&p);
	if (n != NULL && p.lexer.kind != TOKEN_END)
		return parser_refuse_token(&p);
	return n;
}
