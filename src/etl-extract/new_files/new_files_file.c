#include "new_files/new_files_impl.h"

#include <fcntl.h>

bool
new_files_note_version(struct file_entry *f)
{
	struct stat st;

	if (stat(f->name, &st) == -1 || !S_ISREG(st.st_mode))
		return false;
	file_version_of(&f->version, &st);
	return true;
}

/* Opens with O_NONBLOCK: without it, open(2) of a FIFO would wait for a
 * writer. */
int
new_files_open_file(const struct new_files *n, struct file_entry *f,
    bool is_child, struct input_given *g, struct err *e)
{
	struct file_version now;
	struct stat st;

	*g = (struct input_given){
	    .fd = open(f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
	if (g->fd == -1)
		return err_errno(e, ERR_INPUT, f->name);
	if (fstat(g->fd, &st) == -1)
		return err_errno(e, ERR_IO, f->name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, false, "%s: is not a regular "
		    "file: --new-files reads only regular files", f->name);
	file_version_of(&now, &st);
	if (is_child && !file_version_is_same(&now, &f->version))
		return -1;      /* the parent reads it */
	f->version = now;
	g->size = now.size;
	return new_files_reads_tails(n->o) ?
	    new_files_find_tail(n, f, g->fd, g, e) : 0;
}
