#include "table/option_column.h"

#include "base/suggest.h"
#include "table/name_list.h"

#include <stdio.h>
#include <string.h>

/* Returns false if the table has no column with exactly this name. */
static bool
find_exact(const struct table *t, const char *name, size_t len, size_t *column)
{
	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->columns[i].name) == len &&
		    memcmp(t->columns[i].name, name, len) == 0) {
			*column = i;
			return true;
		}
	return false;
}

static int
fail_no_column(const struct table *t, const char *option, const char *name,
    size_t len, struct err *e)
{
	char typed[64];
	struct suggestion near = { .typed = typed };

	(void)snprintf(typed, sizeof(typed), "%.*s", (int)len, name);
	for (size_t i = 0; i < t->n; i++)
		suggest_try(&near, t->columns[i].name);
	(void)err_set(e, ERR_CONFIG, false, "%s: table %s has no column "
	    "\"%.*s\"", option, t->name, (int)len, name);
	suggest_put(e, &near, "");
	return -1;
}

int
option_find_column(const struct table *t, const char *option, const char *name,
    size_t len, size_t *column, struct err *e)
{
	if (find_exact(t, name, len, column))
		return 0;
	name_trim(&name, &len);
	return find_exact(t, name, len, column) ? 0 :
	    fail_no_column(t, option, name, len, e);
}
