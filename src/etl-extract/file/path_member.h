/* The option --source-file FIELD: each record gets the member FIELD with the
 * name of its file. path_member_check() also checks the FIELD of
 * --select-as. */
#ifndef EXTRACT_PATH_MEMBER_H
#define EXTRACT_PATH_MEMBER_H

#include "base/buf.h"

/* Checks a member name that was given to `option`. `field` may be NULL. Fails
 * with ERR_USAGE. */
int path_member_check(const char *option, const char *field, struct err *e);
/* Appends the end of a record: ,"FIELD":"PATH"} or only } if field is NULL.
 * Bytes of the path that are not UTF-8 are written as escapes. */
void path_member_put(struct buf *b, const char *field, const char *path);
/* Adds the member at the end of a record. */
void path_member_add(struct buf *record, const char *field, const char *path);

#endif
