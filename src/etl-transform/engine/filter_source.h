/* Looks at the source of a jq filter before it is compiled: at its directives
 * and imports, and whether it reads the environment. */
#ifndef TRANSFORM_FILTER_SOURCE_H
#define TRANSFORM_FILTER_SOURCE_H

#include "engine/engine.h"

#include <stdbool.h>
#include <stddef.h>

/* The directives at the start of a jq filter or module: import, include and
 * module.
 * Borrows: the text; all pointers are into it. */

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

/* Checks that the imports of a filter read no file outside the folders of -L.
 * An import could reach one with a name such as ../a, with a search path,
 * through a symbolic link, or through the imports of a module.
 * Fails: ERR_CONFIG, and the message names the import; ERR_INPUT if a module
 *        cannot be read. */

int filter_imports_check(const struct engine_conf *c, struct err *e);

/* Finds out whether the text of a jq filter reads the environment.
 * Source: the lexical grammar of jq(1): strings with \(...), comments from #
 *         to the end of the line, .name is a member, $name a variable. */

/* True if the text calls env or reads $ENV. Modules that it imports are not
 * searched. */
bool filter_reads_env(const char *text);

#endif
