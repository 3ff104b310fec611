/* Reads the names of a list such as "a, b", the value of --key. */
#ifndef LOAD_NAME_LIST_H
#define LOAD_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Takes the next name off the list, with the blanks around it. Returns false at
 * the end: *list is then NULL. A list that is NULL has no names, and "" has one
 * that is empty. */
bool name_list_next(const char **list, const char **name, size_t *len);
/* The same, without the blanks around the name. */
bool name_list_next_trimmed(const char **list, const char **name, size_t *len);
void name_trim(const char **name, size_t *len);
/* Compares the names without the blanks around them. */
bool name_list_has(const char *list, const char *name, size_t len);

#endif
