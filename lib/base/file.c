#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10 };

int
file_read_fd(struct buf *b, int fd, const char *name, enum err_code code,
    struct err *e)
{
	char piece[READ_SIZE];
	ssize_t n = 1;

	while (n != 0 && !b->failed) {
		n = read(fd, piece, sizeof(piece));
		if (n == -1 && errno != EINTR)
			return err_errno(e, code, name);
		if (n > 0)
			buf_add(b, piece, (size_t)n);
	}
	if (buf_check(b, e) == 0)
		return 0;
	err_prefix(e, "%s", name);
	return -1;
}

int
file_read(struct buf *b, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd == -1)
		return err_errno(e, ERR_INPUT, path);
	rc = file_read_fd(b, fd, path, ERR_INPUT, e);
	(void)close(fd);
	return rc;
}

void
file_warn_access(const char *program, int fd, const char *path)
{
	struct stat st;

	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) != 0)
		err_warnf(program, "%s: other users may access this file, "
		    "which may contain a secret: protect it with chmod 600",
		    path);
}

/* O_TMPFILE creates a file without a name, so that a killed program leaves no
 * file behind. If the file system does not support O_TMPFILE, the file gets a
 * name that is removed at once; only a kill between these two calls leaves the
 * file behind. */
int
temp_file_open(struct err *e)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	int fd, n;

	if (folder == NULL || *folder == '\0')
		folder = "/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd == -1 ? err_errno(e, ERR_CREATE, folder) : fd;
	n = snprintf(path, sizeof(path), "%s/etl.XXXXXX", folder);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_CREATE, false, "the value of TMPDIR is "
		    "too long for a file name: set it to a shorter path");
	if ((fd = mkostemp(path, O_CLOEXEC)) == -1)
		return err_errno(e, ERR_CREATE, path);
	(void)unlink(path);
	return fd;
}
