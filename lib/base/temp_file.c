#include "temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A name would be left behind by a kill before unlink(); only a file system
 * that knows no file without a name gets one. */
int
temp_open(struct err *e)
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
