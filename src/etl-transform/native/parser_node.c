#include "native/parser_impl.h"

#include <string.h>

/* Notes the current token in p->lacks: the parser does not accept it here.
 * Returns NULL. */
struct node *
parser_refuse_token(struct parser *p)
{
	if (p->lexer.kind == TOKEN_END)
		return lacks_set(p->lacks, p->lexer.at, "this form", 9);
	return lacks_set(p->lacks, p->lexer.at, p->lexer.at,
	    (size_t)(p->lexer.end - p->lexer.at));
}

static void *
parser_set_nomem(struct parser *p)
{
	p->lacks->nomem = true;
	return lacks_set(p->lacks, NULL, "memory", 6);
}

struct node *
parser_new_node(struct parser *p, enum node_kind kind)
{
	struct node *n = arena_get(p->arena, sizeof(*n));

	if (n == NULL)
		return parser_set_nomem(p);
	*n = (struct node){ .kind = (uint8_t)kind, .at = p->lexer.at };
	return n;
}

struct node *
parser_new_text(struct parser *p, const char *text, size_t n)
{
	struct node *x = parser_new_node(p, NODE_CONSTANT);

	if (x != NULL)
		x->value = value_string(text, n);
	return x;
}

struct node *
parser_parse_pipe(struct parser *p, struct node *left,
    struct node *(*parse_right)(struct parser *p))
{
	struct node *n;

	if (left == NULL || !lexer_is(&p->lexer, "|"))
		return left;
	if ((n = parser_new_node(p, NODE_PIPE)) == NULL)
		return NULL;
	lexer_next(&p->lexer);
	n->a = left;
	n->b = parse_right(p);
	return n->b != NULL ? n : NULL;
}

bool
parser_is_keyword(const struct parser *p)
{
	static const char *const keywords[] = { "and", "or", "def", "then",
		"elif", "else", "end", "as", "import", "include", "module",
		"reduce", "foreach", "catch", "label", "break", "__loc__",
		"if", "try" };

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (strlen(keywords[i]) == p->lexer.n &&
		    memcmp(keywords[i], p->lexer.p, p->lexer.n) == 0)
			return true;
	return false;
}

void
parser_note_keyword(struct parser *p)
{
	p->lacks->doubtful |= parser_is_keyword(p);
}

static bool
may_fold_in_pipe(const struct node *n)
{
	return n->kind == NODE_INPUT || parser_may_fold(n);
}

bool
parser_may_fold(const struct node *n)
{
	switch ((enum node_kind)n->kind) {
	case NODE_CONSTANT:
	case NODE_OBJECT:
	case NODE_DEFINE:
		return true;
	case NODE_ARRAY:
		return n->a == NULL || parser_may_fold(n->a);
	case NODE_NEGATE:
		return parser_may_fold(n->a);
	case NODE_COMMA:
	case NODE_BINARY:
		return parser_may_fold(n->a) && parser_may_fold(n->b);
	case NODE_PIPE:
		return may_fold_in_pipe(n->a) && may_fold_in_pipe(n->b);
	default:
		return false;
	}
}

bool
parser_expect(struct parser *p, const char *sign)
{
	if (!lexer_is(&p->lexer, sign)) {
		(void)parser_refuse_token(p);
		return false;
	}
	lexer_next(&p->lexer);
	return true;
}

bool
parser_add_part(struct parser *p, struct parts *parts, struct node *part)
{
	size_t cap = parts->cap > 0 ? parts->cap * 2 : 8;
	struct node **v;

	if (part == NULL)
		return false;
	if (parts->n == parts->cap) {
		v = arena_get(p->arena, cap * sizeof(struct node *));
		if (v == NULL)
			return parser_set_nomem(p) != NULL;
		if (parts->n > 0)
			memcpy(v, parts->v, parts->n * sizeof(struct node *));
		parts->v = v;
		parts->cap = cap;
	}
	parts->v[parts->n++] = part;
	return true;
}
