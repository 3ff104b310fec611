#include "engine/filter_directive.h"

#include <ctype.h>
#include <string.h>

const char *
directive_skip_space(const char *p)
{
	for (;;) {
		while (isspace((unsigned char)*p))
			p++;
		if (*p != '#')
			return p;
		p += strcspn(p, "\n");
	}
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == ':';
}

/* If the word w is at *p, moves *p after it and the blanks that follow, and
 * returns true. */
static bool
skip_keyword(const char **p, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(*p, w, n) != 0 || is_name_char((*p)[n]))
		return false;
	*p = directive_skip_space(*p + n);
	return true;
}

/* Returns the place after the string literal that begins at p. */
static const char *
skip_string(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

/* Returns the place of the semicolon that ends the directive. */
static const char *
find_semicolon(const char *p)
{
	while (*p != '\0' && *p != ';') {
		p = *p == '"' ? skip_string(p) : p + 1;
		p = directive_skip_space(p);
	}
	return p;
}

bool
directive_parse(const char *p, struct directive *d)
{
	bool import;

	*d = (struct directive){ .start = p };
	d->module = skip_keyword(&p, "module");
	import = !d->module && skip_keyword(&p, "import");
	if (!d->module && !import && !skip_keyword(&p, "include"))
		return false;
	if (!d->module && *p == '"') {
		d->path = p + 1;
		p = skip_string(p);
		d->path_len = (size_t)(p - 1 - d->path);
		p = directive_skip_space(p);
	}
	if (import && skip_keyword(&p, "as")) {
		d->data = *p == '$';
		d->name = p + d->data;
		while (is_name_char(d->name[d->name_len]))
			d->name_len++;
		p = directive_skip_space(d->name + d->name_len);
	}
	d->metadata = p;
	p = find_semicolon(p);
	d->metadata_len = (size_t)(p - d->metadata);
	d->end = *p == ';' ? p + 1 : p;
	return true;
}

bool
directive_imports_etl(const struct directive *d)
{
	return !d->module && !d->data && d->path_len == 3 &&
	    memcmp(d->path, "etl", 3) == 0;
}
