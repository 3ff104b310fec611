#include "document/walk_path.h"

#include <stdlib.h>
#include <string.h>

bool
walk_path_split(struct walk_path *p, const char *pointer)
{
	char *to;

	if ((p->text = to = strdup(pointer)) == NULL)
		return false;
	for (const char *c = pointer; *c != '\0'; c++) {
		if (*c == '/') {
			*to++ = '\0';
			if (p->n < JSON_DEPTH_MAX)
				p->part[p->n] = to;
			p->n++;
			continue;
		}
		*to = *c;
		if (*c == '~')
			*to = *++c == '1' ? '/' : '~';
		to++;
	}
	*to = '\0';
	return true;
}

void
walk_path_release(struct walk_path *p)
{
	free(p->text);
}

bool
walk_path_has_name(const struct walk_path *p, unsigned k, const char *name,
    size_t n)
{
	return k < p->n && strlen(p->part[k]) == n &&
	    memcmp(p->part[k], name, n) == 0;
}

bool
walk_path_has_index(const struct walk_path *p, unsigned k)
{
	return k < p->n && *p->part[k] != '\0' &&
	    p->part[k][strspn(p->part[k], "0123456789")] == '\0';
}
