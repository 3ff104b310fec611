/* Reads the names of a list such as "a, b", the value of --key. */
#ifndef LOAD_NAME_LIST_H
#define LOAD_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the next name of the list, with the blanks around it, and moves *list
 * after it. Returns false at the end, where *list is NULL. A list that is NULL
 * has no names; the list "" has one name, which is empty. */
bool name_list_next(const char **list, const char **name, size_t *len);
/* Like name_list_next(), but without the blanks around the name. */
bool name_list_next_trimmed(const char **list, const char **name, size_t *len);
void name_trim(const char **name, size_t *len);
/* True if the list contains the name. Ignores blanks around the names of the
 * list. */
bool name_list_has(const char *list, const char *name, size_t len);

#endif
