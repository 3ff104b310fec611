#include "db/db.h"

#include <string.h>

struct db_value
db_text(const char *s)
{
	if (s == NULL)
		return (struct db_value){ .type = DB_NULL };
	return (struct db_value){ .type = DB_TEXT, .p = s, .len = strlen(s) };
}

struct db_value
db_bytes(const char *p, size_t n)
{
	return (struct db_value){ .type = DB_BLOB, .p = p, .len = n };
}
