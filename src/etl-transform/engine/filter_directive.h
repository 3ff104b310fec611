/* The directives at the start of a jq filter or module: import, include and
 * module.
 * Borrows: the text; all pointers are into it. */
#ifndef TRANSFORM_FILTER_DIRECTIVE_H
#define TRANSFORM_FILTER_DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>

struct directive {
	const char *start, *end;        /* with its semicolon */
	const char *path, *name, *metadata;
	size_t path_len, name_len, metadata_len;
	bool module;            /* the directive `module` */
	bool data;              /* `import "FILE" as $NAME` reads a JSON file,
	                         * not a module */
};

/* Skips white space and comments. */
const char *directive_skip_space(const char *p);
/* Returns false if no directive begins at p. Syntax errors are not reported:
 * libjq finds them. */
bool directive_parse(const char *p, struct directive *d);
bool directive_imports_etl(const struct directive *d);

#endif
