#include "machine.h"

#include "lost_processes.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOOT_ID = MACHINE_BOOT - 1, HOST_ID = 32, LOCK_FILE = 16 };

/* Reads `n` bytes, and sets `id` to "" if the file has fewer. */
static void
read_id(const char *path, char *id, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd == -1 ? -1 : read(fd, id, n);

	if (fd != -1)
		(void)close(fd);
	id[got == (ssize_t)n ? n : 0] = '\0';
}

/* The kernel makes this id at random when it boots. */
static void
read_boot_id(char id[MACHINE_BOOT])
{
	read_id("/proc/sys/kernel/random/boot_id", id, BOOT_ID);
}

/* machine-id(5) asks programs not to show the id itself. */
static void
get_host_id(char hex[HASH_HEX])
{
	char id[HOST_ID + 1];
	struct hash *h;

	*hex = '\0';
	read_id("/etc/machine-id", id, HOST_ID);
	if (strspn(id, "0123456789abcdef") != HOST_ID ||
	    (h = hash_new()) == NULL)
		return;
	hash_add(h, "etl-run", sizeof("etl-run"));
	hash_add(h, id, HOST_ID);
	hash_finish(h, hex);
}

void
machine_lock_id(char id[MACHINE_ID], int lock_folder, const char *lock_file)
{
	char boot[MACHINE_BOOT];
	struct stat st;

	*id = '\0';
	read_boot_id(boot);
	if (*boot != '\0' && fstat(lock_folder, &st) == 0)
		(void)snprintf(id, MACHINE_ID, "%s:%lu:%lu:%.*s", boot,
		    (unsigned long)st.st_dev, (unsigned long)st.st_ino,
		    LOCK_FILE, lock_file);
}

void
machine_namespace(char text[MACHINE_NAMESPACE])
{
	struct stat st;

	*text = '\0';
	if (stat("/proc/self/ns/pid", &st) == 0)
		(void)snprintf(text, MACHINE_NAMESPACE, "%lu",
		    (unsigned long)st.st_ino);
}

/* Returns the text, or NULL if it is empty. */
static const char *
optional_text(const char *text)
{
	return *text != '\0' ? text : NULL;
}

void
machine_set_process(struct machine *m, struct run *r)
{
	unsigned long long started = 0;

	read_boot_id(m->boot);
	machine_namespace(m->pid_namespace);
	get_host_id(m->host_id);
	r->boot = optional_text(m->boot);
	r->pid_namespace = optional_text(m->pid_namespace);
	r->host_id = optional_text(m->host_id);
	r->pid = getpid();
	if (process_find(getpid(), &started) == PROCESS_RUNNING)
		r->pid_started = (int64_t)started;
}

static bool
is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* True if the process of the run `other`, which this process can look for, is
 * alive. A run of this process itself has ended: only its end could not be
 * stored. */
static bool
process_is_alive(const struct run *other, bool is_fresh)
{
	unsigned long long started = 0;

	switch (process_find((pid_t)other->pid, &started)) {
	case PROCESS_ENDED:
		return false;
	case PROCESS_RUNNING:
		if (other->pid_started == 0)
			break;
		return other->pid != getpid() &&
		    started == (unsigned long long)other->pid_started;
	case PROCESS_HIDDEN:
		break;
	}
	return is_fresh;
}

/* If the process of the run can be seen, it decides. A process in another
 * container cannot: there only the time decides, unless that container has the
 * lock folder of this one. A host that was booted again has no process of its
 * last boot. */
bool
machine_run_is_alive(
    const struct run *self, const struct run *other, bool is_fresh)
{
	if (other->pid > 0 && other->pid <= INT_MAX &&
	    is_same(self->boot, other->boot) &&
	    is_same(self->pid_namespace, other->pid_namespace))
		return process_is_alive(other, is_fresh);
	if (is_same(self->machine, other->machine))
		return false;
	if (self->boot != NULL && other->boot != NULL &&
	    strcmp(self->boot, other->boot) != 0 &&
	    is_same(self->host, other->host) &&
	    (is_same(self->host_id, other->host_id) ||
	    (self->host_id == NULL && other->host_id == NULL)))
		return false;
	return is_fresh;
}
