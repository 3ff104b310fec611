#include "pool/shared_slots.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>

enum { PAGE = 4096, OUT_FACTOR = 4 };

static size_t
round_up_to_pages(size_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

/* Attaches the input twice: to write, and to read. The second attachment has no
 * right to write that mprotect(2) could give, unlike memory of mmap(2) that is
 * read-only at first. (A file of memfd_create(2) would do too, but ulimit -f
 * limits its size.) IPC_RMID frees the memory when no process has it any
 * more. */
static int
attach_input(struct shared *s, size_t size)
{
	int id = shmget(IPC_PRIVATE, size, SHM_NORESERVE | 0600);
	void *rw, *ro;

	if (id == -1)
		return -1;
	rw = shmat(id, NULL, 0);
	ro = shmat(id, NULL, SHM_RDONLY);
	(void)shmctl(id, IPC_RMID, NULL);
	s->input = (intptr_t)rw != -1 ? rw : NULL;
	s->input_readonly = (intptr_t)ro != -1 ? ro : NULL;
	return s->input != NULL && s->input_readonly != NULL ? 0 : -1;
}

/* Maps the memory that parent and workers share. It is large: it has room for
 * the longest allowed record in each slot. But SHM_NORESERVE and MAP_NORESERVE
 * reserve no memory: a page takes memory only after it has been written to. */
int
shared_map(struct shared **out, unsigned int lanes, size_t max_record,
    struct err *e)
{
	struct shared *s = calloc(1, sizeof(*s));
	void *results;

	if (s == NULL)
		return err_nomem(e);
	s->lanes = lanes;
	s->in_max = round_up_to_pages(max_record + SLOT_BYTES);
	s->out_max = round_up_to_pages(
	    max_record * OUT_FACTOR + (size_t)2 * SLOT_OUTPUT_PAUSE);
	s->lines_size = round_up_to_pages(
	    sizeof(struct slot_lines) * SLOTS * lanes);
	s->results_size = round_up_to_pages(sizeof(struct slot) * SLOTS) +
	    s->out_max * SLOTS;
	*out = s;
	if (attach_input(s, s->lines_size + s->in_max * SLOTS * lanes) == -1)
		return err_errno(e, ERR_IO, "cannot get shared memory (shmget, "
		    "shmat) for the worker processes");
	results = mmap(NULL, s->results_size * lanes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (results == MAP_FAILED)
		return err_errno(e, ERR_IO, "cannot map shared memory for the "
		    "worker processes");
	s->results = results;
	return 0;
}

void
shared_unmap(struct shared *s)
{
	if (s == NULL)
		return;
	if (s->input != NULL)
		(void)shmdt(s->input);
	if (s->input_readonly != NULL)
		(void)shmdt(s->input_readonly);
	if (s->results != NULL)
		(void)munmap(s->results, s->results_size * s->lanes);
	free(s);
}

void
shared_drop_writable(struct shared *s)
{
	(void)shmdt(s->input);
	s->input = s->input_readonly;
	s->input_readonly = NULL;
}

void
shared_drop_readonly(struct shared *s)
{
	(void)shmdt(s->input_readonly);
	s->input_readonly = NULL;
}

int
shared_keep_lane(const struct shared *s, unsigned int lane)
{
	char *own = s->results + s->results_size * lane;
	unsigned int after = s->lanes - lane - 1;

	if (lane > 0 && munmap(s->results, s->results_size * lane) == -1)
		return -1;
	return after > 0 ? munmap(own + s->results_size,
	    s->results_size * after) : 0;
}

struct slot_lines *
slot_lines(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return (struct slot_lines *)(void *)s->input +
	    (size_t)lane * SLOTS + slot;
}

struct slot *
slot_at(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return (struct slot *)(void *)(s->results + s->results_size * lane) +
	    slot;
}

char *
slot_input(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return s->input + s->lines_size + s->in_max * (lane * SLOTS + slot);
}

char *
slot_output(const struct shared *s, unsigned int lane, unsigned int slot)
{
	return s->results + s->results_size * (lane + 1) -
	    s->out_max * (SLOTS - slot);
}

void
slot_release_input(
    const struct shared *s, unsigned int lane, unsigned int slot)
{
	(void)madvise(slot_input(s, lane, slot), s->in_max, MADV_REMOVE);
}

void
slot_release_output(
    const struct shared *s, unsigned int lane, unsigned int slot)
{
	(void)madvise(slot_output(s, lane, slot), s->out_max, MADV_REMOVE);
}
