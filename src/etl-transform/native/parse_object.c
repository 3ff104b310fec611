#include "native/parser_impl.h"

/* Parses the value of a member, after the colon: terms with | between them.
 * Here jq 1.6 allows these only inside ( ): `if`, `as`, and a `?` that does not
 * follow a path. */
static struct node *
parse_member_value(struct parser *p)
{
	struct node *left;

	p->depth++;
	left = p->depth < PARSER_DEPTH ? p->parse_term(p) :
	    parser_refuse_token(p);
	p->depth--;
	return parser_parse_pipe(p, left, parse_member_value);
}

static struct node *
parse_member_name(struct parser *p)
{
	struct node *n;

	if (p->lexer.kind == TOKEN_QUOTE)
		return parse_text(p);
	if (lexer_is(&p->lexer, "(")) {
		lexer_next(&p->lexer);
		n = p->parse_pipe(p);
		if (n == NULL || !parser_expect(p, ")"))
			return NULL;
		/* If this name is a constant but not a string, as in {(1): 2},
		 * libjq refuses the filter. */
		p->lacks->doubtful |= parser_may_fold(n);
		return lexer_is(&p->lexer, ":") ? n : parser_refuse_token(p);
	}
	if (p->lexer.kind != TOKEN_NAME && p->lexer.kind != TOKEN_VARIABLE)
		return parser_refuse_token(p);
	n = parser_new_text(p, p->lexer.p, p->lexer.n);
	lexer_next(&p->lexer);
	return n;
}

/* Returns the value of a member that is only a name: {a} means {a: .a}, and
 * {$a} means {a: $a}. */
static struct node *
make_short_value(struct parser *p, struct node *name, bool variable)
{
	struct node *n =
	    parser_new_node(p, variable ? NODE_VARIABLE : NODE_INDEX);

	if (n == NULL)
		return NULL;
	n->at = name->at;
	if (variable) {
		n->name = name->value.u.text;
		n->len = name->value.n;
		return n;
	}
	n->b = name;
	n->a = parser_new_node(p, NODE_INPUT);
	return n->a != NULL ? n : NULL;
}

static bool
parse_member(struct parser *p, struct parts *parts)
{
	bool variable = p->lexer.kind == TOKEN_VARIABLE;
	bool keyword = (variable || p->lexer.kind == TOKEN_NAME) &&
	    parser_is_keyword(p);
	struct node *name = parse_member_name(p), *value;

	if (name == NULL)
		return false;
	if (!lexer_is(&p->lexer, ":")) {
		p->lacks->doubtful |= keyword;
		value = make_short_value(p, name, variable);
	} else if (variable) {
		return parser_refuse_token(p) != NULL;
	} else {
		lexer_next(&p->lexer);
		value = parse_member_value(p);
	}
	return parser_add_part(p, parts, name) &&
	    parser_add_part(p, parts, value);
}

/* Parses an object. The current token is its opening brace. */
struct node *
parse_object(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_OBJECT);
	struct parts parts = { .n = 0 };

	lexer_next(&p->lexer);
	if (n == NULL)
		return NULL;
	while (!lexer_is(&p->lexer, "}")) {
		if (!parse_member(p, &parts))
			return NULL;
		if (lexer_is(&p->lexer, "}"))
			break;
		if (!parser_expect(p, ","))
			return NULL;
	}
	n->parts = parts.v;
	n->n = parts.n;
	return parser_expect(p, "}") ? n : NULL;
}
