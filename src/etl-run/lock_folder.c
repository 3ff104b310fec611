#include "lock_folder.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns the value of a variable that names a folder. The XDG Base Directory
 * Specification says that a relative path must be ignored. */
static const char *
get_path_env(const char *name)
{
	const char *path = getenv(name);

	return path != NULL && *path == '/' ? path : NULL;
}

/* True for a folder of this user in which nobody else may write. After su(1)
 * XDG_RUNTIME_DIR may be that of another user. */
static bool
is_private_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & 022) == 0 &&
	    faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
}

/* Returns the home folder from the user database. $HOME is only used for a
 * user who is not in it: sudo(8) and su(1) may keep the $HOME of another
 * user. */
static const char *
find_home(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user != NULL && user->pw_dir != NULL && *user->pw_dir == '/' ?
	    user->pw_dir : get_path_env("HOME");
}

/* True if the folder at path, which is below the folder `base`, can be written
 * or created: checks the longest part of path that exists. */
static bool
may_create(const char *path, const char *base)
{
	char *part = strdup(path);
	bool can = false;

	while (part != NULL && strlen(part) >= strlen(base)) {
		can = faccessat(AT_FDCWD, part, W_OK | X_OK, AT_EACCESS) == 0;
		if (can || errno != ENOENT || strrchr(part, '/') == part)
			break;
		*strrchr(part, '/') = '\0';
	}
	free(part);
	return can;
}

static int
add_folder(struct lock_folders *f, const char *base, const char *below,
    struct err *e)
{
	if (asprintf(&f->path[f->n], "%s%s", strcmp(base, "/") == 0 ? "" :
	    base, below) == -1) {
		f->path[f->n] = NULL;
		return err_nomem(e);
	}
	f->n++;
	return 0;
}

/* Adds the lock folder of the user: in XDG_STATE_HOME, else in the home
 * directory, or in /tmp if that cannot be written. */
static int
add_user_folder(struct lock_folders *f, struct err *e)
{
	const char *state = get_path_env("XDG_STATE_HOME");
	const char *home;
	char below[32];

	if (state != NULL)
		return add_folder(f, state, "/etl-run", e);
	if ((home = find_home()) != NULL) {
		if (add_folder(f, home, "/.local/state/etl-run", e) == -1)
			return -1;
		if (may_create(f->path[f->n - 1], home))
			return 0;
		free(f->path[--f->n]);
		f->path[f->n] = NULL;
	}
	(void)snprintf(below, sizeof(below), "/etl-run-%lu",
	    (unsigned long)geteuid());
	return add_folder(f, "/tmp", below, e);
}

int
lock_folders_find(struct lock_folders *f, struct err *e)
{
	const char *runtime = get_path_env("XDG_RUNTIME_DIR");

	*f = (struct lock_folders){ .n = 0 };
	if (runtime != NULL && is_private_folder(runtime) &&
	    add_folder(f, runtime, "/etl-run", e) == -1)
		return -1;
	if (add_user_folder(f, e) == 0)
		return 0;
	lock_folders_release(f);
	return -1;
}

void
lock_folders_release(struct lock_folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->path[i]);
	*f = (struct lock_folders){ .n = 0 };
}

/* Creates the folder. It may exist already. */
static int
create_folder(const char *path, struct err *e)
{
	int error = mkdir(path, 0700) == -1 ? errno : 0;

	/* For a folder that exists, mkdir(2) may also fail with EROFS or
	 * EACCES. */
	if (error == 0 || error == EEXIST ||
	    faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
		return 0;
	return err_set(e, ERR_CREATE, false, "%s: cannot create the folder of "
	    "the lock file: %s: set XDG_STATE_HOME to a folder of this user",
	    path, strerror(error));
}

/* Creates the folder and those above it that do not exist. */
static int
create_folders(const char *path, struct err *e)
{
	char *part = strdup(path);
	int rc = 0;

	if (part == NULL)
		return err_nomem(e);
	for (char *p = part + 1; rc == 0 && p != NULL; ) {
		if ((p = strchr(p, '/')) != NULL)
			*p = '\0';
		rc = create_folder(part, e);
		if (p != NULL)
			*p++ = '/';
	}
	free(part);
	return rc;
}

/* Returns the error class of an open(2) that has failed, from errno: an I/O
 * error if descriptors have run out or the disk fails, else a lack of
 * permission. */
static enum err_code
open_error_code(void)
{
	return errno == EMFILE || errno == ENFILE || errno == EIO ? ERR_IO :
	    ERR_DENIED;
}

int
lock_folder_open(const char *path, struct err *e)
{
	struct stat st;
	int fd;

	if (create_folders(path, e) == -1)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_errno(e, open_error_code(), path);
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 077) == 0)
		return fd;
	(void)close(fd);
	return err_set(e, ERR_DENIED, false,
	    "%s: must be a directory of this user with mode 0700: remove it, "
	    "or set XDG_STATE_HOME to a folder of this user", path);
}

void
lock_folders_put(struct buf *b, const struct lock_folders *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (i > 0)
			buf_str(b, " and ");
		text_show(b, f->path[i], strlen(f->path[i]));
	}
}
