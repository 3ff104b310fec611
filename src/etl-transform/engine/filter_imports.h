/* Checks that the imports of a filter read no file outside the folders of -L.
 * An import could reach one with a name such as ../a, with a search path,
 * through a symbolic link, or through the imports of a module.
 * Fails: ERR_CONFIG, and the message names the import; ERR_INPUT if a module
 *        cannot be read. */
#ifndef TRANSFORM_FILTER_IMPORTS_H
#define TRANSFORM_FILTER_IMPORTS_H

#include "engine/engine.h"

int filter_imports_check(const struct engine_conf *c, struct err *e);

#endif
