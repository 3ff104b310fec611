#include "create/name_list.h"

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
	for (; n > 0 && *p == ' '; n--)
		p++;
	while (n > 0 && p[n - 1] == ' ')
		n--;
	*name = p;
	*len = n;
	return true;
}

bool
name_list_has(const char *list, const char *name, size_t len)
{
	const char *p;
	size_t n;

	while (name_list_next(&list, &p, &n))
		if (n == len && memcmp(p, name, n) == 0)
			return true;
	return false;
}
