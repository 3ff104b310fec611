#include "source/source.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct source *const sources[] = {
	&source_http, &source_ndjson, NULL
};

static bool
listed(const char *const *list, const char *p, size_t n)
{
	for (; list != NULL && *list != NULL; list++)
		if (strlen(*list) == n && strncasecmp(*list, p, n) == 0)
			return true;
	return false;
}

/* A suffix is a name of the format too: .jsonl. */
static const struct source *
by_format(const char *p, size_t n)
{
	for (size_t i = 0; sources[i] != NULL; i++)
		if (listed(sources[i]->formats, p, n))
			return sources[i];
	return NULL;
}

static int
by_scheme(const struct source **s, const struct extract_opts *o,
    const char *uri, size_t n, struct err *e)
{
	*s = NULL;
	for (size_t i = 0; sources[i] != NULL; i++)
		if (listed(sources[i]->schemes, uri, n))
			*s = sources[i];
	if (*s == NULL)
		return err_set(e, ERR_USAGE, false, "%.*s://...: nothing reads "
		    "this kind of URL: use http:// or https://, or a file",
		    n > 32 ? 32 : (int)n, uri);
	if (o->format != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--format %s: a URL's answer is JSON", o->format);
	return 0;
}

int
source_find(const struct source **s, const struct extract_opts *o,
    const char *uri, struct err *e)
{
	const char *colon = strstr(uri, "://"), *dot = strrchr(uri, '.');
	const char *format = o->format;

	if (colon != NULL)
		return by_scheme(s, o, uri, (size_t)(colon - uri), e);
	if (format == NULL && strcmp(uri, "-") == 0)
		format = "ndjson";
	if (format == NULL && dot != NULL && strchr(dot, '/') == NULL)
		format = dot + 1;
	if (format != NULL && (*s = by_format(format, strlen(format))) != NULL)
		return 0;
	if (o->format != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--format %s: wants ndjson", o->format);
	if (*uri == '/' && access(uri, F_OK) == -1)
		return err_set(e, ERR_USAGE, false,
		    "%s: there is no such file, "
		    "and a URL needs a scheme and a host: the variable before "
		    "the path may be empty",
		    uri);
	return err_set(e, ERR_USAGE, false, "%s: neither a URL (http://...) "
	    "nor a file named .ndjson: if it is an NDJSON file, give --format "
	    "ndjson", *uri == '\0' ? "''" : uri);
}
