#include "native/parser_impl.h"

#include "number/numbers.h"

#include <string.h>

enum { DIGITS = 15 };           /* a double keeps so many */

static struct node *
parse_number(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_CONSTANT);
	bool fraction = memchr(p->lexer.p, '.', p->lexer.n) != NULL;

	if (n == NULL)
		return NULL;
	if (p->lexer.n > DIGITS)
		return parser_refuse_token(p);
	n->value = value_number(0);
	if (!numbers_is_canonical(p->lexer.p, p->lexer.n,
	    fraction ? JSON_FRACTION : 0, &n->value.u.number))
		n->value.form = VALUE_SPELLED;
	if (p->lexer.n > 1 && *p->lexer.p == '0')
		n->value.form = VALUE_SPELLED;
	lexer_next(&p->lexer);
	return n;
}

static struct node *
parse_parentheses(struct parser *p)
{
	struct node *n;

	lexer_next(&p->lexer);
	n = p->parse_pipe(p);
	return n != NULL && parser_expect(p, ")") ? n : NULL;
}

static struct node *
parse_array(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_ARRAY);

	lexer_next(&p->lexer);
	if (n == NULL || (!lexer_is(&p->lexer, "]") &&
	    (n->a = p->parse_pipe(p)) == NULL))
		return NULL;
	return parser_expect(p, "]") ? n : NULL;
}

static struct node *
parse_variable(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_VARIABLE);

	if (n == NULL)
		return NULL;
	parser_note_keyword(p);
	n->name = p->lexer.p;
	n->len = p->lexer.n;
	lexer_next(&p->lexer);
	if (lexer_is(&p->lexer, ":"))           /* $module::name */
		return parser_refuse_token(p);
	return n;
}

/* Called for a name without arguments. Makes a constant of null, false and
 * true, which are not calls. */
static void
make_constant(struct node *n)
{
	static const char *const names[] = { "null", "false", "true" };

	for (unsigned int i = 0; i < 3; i++)
		if (strlen(names[i]) == n->len &&
		    memcmp(names[i], n->name, n->len) == 0) {
			n->kind = NODE_CONSTANT;
			n->value = value_of_kind((enum value_kind)i);
		}
}

static struct node *
parse_call(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_CALL);
	struct parts parts = { .n = 0 };

	if (n == NULL)
		return NULL;
	n->name = p->lexer.p;
	n->len = p->lexer.n;
	lexer_next(&p->lexer);
	if (!lexer_is(&p->lexer, "(")) {
		make_constant(n);
		return n;
	}
	do {
		lexer_next(&p->lexer);
		if (!parser_add_part(p, &parts, p->parse_pipe(p)))
			return NULL;
	} while (lexer_is(&p->lexer, ";"));
	n->parts = parts.v;
	n->n = parts.n;
	return parser_expect(p, ")") ? n : NULL;
}

/* After `if` or `elif`. */
static struct node *
parse_if(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_IF);

	lexer_next(&p->lexer);
	if (n == NULL || (n->a = p->parse_pipe(p)) == NULL ||
	    !parser_expect(p, "then") ||
	    (n->b = p->parse_pipe(p)) == NULL)
		return NULL;
	if (lexer_is(&p->lexer, "elif")) {
		n->c = parse_if(p);
		return n->c != NULL ? n : NULL;
	}
	if (!parser_expect(p, "else") || (n->c = p->parse_pipe(p)) == NULL)
		return NULL;
	return parser_expect(p, "end") ? n : NULL;
}

static struct node *
parse_try(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_TRY);

	lexer_next(&p->lexer);
	if (n == NULL || (n->a = parse_form(p)) == NULL)
		return NULL;
	if (lexer_is(&p->lexer, "catch")) {
		/* libjq refuses `try .a?? catch`. */
		p->lacks->doubtful |= n->a->kind == NODE_TRY;
		lexer_next(&p->lexer);
		if ((n->b = parse_form(p)) == NULL)
			return NULL;
	}
	return lexer_is(&p->lexer, "?") ? parser_refuse_token(p) : n;
}

/* $name; other patterns are lacking. */
static bool
parse_as_variable(struct parser *p, struct node *n)
{
	if (!parser_expect(p, "as"))
		return false;
	if (p->lexer.kind != TOKEN_VARIABLE)
		return parser_refuse_token(p) != NULL;
	parser_note_keyword(p);
	n->name = p->lexer.p;
	n->len = p->lexer.n;
	lexer_next(&p->lexer);
	return true;
}

/* reduce and foreach */
static struct node *
parse_loop(struct parser *p, enum node_kind kind)
{
	struct node *n = parser_new_node(p, kind);

	lexer_next(&p->lexer);
	if (n == NULL || (n->a = parse_term(p)) == NULL ||
	    !parse_as_variable(p, n) || !parser_expect(p, "(") ||
	    (n->b = p->parse_pipe(p)) == NULL ||
	    !parser_expect(p, ";") ||
	    (n->c = p->parse_pipe(p)) == NULL)
		return NULL;
	if (kind == NODE_FOREACH && lexer_is(&p->lexer, ";")) {
		lexer_next(&p->lexer);
		if ((n->d = p->parse_pipe(p)) == NULL)
			return NULL;
	}
	return parser_expect(p, ")") ? n : NULL;
}

static struct node *
parse_field(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_INDEX);

	if (n == NULL || (n->a = parser_new_node(p, NODE_INPUT)) == NULL ||
	    (n->b = parser_new_text(p, p->lexer.p, p->lexer.n)) == NULL)
		return NULL;
	lexer_next(&p->lexer);
	return n;
}

/* Parses what begins with a dot: . alone, or ."a". */
static struct node *
parse_dot(struct parser *p)
{
	struct node *input = parser_new_node(p, NODE_INPUT), *n;

	lexer_next(&p->lexer);
	if (input == NULL || p->lexer.kind != TOKEN_QUOTE)
		return input;
	if ((n = parser_new_node(p, NODE_INDEX)) == NULL ||
	    (n->b = parse_text(p)) == NULL)
		return NULL;
	n->a = input;
	return n;
}

/* Parses a term without what may follow it: a suffix (.a, [0]) or `as`. */
static struct node *
parse_bare_term(struct parser *p)
{
	switch (p->lexer.kind) {
	case TOKEN_NUMBER:
		return parse_number(p);
	case TOKEN_QUOTE:
		return parse_text(p);
	case TOKEN_FIELD:
		return parse_field(p);
	case TOKEN_VARIABLE:
		return parse_variable(p);
	case TOKEN_NAME:
		return parser_is_keyword(p) ? parser_refuse_token(p) :
		    parse_call(p);
	default:
		if (lexer_is(&p->lexer, "."))
			return parse_dot(p);
		if (lexer_is(&p->lexer, "("))
			return parse_parentheses(p);
		if (lexer_is(&p->lexer, "["))
			return parse_array(p);
		if (lexer_is(&p->lexer, "{"))
			return parse_object(p);
		return parser_refuse_token(p);
	}
}

static bool
parse_slice_end(struct parser *p, struct node *n)
{
	lexer_next(&p->lexer);
	n->kind = NODE_SLICE;
	if (!lexer_is(&p->lexer, "]"))
		return (n->c = p->parse_pipe(p)) != NULL;
	return n->b != NULL || parser_refuse_token(p) != NULL;
}

/* Parses the rest of a suffix after the [ : an index, as in [0]; a slice, as in
 * [1:2]; or nothing, as in []. */
static bool
parse_brackets(struct parser *p, struct node *n)
{
	lexer_next(&p->lexer);
	if (lexer_is(&p->lexer, "]")) {
		n->kind = NODE_EACH;
	} else {
		if (!lexer_is(&p->lexer, ":") &&
		    (n->b = p->parse_pipe(p)) == NULL)
			return false;
		if (lexer_is(&p->lexer, ":") && !parse_slice_end(p, n))
			return false;
	}
	return parser_expect(p, "]");
}

static bool
parse_suffix(struct parser *p, struct node *n)
{
	if (lexer_is(&p->lexer, "["))
		return parse_brackets(p, n);
	if (p->lexer.kind == TOKEN_FIELD) {
		n->b = parser_new_text(p, p->lexer.p, p->lexer.n);
		lexer_next(&p->lexer);
	} else {
		lexer_next(&p->lexer);
		if (p->lexer.kind != TOKEN_QUOTE)
			return parser_refuse_token(p) != NULL;
		n->b = parse_text(p);
	}
	return n->b != NULL;
}

/* If a ? follows, makes the node optional and skips the ?. */
static void
set_optional(struct parser *p, struct node *n)
{
	if (!n->optional && lexer_is(&p->lexer, "?")) {
		n->optional = true;
		lexer_next(&p->lexer);
	}
}

struct node *
parse_term(struct parser *p)
{
	bool path = p->lexer.kind == TOKEN_FIELD || lexer_is(&p->lexer, ".");
	struct node *n = parse_bare_term(p), *outer;

	if (n != NULL && path && n->kind == NODE_INDEX)
		set_optional(p, n);
	while (n != NULL && (p->lexer.kind == TOKEN_FIELD ||
	    lexer_is(&p->lexer, "[") || lexer_is(&p->lexer, "."))) {
		if ((outer = parser_new_node(p, NODE_INDEX)) == NULL)
			return NULL;
		outer->a = n;
		if (!parse_suffix(p, outer))
			return NULL;
		set_optional(p, outer);
		n = outer;
	}
	return n;
}

/* TERM as $name | body */
static struct node *
parse_binding(struct parser *p, struct node *source)
{
	struct node *n = parser_new_node(p, NODE_BIND);

	if (n == NULL || !parse_as_variable(p, n) || !parser_expect(p, "|"))
		return NULL;
	n->a = source;
	n->b = p->parse_pipe(p);
	return n->b != NULL ? n : NULL;
}

/* Parses the ? after a term. Refuses another ?, a suffix or `as` after it,
 * because jq 1.6 and 1.7 disagree about these. */
static struct node *
parse_question_mark(struct parser *p, struct node *body)
{
	struct node *n;

	if (body == NULL || !lexer_is(&p->lexer, "?"))
		return body;
	if ((n = parser_new_node(p, NODE_TRY)) == NULL)
		return NULL;
	n->a = body;
	lexer_next(&p->lexer);
	if (lexer_is(&p->lexer, "?") || lexer_is(&p->lexer, "[") ||
	    lexer_is(&p->lexer, ".") || p->lexer.kind == TOKEN_FIELD ||
	    lexer_is(&p->lexer, "as"))
		return parser_refuse_token(p);
	return n;
}

struct node *
parse_form(struct parser *p)
{
	struct node *n;

	if (lexer_is(&p->lexer, "if"))
		n = parse_if(p);
	else if (lexer_is(&p->lexer, "try"))
		return parse_try(p);
	else if (lexer_is(&p->lexer, "reduce"))
		n = parse_loop(p, NODE_REDUCE);
	else if (lexer_is(&p->lexer, "foreach"))
		n = parse_loop(p, NODE_FOREACH);
	else if ((n = parse_term(p)) != NULL && lexer_is(&p->lexer, "as"))
		return parse_binding(p, n);
	else
		return parse_question_mark(p, n);
	/* After `if`, `reduce` and `foreach`, jq 1.6 allows a suffix, `?` or
	 * `as` only if ( ) are around the whole. */
	if (n != NULL && (lexer_is(&p->lexer, ".") ||
	    lexer_is(&p->lexer, "[") || lexer_is(&p->lexer, "?") ||
	    lexer_is(&p->lexer, "as") || p->lexer.kind == TOKEN_FIELD))
		return parser_refuse_token(p);
	return n;
}
