#include "native/native.h"

#include "base/text.h"
#include "json/name.h"
#include "number/numbers.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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

static void lexer_next(struct lexer *l);

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

static void
lexer_start(struct lexer *l, const char *text)
{
	*l = (struct lexer){ .end = text };
	lexer_next(l);
}

static void
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

static bool
lexer_is(const struct lexer *l, const char *word)
{
	return (l->kind == TOKEN_SIGN || l->kind == TOKEN_NAME) &&
	    strlen(word) == l->n && memcmp(l->p, word, l->n) == 0;
}

enum { PARSER_DEPTH = 64 };

struct parser {
	struct lexer lexer;
	struct arena *arena;
	struct lacks *lacks;
	unsigned int depth;
	/* parse_pipe() parses a whole filter, and parse_term() a term. The
	 * other functions of the parser call them by these pointers. */
	struct node *(*parse_pipe)(struct parser *p);
	struct node *(*parse_term)(struct parser *p);
};

/* A list of nodes that the parser appends to. */
struct parts {
	struct node **v;
	size_t n, cap;
};

static bool parser_may_fold(const struct node *n);

/* Notes the current token in p->lacks: the parser does not accept it here.
 * Returns NULL. */
static struct node *
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

static struct node *
parser_new_node(struct parser *p, enum node_kind kind)
{
	struct node *n = arena_get(p->arena, sizeof(*n));

	if (n == NULL)
		return parser_set_nomem(p);
	*n = (struct node){ .kind = (uint8_t)kind, .at = p->lexer.at };
	return n;
}

static struct node *
parser_new_text(struct parser *p, const char *text, size_t n)
{
	struct node *x = parser_new_node(p, NODE_CONSTANT);

	if (x != NULL)
		x->value = value_string(text, n);
	return x;
}

/* If the next token is "|", returns the pipe of `left` and of the node that
 * parse_right() parses after it. Otherwise returns `left`. */
static struct node *
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

/* Returns true if the current token is a keyword of jq, such as `if`. A
 * variable named like a keyword, such as $if, counts too. */
static bool
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

/* If the current token, which is used as a name here, is a keyword of jq, sets
 * lacks->doubtful: only some versions of jq allow this. */
static void
parser_note_keyword(struct parser *p)
{
	p->lacks->doubtful |= parser_is_keyword(p);
}

static bool
may_fold_in_pipe(const struct node *n)
{
	return n->kind == NODE_INPUT || parser_may_fold(n);
}

/* Returns true if n is a constant expression, such as 1 / 0. libjq may compute
 * it already when it compiles the filter (constant folding). */
static bool
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

/* Skips the token `sign`. Refuses any other token and returns false. */
static bool
parser_expect(struct parser *p, const char *sign)
{
	if (!lexer_is(&p->lexer, sign)) {
		(void)parser_refuse_token(p);
		return false;
	}
	lexer_next(&p->lexer);
	return true;
}

static bool
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

/* The parser reads a string of the filter from `at` on. It has decoded n bytes
 * of the string into `text`. */
struct reading {
	const char *at;
	char *text;
	size_t n;
};

/* Decodes \uXXXX. Refuses half of a surrogate pair. */
static bool
decode_unicode(struct parser *p, struct reading *r)
{
	unsigned int cp;

	if (strspn(r->at + 2, "0123456789abcdefABCDEF") < 4)
		return parser_refuse_token(p) != NULL;
	r->at += escape_decode(r->at, &cp);
	if (cp >= 0xd800 && cp <= 0xdfff)
		return lacks_set(p->lacks, r->at, "half of a surrogate pair",
		    24) != NULL;
	r->n += utf8_encode(r->text + r->n, cp);
	return true;
}

static bool
read_escape(struct parser *p, struct reading *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (r->at[1] == 'u')
		return decode_unicode(p, r);
	if (r->at[1] == '\0' || (letter = strchr(from, r->at[1])) == NULL)
		return lacks_set(p->lacks, r->at, r->at, 1) != NULL;
	r->text[r->n++] = to[letter - from];
	r->at += 2;
	return true;
}

/* Reads the string from *at up to its closing quote or to the next \(, and
 * moves *at there. */
static struct node *
parse_literal(struct parser *p, const char **at)
{
	struct reading r = { .at = *at };
	size_t max = 0;

	while ((*at)[max] != '\0' && (*at)[max] != '"')
		max += (*at)[max] == '\\' && (*at)[max + 1] != '\0' ? 2 : 1;
	if ((r.text = arena_get(p->arena, max + 1)) == NULL)
		return parser_new_text(p, NULL, 0);
	while (*r.at != '"' && strncmp(r.at, "\\(", 2) != 0) {
		if (*r.at == '\0')
			return parser_refuse_token(p);
		if (*r.at != '\\')
			r.text[r.n++] = *r.at++;
		else if (!read_escape(p, &r))
			return NULL;
	}
	*at = r.at;
	return parser_new_text(p, r.text, r.n);
}

/* Parses a string. The current token is its opening quote. */
static struct node *
parse_text(struct parser *p)
{
	struct node *n = parser_new_node(p, NODE_TEXT);
	const char *at = p->lexer.end;
	struct parts parts = { .n = 0 };

	if (n == NULL || !parser_add_part(p, &parts, parse_literal(p, &at)))
		return NULL;
	while (*at == '\\') {
		p->lexer.end = at + 2;
		lexer_next(&p->lexer);
		if (!parser_add_part(p, &parts, p->parse_pipe(p)))
			return NULL;
		if (!lexer_is(&p->lexer, ")"))
			return parser_refuse_token(p);
		at = p->lexer.end;
		if (!parser_add_part(p, &parts, parse_literal(p, &at)))
			return NULL;
	}
	p->lexer.end = at + 1;
	lexer_next(&p->lexer);
	if (parts.n == 1)
		return parts.v[0];
	n->parts = parts.v;
	n->n = parts.n;
	return n;
}

static struct node *parse_term(struct parser *p);

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
static struct node *
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

static struct node *parse_form(struct parser *p);

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

static struct node *
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

/* Parses `if`, `try`, `reduce`, `foreach`, or a term that `as` or `?` may
 * follow. */
static struct node *
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
