/* Checks that the imports of a filter read no file outside the folders of -L:
 * not by the name of the import, by a search path, through a symbolic link, or
 * through a module that is imported.
 * Fails: ERR_CONFIG names the import; ERR_INPUT for a module that cannot be
 *        read. */
#ifndef TRANSFORM_FILTER_IMPORTS_H
#define TRANSFORM_FILTER_IMPORTS_H

#include "engine/engine.h"

int filter_imports_check(const struct engine_conf *c, struct err *e);

#endif
