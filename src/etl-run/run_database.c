#include "run_database.h"

#include "db/db.h"

#include <stdlib.h>
#include <string.h>

static const char sqlite[] = "sqlite:";
enum { SQLITE = sizeof(sqlite) - 1 };

/* Returns the absolute path, without symbolic links, of the directory that
 * contains the file `path`; NULL on failure. The caller frees it. */
static char *
resolve_parent(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir, *real;

	if (slash == NULL)
		dir = strdup(".");
	else
		dir = strndup(path, slash > path ? (size_t)(slash - path) : 1);
	if (dir == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if ((real = realpath(dir, NULL)) == NULL)
		(void)err_errno(e, ERR_CREATE, dir);
	free(dir);
	return real;
}

/* Appends the absolute path of a file, without symbolic links. The file need
 * not exist, but its directory must. */
static int
put_absolute_path(struct buf *url, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *real = realpath(path, NULL);

	if (real != NULL) {
		buf_str(url, real);
		free(real);
		return 0;
	}
	if ((real = resolve_parent(path, e)) == NULL)
		return -1;
	buf_printf(url, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
	    slash != NULL ? slash + 1 : path);
	free(real);
	return 0;
}

int
run_database_url(struct buf *url, const char *option, struct err *e)
{
	const char *text = option != NULL ? option : getenv("DATABASE_URL");

	if (text == NULL || *text == '\0')
		text = "sqlite:etl.db";
	/* Refuse sqlite://HOST/... (sqlite:///PATH has no host and is
	 * permitted). */
	if (strncmp(text, "sqlite://", 9) == 0 && db_url_check(text, e) == -1)
		return -1;
	if (strncmp(text, sqlite, SQLITE) != 0) {
		buf_str(url, text);
	} else if (text[SQLITE] == '\0' || text[SQLITE] == ':') {
		return err_set(e, ERR_CONFIG, false,
		    "%s: this database is private to one program: name a file, "
		    "which all stages can use", text);
	} else {
		buf_str(url, sqlite);
		if (put_absolute_path(url, text + SQLITE, e) == -1)
			return -1;
	}
	(void)buf_text(url);
	return buf_check(url, e);
}
