#include "table/name_list.h"

#include <string.h>

bool
name_list_next(const char **list, const char **name, size_t *len)
{
	const char *p = *list;
	size_t n;

	if (p == NULL)
		return false;
	n = strcspn(p, ",");
	*list = p[n] == ',' ? p + n + 1 : NULL;
	*name = p;
	*len = n;
	return true;
}

void
name_trim(const char **name, size_t *len)
{
	for (; *len > 0 && **name == ' '; (*len)--)
		(*name)++;
	while (*len > 0 && (*name)[*len - 1] == ' ')
		(*len)--;
}

bool
name_list_next_trimmed(const char **list, const char **name, size_t *len)
{
	bool has_next = name_list_next(list, name, len);

	if (has_next)
		name_trim(name, len);
	return has_next;
}

bool
name_list_has(const char *list, const char *name, size_t len)
{
	const char *p;
	size_t n;

	while (name_list_next_trimmed(&list, &p, &n))
		if (n == len && memcmp(p, name, n) == 0)
			return true;
	return false;
}
