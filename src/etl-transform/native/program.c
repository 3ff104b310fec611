#include "native/program.h"

#include "engine/filter_directive.h"
#include "native/parser.h"
#include "native/resolve.h"

#include "base/text.h"

#include <string.h>

enum { PROGRAM_MEMORY = 8 << 20 };

/* Skips the imports of the module etl at the start of the text, and appends the
 * name of each import and "::" to `prefixes`. Returns the text after them, or
 * NULL if there is another directive. */
static const char *
skip_imports(const char *text, struct buf *prefixes)
{
	struct directive d;

	while (directive_parse(directive_skip_space(text), &d)) {
		if (!directive_imports_etl(&d))
			return NULL;
		buf_add(prefixes, d.name, d.name_len);
		buf_str(prefixes, ":: ");
		text = d.end;
	}
	return text;
}

static const char *
find_unsupported(const struct engine_conf *c)
{
	if (c->dirs.n > 0)
		return "-L";
	if (c->duplicates)
		return "--duplicate-members last";
	for (size_t i = 0; i < c->nargs; i++)
		if (c->args[i].kind == ARG_TEXT && utf8_valid_length(
		    c->args[i].value, strlen(c->args[i].value)) !=
		    strlen(c->args[i].value))
			return "--arg with bytes that are not UTF-8";
	if (utf8_valid_length(c->text, strlen(c->text)) != strlen(c->text))
		return "a filter that is not UTF-8";
	return NULL;
}

/* Compiles the filter for the native engine. If the engine cannot run it, sets
 * the reason in lacks. */
static void
compile_native(struct compiled *p, const struct engine_conf *c,
    struct lacks *lacks)
{
	struct resolver r = { .program = p, .conf = c, .lacks = lacks };
	const char *option = find_unsupported(c), *text;
	const struct node *tree;
	struct buf prefixes;

	buf_init(&prefixes, UINT32_MAX);
	if (option != NULL)
		(void)lacks_set(lacks, NULL, option, strlen(option));
	else if ((text = skip_imports(c->text, &prefixes)) == NULL)
		(void)lacks_set(lacks, c->text, "import", 6);
	else if ((tree = parse_filter(&p->arena, text, lacks)) != NULL) {
		r.prefixes = buf_text(&prefixes);
		p->root = resolve_filter(&r, tree);
	}
	lacks->nomem |= prefixes.failed;
	buf_release(&prefixes);
}

int
program_compile(struct compiled *p, const struct engine_conf *c,
    struct lacks *lacks)
{
	*p = (struct compiled){ .slots = 0 };
	*lacks = (struct lacks){ .at = NULL };
	arena_init(&p->arena, PROGRAM_MEMORY);
	compile_native(p, c, lacks);
	if (p->root != NULL && lacks->what[0] == '\0' && !lacks->nomem)
		return 0;
	if (lacks->what[0] == '\0')
		(void)lacks_set(lacks, NULL, "memory", 6);
	compiled_release(p);
	return -1;
}

void
compiled_release(struct compiled *p)
{
	arena_release(&p->arena);
	p->root = NULL;
}
