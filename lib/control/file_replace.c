#include "control/file_replace.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCK_MS = 10000, STEP_MS = 10 };

/* Sets *e from errno. The error code is ERR_DENIED if errno says that a
 * permission is missing, else `code`. */
static int
set_path_error(struct err *e, enum err_code code, const char *path)
{
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		code = ERR_DENIED;
	return err_errno(e, code, path);
}

/* If the path is a symbolic link, sets *out to the file to which the link
 * leads, so that this file is replaced and not the link. Refuses a dangling
 * link. Calls lstat() before realpath(): if another process creates the missing
 * file between the two calls, realpath() finds it, and the link is not
 * refused. */
static int
resolve_link(char **out, const char *path, struct err *e)
{
	struct stat st;
	bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

	*out = realpath(path, NULL);
	if (*out != NULL)
		return 0;
	if (errno != ENOENT)
		return set_path_error(e, ERR_INPUT, path);
	if (link)
		return err_set(e, ERR_CONFIG, false,
		    "%s: a symbolic link to a file that does not exist: create "
		    "the file, or name another one", path);
	*out = strdup(path);
	return *out == NULL ? err_nomem(e) : 0;
}

static const char *
last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Opens the folder of the file and sets the path of the temporary file. */
static int
open_folder(struct replace *r, struct err *e)
{
	const char *base = last_component(r->path);
	struct buf name;
	int rc = -1;

	buf_init(&name, SIZE_MAX / 4);
	buf_add(&name, r->path, (size_t)(base - r->path));
	buf_char(&name, '.');
	(void)buf_text(&name);
	if (buf_check(&name, e) == -1)
		goto out;
	r->folder = open(name.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->folder == -1) {
		(void)set_path_error(e, ERR_CREATE, r->path);
		goto out;
	}
	buf_clear(&name);
	buf_printf(&name, "%.*s.%s.etl-new", (int)(base - r->path), r->path,
	    base);
	(void)buf_text(&name);
	if (buf_check(&name, e) == -1)
		goto out;
	r->temp = name.data;
	r->temp_name = last_component(r->temp);
	name.data = NULL;
	rc = 0;
out:
	buf_release(&name);
	return rc;
}

/* Takes a lock of flock(2) on the directory. The kernel releases it if the
 * process is killed, so no lock stays behind. */
static int
lock_folder(struct replace *r, struct err *e)
{
	int64_t end = clock_ms() + LOCK_MS;

	while (flock(r->folder, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK) {
			(void)err_errno(e, ERR_IO, r->path);
			err_prefix(e, "cannot lock the directory");
			return -1;
		}
		if (clock_ms() >= end || wait_ms(STEP_MS) == -1)
			return err_set(e, ERR_RETRY, true, "%s: another "
			    "process holds the lock of its directory: run the "
			    "command again later",
			    r->path);
	}
	return 0;
}

int
replace_begin(struct replace *r, const char *path, struct err *e)
{
	*r = (struct replace){ .folder = -1 };
	if (resolve_link(&r->path, path, e) == 0 &&
	    open_folder(r, e) == 0 && lock_folder(r, e) == 0)
		return 0;
	replace_end(r);
	return -1;
}

void
replace_end(struct replace *r)
{
	if (r->folder != -1)
		(void)close(r->folder);
	free(r->path);
	free(r->temp);
	*r = (struct replace){ .folder = -1 };
}

static int
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done == -1 && errno != EINTR)
			return -1;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Retries only EINTR. After any other failure the kernel may have dropped the
 * data, so a second fsync(2) could succeed although nothing was written. */
static int
sync_fd(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc == -1 && errno == EINTR);
	return rc;
}

/* Gives the new file the owner and mode of the old one. Only root may change
 * the owner, so for other users that failure is ignored. */
static int
copy_owner(const struct replace *r, int fd)
{
	struct stat st;

	if (stat(r->path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	(void)!fchown(fd, st.st_uid, st.st_gid);
	return fchmod(fd, st.st_mode & 0777);
}

static int
write_temp_file(struct replace *r, const char *p, size_t n, struct err *e)
{
	int fd, rc = -1;

	if (unlinkat(r->folder, r->temp_name, 0) == -1 && errno != ENOENT)
		return set_path_error(e, ERR_CREATE, r->temp);
	fd = openat(r->folder, r->temp_name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return set_path_error(e, ERR_CREATE, r->temp);
	if (copy_owner(r, fd) == -1 || write_all(fd, p, n) == -1 ||
	    sync_fd(fd) == -1)
		(void)err_errno(e, ERR_IO, r->temp);
	else
		rc = 0;
	/* EINTR is no failure: the descriptor is closed, and fsync was done
	 * before. */
	if (close(fd) == -1 && errno != EINTR && rc == 0)
		rc = err_errno(e, ERR_IO, r->temp);
	return rc;
}

int
replace_write(struct replace *r, const char *p, size_t n, struct err *e)
{
	int rc = write_temp_file(r, p, n, e);

	if (rc == 0 && renameat(r->folder, r->temp_name, r->folder,
	    last_component(r->path)) == -1)
		rc = set_path_error(e, ERR_IO, r->path);
	if (rc == -1) {
		(void)unlinkat(r->folder, r->temp_name, 0);
		return -1;
	}
	return sync_fd(r->folder) == -1 ? err_errno(e, ERR_IO, r->path) : 0;
}
