#include "file/file_format.h"

#include "scheme.h"

#include <string.h>
#include <strings.h>

/* Sets *suffix to the suffix of the first n bytes of path, without the dot.
 * Returns the length of the suffix, or 0 if there is none. */
static size_t
find_suffix(const char *path, size_t n, const char **suffix)
{
	for (size_t i = n; i > 0 && path[i - 1] != '/'; i--)
		if (path[i - 1] == '.') {
			*suffix = path + i;
			return n - i;
		}
	return 0;
}

static bool
equals_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(p, word, n) == 0;
}

/* Sets *path to the path of a URL, without the host, and returns its length
 * without query and fragment. */
static size_t
find_url_path(const char **path)
{
	const char *host = strstr(*path, "://") + 3;

	*path = host + strcspn(host, "/?#");
	return strcspn(*path, "?#");
}

void
file_format_of(struct file_format *f, const struct extract_opts *o,
    const char *path)
{
	const char *suffix = "";
	const bool is_url = strstr(path, "://") != NULL &&
	    scheme_is_present(path);
	size_t rest = is_url ? find_url_path(&path) : strlen(path);
	size_t n = find_suffix(path, rest, &suffix);

	*f = (struct file_format){ 0 };
	if (equals_word(suffix, n, "gz"))
		f->compression = COMPRESSION_GZIP;
	else if (equals_word(suffix, n, "zst"))
		f->compression = COMPRESSION_ZSTD;
	if (f->compression != COMPRESSION_NONE)
		n = find_suffix(path, rest - n - 1, &suffix);
	f->name = suffix;
	f->len = n;
	if (o->format != NULL || strcmp(path, "-") == 0) {
		f->name = o->format != NULL ? o->format : "ndjson";
		f->len = strlen(f->name);
	}
}

bool
file_is_tsv(const struct file_format *f)
{
	return equals_word(f->name, f->len, "tsv");
}
