#include "machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOOT_ID = 36 };

/* The kernel makes this id at random when it boots. */
static int
read_boot_id(char id[BOOT_ID + 1])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = read(fd, id, BOOT_ID);
	(void)close(fd);
	if (n != BOOT_ID)
		return -1;
	id[BOOT_ID] = '\0';
	return 0;
}

void
machine_get_id_for_lock_folder(char id[MACHINE_ID], int lock_folder)
{
	char boot[BOOT_ID + 1];
	struct stat st;

	*id = '\0';
	if (read_boot_id(boot) == 0 && fstat(lock_folder, &st) == 0)
		(void)snprintf(id, MACHINE_ID, "%s:%lu:%lu", boot,
		    (unsigned long)st.st_dev, (unsigned long)st.st_ino);
}

void
machine_get_pid_namespace(char text[MACHINE_NAMESPACE])
{
	struct stat st;

	*text = '\0';
	if (stat("/proc/self/ns/pid", &st) == 0)
		(void)snprintf(text, MACHINE_NAMESPACE, "%lu",
		    (unsigned long)st.st_ino);
}
