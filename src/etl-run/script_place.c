#include "script_place.h"

#include "base/same_file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Appends the working directory as the shell names it in PWD. PWD may be a
 * symbolic link that points to a new directory after each release of the
 * scripts. The paths of the scripts then stay the same. */
static int
put_folder(struct buf *b, struct err *e)
{
	char *folder = get_current_dir_name();

	if (folder == NULL)
		return err_errno(e, ERR_IO, "working directory");
	buf_str(b, folder);
	if (b->len > 0 && b->data[b->len - 1] != '/')
		buf_char(b, '/');
	free(folder);
	return 0;
}

/* Appends the path. A relative path gets the working directory in front of
 * it. */
static int
put_full_path(struct buf *b, const char *path, struct err *e)
{
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	if (*path != '/' && put_folder(b, e) == -1)
		return -1;
	buf_str(b, path);
	return buf_check(b, e);
}

int
script_place_put(struct buf *place, const struct script *s, struct db *db,
    struct err *e)
{
	struct buf path, shown;
	int rc = 0, limited;

	if (s->path.len == 0)
		return 0;
	buf_init(&path, SIZE_MAX / 4);
	buf_init(&shown, SIZE_MAX / 4);
	limited = db_lacks_unicode(db, e);
	if (limited == -1 || put_full_path(&path, s->path.data, e) == -1)
		rc = -1;
	if (rc == 0)
		text_show(&shown, path.data, path.len);
	if (rc == 0 && (rc = buf_check(&shown, e)) == 0) {
		if (limited == 1)
			text_put_ascii(place, shown.data, shown.len);
		else
			buf_add(place, shown.data, shown.len);
		(void)buf_text(place);
		rc = buf_check(place, e);
	}
	buf_release(&path);
	buf_release(&shown);
	return rc;
}

static bool
is_same_script(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 ||
	    (stat(a, &x) == 0 && stat(b, &y) == 0 && is_same_file(&x, &y));
}

int
script_place_check(const struct job *j, const char *place, struct db *db,
    struct err *e)
{
	struct buf last;
	int rc;

	if (*place == '\0' || j->moved)
		return 0;
	buf_init(&last, SIZE_MAX / 4);
	rc = run_last_script(db, j->name, &last, e);
	if (rc == 0 && last.len > 0 &&
	    !is_same_script(buf_text(&last), place))
		rc = err_set(e, ERR_CONFIG, false, "in %s the name of this "
		    "pipeline belongs to the script %s, but this run has the "
		    "script %s: give each script its own --name, or, if the "
		    "script was moved, give --moved once", db_name(db),
		    buf_text(&last), place);
	buf_release(&last);
	return rc;
}
