#include "lock.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/same_file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	INHERITED = 10,         /* scripts use descriptors below this */
	TRIES = 10, NOTE = 256, NOTE_SHOWN = 64 << 10
};

/* True if `file` in the directory is still the file that is open as fd, and was
 * not removed or replaced in the meantime. */
static int
is_still_named(int folder, const char *file, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 &&
	    fstatat(folder, file, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    is_same_file(&a, &b);
}

/* Appends a message that says which process holds the lock, from the text "PID
 * RUN TIME NAMESPACE" in the lock file. The text may be missing or out of date,
 * so it is only used in messages. If the process is in another container, its
 * id is not valid here. */
static void
put_lock_holder(struct buf *b, int fd)
{
	char note[NOTE] = "", *pid_end, *run_end, *time_end;
	char here[MACHINE_NAMESPACE];
	bool is_elsewhere = false;
	long pid;

	if (pread(fd, note, sizeof(note) - 1, 0) <= 0)
		note[0] = '\0';
	note[strcspn(note, "\n")] = '\0';
	pid = strtol(note, &pid_end, 10);
	run_end = *pid_end == ' ' ? strchr(pid_end + 1, ' ') : NULL;
	if (pid <= 0 || run_end == NULL) {
		buf_str(b, "another run holds the lock");
		return;
	}
	*run_end++ = '\0';
	if ((time_end = strchr(run_end, ' ')) != NULL) {
		*time_end++ = '\0';
		machine_namespace(here);
		is_elsewhere = strcmp(time_end, here) != 0;
	}
	if (is_elsewhere)
		buf_printf(b, "already running in another container, there as "
		    "process %ld (run ", pid);
	else if (kill((pid_t)pid, 0) == -1 && errno == ESRCH)
		buf_printf(b, "process %ld has exited, but stages of its "
		    "run are still running (run ", pid);
	else
		buf_printf(b, "already running as process %ld (run ", pid);
	text_show(b, pid_end + 1, strlen(pid_end + 1));
	buf_str(b, ", since ");
	text_show(b, run_end, strlen(run_end));
	buf_char(b, ')');
}

/* Sets the error that another run has the lock. Returns -1. */
static int
fail_held_lock(int fd, const char *folder, const char *name, struct err *e)
{
	struct buf b;

	buf_init(&b, NOTE_SHOWN);
	put_lock_holder(&b, fd);
	buf_str(&b, "; the lock is in ");
	text_show(&b, folder, strlen(folder));
	(void)err_set(e, ERR_RETRY, true, "%s: %s", name, buf_text(&b));
	buf_release(&b);
	return -1;
}

/* Calls fcntl(2) for the lock: F_OFD_SETLK takes or releases it, F_OFD_GETLK
 * only sets *is_held_by_another. The lock belongs to the open file
 * description, so all processes that inherit the descriptor share it.
 * Returns -1 with errno. */
static int
call_file_lock(int fd, int command, short type, bool *is_held_by_another)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };
	int rc = fcntl(fd, command, &l);

	if (is_held_by_another != NULL)
		*is_held_by_another = l.l_type != F_UNLCK;
	return rc;
}

/* The script inherits the descriptor, so that the lock lasts until all its
 * processes have exited. */
static int
open_lock_file(int folder, const char *file, struct err *e)
{
	struct stat st;
	int low = openat(folder, file,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	int fd;

	if (low == -1)
		return err_errno(e, ERR_CREATE, "lock file");
	fd = fcntl(low, F_DUPFD, INHERITED);
	(void)close(low);
	if (fd == -1)
		return err_errno(e, ERR_IO, "lock file");
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return err_set(e, ERR_DENIED, false, "lock file: not a regular file: "
	    "remove it");
}

/* True if `l` already holds a lock on the open file fd. Both lock folders may
 * be the same folder; a second lock on the same file would fail. */
static bool
is_locked_here(const struct lock *l, int fd)
{
	struct stat a, b;

	for (size_t i = 0; i < l->n; i++)
		if (fstat(l->fd[i], &a) == 0 && fstat(fd, &b) == 0 &&
		    is_same_file(&a, &b))
			return true;
	return false;
}

/* Opens the lock file, locks it and adds it to `l`. Returns 1 if it is locked.
 * Returns 0 if the file was removed after it was opened: another process could
 * create and lock another file of that name, so the caller tries again. */
static int
try_lock_file(struct lock *l, int folder, const char *file, const char *path,
    const char *name, struct err *e)
{
	int fd, rc = 0;

	if ((fd = open_lock_file(folder, file, e)) == -1)
		return -1;
	if (is_locked_here(l, fd)) {
		rc = 1;
	} else if (call_file_lock(fd, F_OFD_SETLK, F_WRLCK, NULL) == -1) {
		rc = errno == EAGAIN || errno == EACCES ?
		    fail_held_lock(fd, path, name, e) :
		    err_errno(e, ERR_IO, "lock file");
	} else if (is_still_named(folder, file, fd)) {
		(void)!ftruncate(fd, 0);        /* remove the text of a killed
						 * run */
		l->fd[l->n++] = fd;
		return 1;
	}
	(void)close(fd);
	return rc;
}

static int
hash_lock_name(char file[HASH_HEX], const char *url, const char *name,
    struct err *e)
{
	struct hash *h = hash_new();

	if (h == NULL)
		return err_nomem(e);
	hash_add(h, url, strlen(url) + 1);
	hash_add(h, name, strlen(name));
	hash_finish(h, file);
	return 0;
}

/* Takes the lock in the folder `path`. */
static int
lock_in_folder(struct lock *l, const char *path, const char *file,
    const char *name, struct err *e)
{
	int folder, rc = 0;

	if ((folder = lock_folder_open(path, e)) == -1)
		return -1;
	for (int i = 0; rc == 0 && i < TRIES; i++)
		rc = try_lock_file(l, folder, file, path, name, e);
	machine_lock_id(l->machine, folder, file);
	(void)close(folder);
	if (rc == -1 && e->code != ERR_RETRY)
		err_prefix(e, "%s", path);
	if (rc == 0)
		return err_set(e, ERR_RETRY, true,
		    "%s: another process keeps removing the lock file in %s",
		    name, path);
	return rc == 1 ? 0 : -1;
}

int
lock_take(struct lock *l, const char *url, const char *name, struct err *e)
{
	char file[HASH_HEX];
	struct lock_folders folders;
	int rc = 0;

	*l = (struct lock){ .n = 0 };
	if (hash_lock_name(file, url, name, e) == -1 ||
	    lock_folders_find(&folders, e) == -1)
		return -1;
	for (size_t i = 0; rc == 0 && i < folders.n; i++)
		rc = lock_in_folder(l, folders.path[i], file, name, e);
	if (rc == 0 && asprintf(&l->reports, "%s/%s.reports",
	    folders.path[folders.n - 1], file) == -1) {
		l->reports = NULL;
		rc = err_nomem(e);
	}
	lock_folders_release(&folders);
	if (rc == -1)
		lock_release(l);
	return rc;
}

void
lock_write_holder(const struct lock *l, const char *run)
{
	char note[NOTE], stamp[CLOCK_STAMP], here[MACHINE_NAMESPACE];
	int n;

	clock_stamp(stamp);
	machine_namespace(here);
	n = snprintf(note, sizeof(note), "%ld %s %s %s\n", (long)getpid(), run,
	    stamp, here);
	for (size_t i = 0; n > 0 && i < l->n; i++)
		if (ftruncate(l->fd[i], 0) == 0)
			(void)!pwrite(l->fd[i], note, (size_t)n, 0);
}

void
lock_touch_files(const struct lock *l)
{
	for (size_t i = 0; i < l->n; i++)
		(void)futimens(l->fd[i], NULL);
}

/* Releases the lock. Closing the descriptor alone would not do so: a process
 * that the script left running outside its process group may still have the
 * descriptor, and the kernel keeps the lock until every copy is closed. */
void
lock_release(struct lock *l)
{
	for (size_t i = 0; i < l->n; i++) {
		(void)!ftruncate(l->fd[i], 0);
		(void)call_file_lock(l->fd[i], F_OFD_SETLK, F_UNLCK, NULL);
		(void)close(l->fd[i]);
	}
	free(l->reports);
	*l = (struct lock){ .n = 0 };
}

/* Appends who holds the lock on the file to `b`. Returns 0 if nobody holds it.
 * It creates no lock file: if there is none, the lock is free. */
static int
put_holder(struct buf *b, const char *folder, const char *file, struct err *e)
{
	bool taken = false;
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", folder, file) == -1)
		return err_nomem(e);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	free(path);
	if (fd == -1)
		return errno == ENOENT ? 0 :
		    err_errno(e, ERR_DENIED, folder);
	if (call_file_lock(fd, F_OFD_GETLK, F_WRLCK, &taken) == 0 && taken)
		put_lock_holder(b, fd);
	(void)close(fd);
	return taken ? 1 : 0;
}

/* For --dry-run: appends the lock folders, and "free" or who holds the lock. */
int
lock_put(struct buf *b, const char *url, const char *name, struct err *e)
{
	char file[HASH_HEX];
	struct lock_folders folders;
	int rc = 0;

	if (hash_lock_name(file, url, name, e) == -1 ||
	    lock_folders_find(&folders, e) == -1)
		return -1;
	buf_str(b, "\nlock folder: ");
	lock_folders_put(b, &folders);
	buf_str(b, "\nlock: ");
	for (size_t i = 0; rc == 0 && i < folders.n; i++)
		rc = put_holder(b, folders.path[i], file, e);
	if (rc == 0)
		buf_str(b, "free");
	lock_folders_release(&folders);
	return rc == -1 ? -1 : 0;
}
