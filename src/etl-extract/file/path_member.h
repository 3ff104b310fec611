/* The option --source-file FIELD: each record gets the member FIELD with the
 * name of its file. path_member_check() also serves --select-as. */
#ifndef EXTRACT_PATH_MEMBER_H
#define EXTRACT_PATH_MEMBER_H

#include "base/buf.h"

/* Checks the name of the member that OPTION gives: ERR_USAGE. It may be
 * NULL. */
int path_member_check(const char *option, const char *field, struct err *e);
/* Appends what ends a record instead of its brace: ,"FIELD":"PATH"} or only }
 * if FIELD is NULL. Bytes of the path that are not UTF-8 become escapes. */
void path_member_append(struct buf *b, const char *field, const char *path);
/* Adds the member at the end of a record. */
void path_member_add(struct buf *record, const char *field, const char *path);

#endif
