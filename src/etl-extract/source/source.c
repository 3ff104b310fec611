#include "source/source.h"

#include "base/text.h"
#include "file/file_format.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { FORMATS_MAX = 16 };      /* of all sources together */

static const struct source *const sources[] = {
	&source_http, &source_sql, &source_ndjson, &source_csv,
	&source_json, &source_singer, NULL
};

/* True if the text is in the list. Upper and lower case are the same. */
static bool
is_listed(const char *const *list, const char *p, size_t n)
{
	for (; list != NULL && *list != NULL; list++)
		if (strlen(*list) == n && strncasecmp(*list, p, n) == 0)
			return true;
	return false;
}

/* p is the value of --format or the suffix of a file name, such as jsonl. */
static const struct source *
find_by_format(const char *p, size_t n)
{
	for (size_t i = 0; sources[i] != NULL; i++)
		if (is_listed(sources[i]->formats, p, n))
			return sources[i];
	return NULL;
}

/* Sets *s to the source for URLs with this scheme. Fails if there is none, or
 * if an option does not fit it. */
static int
choose_by_scheme(const struct source **s, const struct extract_opts *o,
    const char *scheme, size_t len, struct err *e)
{
	*s = NULL;
	for (size_t i = 0; sources[i] != NULL; i++)
		if (is_listed(sources[i]->schemes, scheme, len))
			*s = sources[i];
	if (*s == NULL)
		return err_set(e, ERR_USAGE, false, "%.*s://...: cannot read "
		    "this kind of URL: use http://, https://, postgresql:// "
		    "or sqlite:PATH, or a file",
		    len > 32 ? 32 : (int)len, scheme);
	if (*s == &source_sql && (o->query == NULL) == (o->table == NULL))
		return err_set(e, ERR_USAGE, false, "%.*s:...: a database "
		    "needs either --query SQL or --table NAME",
		    (int)len, scheme);
	if (o->format != NULL)
		return err_set(e, ERR_USAGE, false, "--format %s: is for "
		    "files and for URLs of HTTP only", o->format);
	return 0;
}

/* Lists the formats of all kinds of sources in the message. */
static int
fail_format(const char *format, struct err *e)
{
	const char *all[FORMATS_MAX + 1] = { 0 };
	size_t n = 0;

	for (size_t i = 0; sources[i] != NULL; i++)
		for (size_t k = 0; sources[i]->formats != NULL &&
		    sources[i]->formats[k] != NULL && n < FORMATS_MAX; k++)
			all[n++] = sources[i]->formats[k];
	(void)suggest_choice("--format", format, all, e);
	return -1;
}

bool
source_accepts_file(const struct extract_opts *o, const char *path)
{
	struct file_format f;

	file_format_of(&f, o, path);
	return find_by_format(f.name, f.len) != NULL;
}

bool
source_is_file_url(const struct extract_opts *o, const char *uri)
{
	const struct source *s;
	struct file_format f;

	if (!scheme_is_present(uri) || !is_listed(source_http.schemes, uri,
	    scheme_length(uri)))
		return false;
	file_format_of(&f, o, uri);
	s = find_by_format(f.name, f.len);
	return o->format != NULL || (s != NULL &&
	    (s != &source_json || f.compression != COMPRESSION_NONE));
}

int
source_choose(const struct source **s, const struct extract_opts *o,
    const char *uri, struct err *e)
{
	struct file_format f;

	if (o->singer) {
		*s = &source_tap;
		return 0;
	}
	if (scheme_is_present(uri) && !source_is_file_url(o, uri))
		return choose_by_scheme(s, o, uri, scheme_length(uri), e);
	file_format_of(&f, o, uri);
	if ((*s = find_by_format(f.name, f.len)) != NULL)
		return 0;
	if (o->format != NULL)
		return fail_format(o->format, e);
	if (o->query != NULL || o->table != NULL)
		return source_options_check(o, KIND_FILES, e);
	if (*uri == '/' && access(uri, F_OK) == -1)
		return err_set(e, ERR_USAGE, false,
		    "%s: there is no such file; if it should be a URL, its "
		    "scheme and host are missing, perhaps because a variable "
		    "such as $API_BASE_URL is empty",
		    uri);
	return err_set(e, ERR_USAGE, false, "%s: neither a URL (http://...) "
	    "nor a file name that ends in .csv, .tsv, .json, .ndjson or "
	    ".jsonl (and .gz or .zst): if it is a file, give its format with "
	    "--format csv, --format json or --format ndjson",
	    *uri == '\0' ? "''" : uri);
}
