#include "file/file_version.h"

#include <stdio.h>
#include <time.h>

void
file_version_of(struct file_version *v, const struct stat *st)
{
	*v = (struct file_version){ .dev = st->st_dev, .ino = st->st_ino,
	    .size = st->st_size > 0 ? (uint64_t)st->st_size : 0,
	    .mtime = st->st_mtim };
}

bool
file_version_is_same(
    const struct file_version *a, const struct file_version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec;
}

void
file_mtime_format(char out[FILE_MTIME], struct timespec t)
{
	char second[FILE_MTIME - 12];
	struct tm tm;

	if (gmtime_r(&t.tv_sec, &tm) == NULL ||
	    strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		(void)snprintf(
		    second, sizeof(second), "%lld", (long long)t.tv_sec);
	(void)snprintf(out, FILE_MTIME, "%s.%09ldZ", second, t.tv_nsec);
}
