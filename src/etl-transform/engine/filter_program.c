#include "engine/filter_program.h"

#include "engine/filter_directive.h"

#include "etl_module.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char tag_placeholder[] = "@TAG";
/* jq code that is inserted at the start of each function of the module etl, if
 * the user's filter may call debug too. A function of the module passes its
 * arguments to C with debug. Before them it passes the string "TAG:call", where
 * TAG is random, so that C does not take them for values that the user's filter
 * prints. */
static const char announce[] = "(\"@TAG:call\" | debug) as $_ | ";

/* Appends the jq code p[0..n) to b and replaces each "@TAG" in it by `tag`, the
 * random text with which the names of internal calls begin. */
static void
put_tagged(struct buf *b, const char *p, size_t n, const char *tag)
{
	const char *end = p + n, *at;

	while ((at = memmem(p, (size_t)(end - p), tag_placeholder,
	    sizeof(tag_placeholder) - 1)) != NULL) {
		buf_add(b, p, (size_t)(at - p));
		buf_str(b, tag);
		p = at + sizeof(tag_placeholder) - 1;
	}
	buf_add(b, p, (size_t)(end - p));
}

static bool
contains_name(const char *text, const char *name, size_t n)
{
	return memmem(text, strlen(text), name, n) != NULL;
}

/* Appends the definitions (def to_int: ...;) of those functions of the
 * module etl whose names occur in the filter. With a prefix x, from `import
 * "etl" as x`, the function is defined as x::to_int. */
static void
put_definitions(struct program *p, const struct engine_conf *c, const char *tag,
    const char *prefix, size_t len)
{
	const char *line = etl_module, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		const char *name = line + 4;
		size_t n = strcspn(name, "(:");

		if (!contains_name(c->text, name, n))
			continue;
		buf_str(&p->text, "def ");
		buf_add(&p->text, prefix, len);
		if (len > 0)
			buf_str(&p->text, "::");
		n = (size_t)(strstr(name, ": ") + 2 - name);
		buf_add(&p->text, name, n);
		if (p->may_call_debug)
			put_tagged(&p->text, announce, sizeof(announce) - 1,
			    tag);
		put_tagged(&p->text, name + n, (size_t)(end - name) - n, tag);
	}
}

/* Replaces jq's function modulemeta, which would read a file while the filter
 * runs. */
static const char no_modulemeta[] = "def modulemeta: error(\"modulemeta: a "
    "filter cannot read files\"); ";

bool
program_may_call_debug(const struct engine_conf *c)
{
	return c->dirs.n > 0 || contains_name(c->text, "debug", 5);
}

bool
program_may_use_zones(const struct engine_conf *c)
{
	static const char name[] = "to_timestamp";
	const char *p = c->text;

	while ((p = strstr(p, name)) != NULL) {
		p = directive_skip_space(p + sizeof(name) - 1);
		if (*p == '(')
			return true;
	}
	return false;
}

/* Appends the directive to the text for libjq. But an import of the module etl
 * is replaced by spaces, because libjq would search for a file etl.jq. Its line
 * ends are kept, so that libjq reports the right line numbers. */
static void
put_directive(struct program *p, const struct directive *d)
{
	if (!directive_imports_etl(d)) {
		buf_add(&p->text, d->start, (size_t)(d->end - d->start));
		return;
	}
	for (const char *q = d->start; q < d->end; q++)
		buf_char(&p->text, *q == '\n' ? '\n' : ' ');
}

int
program_build(struct program *p, const struct engine_conf *c,
    const char *tag, struct err *e)
{
	const char *start = c->text, *at;
	struct directive d;

	*p = (struct program){ .may_call_debug = program_may_call_debug(c) };
	buf_init(&p->text, UINT32_MAX);
	for (; directive_parse(directive_skip_space(start), &d);
	     start = d.end) {
		buf_add(&p->text, start, (size_t)(d.start - start));
		put_directive(p, &d);
	}
	p->at = p->text.len;
	for (at = c->text;
	     directive_parse(directive_skip_space(at), &d);
	     at = d.end)
		if (directive_imports_etl(&d))
			put_definitions(p, c, tag, d.name, d.name_len);
	if (c->std)
		put_definitions(p, c, tag, "", 0);
	if (contains_name(c->text, "modulemeta", 10))
		buf_str(&p->text, no_modulemeta);
	p->added = p->text.len - p->at;
	buf_str(&p->text, start);
	return buf_check(&p->text, e);
}

void
program_release(struct program *p)
{
	buf_release(&p->text);
}

/* Appends an error message of libjq, but not the spaces that libjq leaves at
 * the ends of its lines. */
static void
add_trimmed_lines(struct buf *b, const char *p, size_t n)
{
	for (const char *end = p + n; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *next = lf != NULL ? lf + 1 : end;
		const char *last = lf != NULL ? lf : end;

		while (lf != NULL && last > p && last[-1] == ' ')
			last--;
		buf_add(b, p, (size_t)(last - p));
		if (lf != NULL)
			buf_char(b, '\n');
		p = next;
	}
}

static bool
is_module_function(const char *name, size_t n)
{
	const char *line = etl_module, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (strcspn(line + 4, "(:") == n &&
		    memcmp(line + 4, name, n) == 0)
			return true;
	return false;
}

/* If msg, an error message of libjq, says that a function of the module etl is
 * not defined, appends the advice to give --std or to import the module. */
static void
add_import_hint(struct buf *out, const char *msg)
{
	const char *end = strstr(msg, " is not defined"), *name = end;
	size_t n;

	if (end == NULL)
		return;
	while (name > msg && !isspace((unsigned char)name[-1]))
		name--;
	if (strncmp(name, "etl::", 5) == 0)
		name += 5;
	n = strcspn(name, "/ ");
	if (name[n] == '/' && is_module_function(name, n))
		buf_printf(out, "\n%.*s is a function of the module etl: "
		    "give --std, or begin with import \"etl\" as etl;",
		    (int)n, name);
}

void
program_put_message(const struct program *p, struct buf *out, const char *msg)
{
	const char *end = msg + strlen(msg), *at;

	while (p->added > 0 && (at = memmem(msg, (size_t)(end - msg),
	    p->text.data + p->at, p->added)) != NULL) {
		add_trimmed_lines(out, msg, (size_t)(at - msg));
		msg = at + p->added;
	}
	add_trimmed_lines(out, msg, (size_t)(end - msg));
	if (p->added == 0)
		add_import_hint(out, msg);
}
