/* Temporary files in TMPDIR, or else in /tmp.
 * Gives: a descriptor with close-on-exec of an empty file that has no name, so
 *        that a killed process leaves nothing behind.
 * Fails: ERR_CREATE. */
#ifndef BASE_TEMP_FILE_H
#define BASE_TEMP_FILE_H

#include "errval.h"

int temp_file_open(struct err *e);

#endif
