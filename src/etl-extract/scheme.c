#include "scheme.h"

#include <string.h>

size_t
scheme_length(const char *uri)
{
	const char *colon = strstr(uri, "://");

	if (strncmp(uri, "sqlite:", 7) == 0)
		return 6;
	return colon == NULL ? 0 : (size_t)(colon - uri);
}

bool
scheme_is_present(const char *uri)
{
	return scheme_length(uri) > 0 || strstr(uri, "://") != NULL;
}
