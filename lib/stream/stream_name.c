#include "stream_name.h"

#include "base/name.h"
#include "base/text.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STREAM_NAME_MAX = 200,
	STAGE_NAME_MAX = 48     /* mark_name_stage() may append a
	                         * number */
};

/* Appends at most STREAM_NAME_MAX bytes of the text, with control characters
 * and bytes that are not UTF-8 escaped. */
static void
put_cut_name(struct buf *b, const char *p, size_t n)
{
	struct buf shown;

	buf_init(&shown, SIZE_MAX / 4);
	text_show(&shown, p, n);
	(void)buf_text(&shown);
	if (shown.failed)
		b->failed = true;
	else
		buf_add(b, shown.data, text_cut_length(
		    shown.data, shown.len, STREAM_NAME_MAX));
	buf_release(&shown);
}

/* Appends the last part of the path p, which is not empty: what follows the
 * last slash. Ignores slashes at the end of p. */
static void
put_last_part(struct buf *b, const char *p, size_t n)
{
	size_t first;

	while (n > 1 && p[n - 1] == '/')
		n--;
	for (first = n; first > 0 && p[first - 1] != '/'; first--)
		;
	put_cut_name(b, first < n ? p + first : p, first < n ? n - first : n);
}

/* Appends the host of USER:PASSWORD@HOST:PORT; all parts but HOST may be
 * missing. An IPv6 address keeps its brackets: [::1] for [::1]:80. */
static void
put_host(struct buf *b, const char *p, size_t n)
{
	const char *at = memrchr(p, '@', n);
	size_t skip = at != NULL ? (size_t)(at + 1 - p) : 0, len;

	p += skip;
	n -= skip;
	for (len = 0; len < n && p[len] != ']' && (*p == '[' || p[len] != ':');
	    len++)
		;
	put_cut_name(b, p, len + (len < n && p[len] == ']'));
}

/* Appends the last part of the path of a URL, or its host if there is no
 * path. */
static void
put_url_name(struct buf *b, const char *authority)
{
	size_t host = strcspn(authority, "/?#"), path;

	path = strcspn(authority + host, "?#");
	if (path > strspn(authority + host, "/"))
		put_last_part(b, authority + host, path);
	else
		put_host(b, authority, host);
}

/* Appends the name of the file that is open as standard input. Returns false if
 * it is not a regular file or has no name. For example, a shell may write the
 * text of "<<EOF" to a file and remove the file. */
static bool
put_stdin_name(struct buf *b)
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(STDIN_FILENO, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_nlink == 0)
		return false;
	n = readlink("/proc/self/fd/0", path, sizeof(path));
	if (n <= 0 || path[0] != '/')
		return false;
	put_last_part(b, path, (size_t)n);
	return true;
}

void
stream_name_put(struct buf *b, const char *source)
{
	const char *scheme = source != NULL ? strstr(source, "://") : NULL;

	if (scheme != NULL)
		put_url_name(b, scheme + 3);
	else if (source != NULL && *source != '\0' && strcmp(source, "-") != 0)
		put_last_part(b, source, strlen(source));
	else if (!put_stdin_name(b))
		buf_str(b, "stdin");
}

int
stream_name_check(const char *name, struct err *e)
{
	return name_check("--stream", name, STREAM_NAME_MAX, e);
}

int
stream_check_stage(const char *name, const char *program, struct err *e)
{
	static const struct {
		const char *stage, *program;
	} used[] = {
		{ "checkpoint", "etl-checkpoint" },
		{ "extract", "etl-extract" }, { "load", "etl-load" },
		{ "replay", "etl-dlq replay" },
		{ "transform", "etl-transform" }, { "via", "etl-via" },
	};
	size_t n = strcspn(name, ".");

	if (name_check("--stage", name, STAGE_NAME_MAX, e) == -1)
		return -1;
	if (strchr(name, '/') != NULL)
		return err_set(e, ERR_USAGE, false, "--stage %s: must not "
		    "contain a slash", name);
	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (strlen(used[i].stage) == n &&
		    memcmp(used[i].stage, name, n) == 0 &&
		    strcmp(used[i].stage, program) != 0)
			return err_set(e, ERR_USAGE, false, "--stage %s: this "
			    "is the stage name of %s: give another name", name,
			    used[i].program);
	return 0;
}
