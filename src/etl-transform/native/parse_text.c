#include "native/parser_impl.h"

#include "base/text.h"
#include "json/name.h"

#include <string.h>

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
struct node *
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
