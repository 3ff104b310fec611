#include "file.h"

#include <errno.h>
#include <fcntl.h>
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
