/* Temporary files, in TMPDIR or else /tmp.
 * Gives: a descriptor, closed on exec, of an empty file without a name to read
 *        and write: a kill leaves nothing behind.
 * Fails: ERR_CREATE. */
#ifndef BASE_TEMP_FILE_H
#define BASE_TEMP_FILE_H

#include "errval.h"

int temp_open(struct err *e);

#endif
