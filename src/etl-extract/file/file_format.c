#include "file/file_format.h"

#include "base/text.h"
#include "json/write.h"

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

enum { SHOWN_MAX = 1 << 20 };

int
path_member_check(const char *option, const char *field, struct err *e)
{
	if (field == NULL)
		return 0;
	if (strcmp(field, "@etl") == 0)
		return err_set(e, ERR_USAGE, false, "%s: the name @etl is "
		    "reserved for marks: choose another name", option);
	if (utf8_valid_length(field, strlen(field)) != strlen(field))
		return err_set(e, ERR_USAGE, false,
		    "%s: the name is not UTF-8", option);
	return 0;
}

void
path_member_put(struct buf *b, const char *field, const char *path)
{
	const size_t n = strlen(path);
	struct buf shown;

	if (field != NULL) {
		buf_char(b, ',');
		json_put_string(b, field, strlen(field));
		buf_char(b, ':');
		buf_init(&shown, SHOWN_MAX);
		if (utf8_valid_length(path, n) == n)
			buf_add(&shown, path, n);
		else
			text_show(&shown, path, n);
		json_put_string(b, shown.data, shown.len);
		b->failed |= shown.failed;
		buf_release(&shown);
	}
	buf_char(b, '}');
}

void
path_member_add(struct buf *record, const char *field, const char *path)
{
	const size_t at = record->len - 1;

	if (record->failed)
		return;
	record->len = at;
	path_member_put(record, field, path);
	if (!record->failed && record->data[at - 1] == '{')
		memmove(record->data + at, record->data + at + 1,
		    --record->len - at);
}

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
