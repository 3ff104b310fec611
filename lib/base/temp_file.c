#include "temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* O_TMPFILE makes a file without a name. Only on a file system that does not
 * support it the file gets a name, which is removed at once; a kill between
 * the two calls would leave it behind. */
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
		return err_set(e, ERR_CREATE, false, "TMPDIR is too long");
	if ((fd = mkostemp(path, O_CLOEXEC)) == -1)
		return err_errno(e, ERR_CREATE, path);
	(void)unlink(path);
	return fd;
}
