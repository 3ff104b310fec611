#include "temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
