#include "pool/shared_slots.h"

#include <sys/mman.h>

enum { PAGE = 4096, OUT_FACTOR = 4 };

static size_t
pages(size_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

static size_t
lanes_size(unsigned int lanes)
{
	return pages(sizeof(struct shared) + lanes * sizeof(struct lane));
}

static size_t
slots_size(unsigned int lanes)
{
	return pages(sizeof(struct slot) * SLOTS * lanes);
}

/* Pages cost memory only once they are used. */
int
shared_map(struct shared **out, unsigned int lanes, size_t max_record,
    struct err *e)
{
	size_t in = pages(max_record + SLOT_BYTES);
	size_t most = pages(max_record * OUT_FACTOR + (size_t)2 * SLOT_SPILL);
	size_t given = lanes_size(lanes) + in * SLOTS * lanes;
	size_t size = given + slots_size(lanes) + most * SLOTS * lanes;
	struct shared *s = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (s == MAP_FAILED)
		return err_errno(e, ERR_IO, "shared memory");
	s->size = size;
	s->given = given;
	s->in_max = in;
	s->out_max = most;
	s->lanes = lanes;
	*out = s;
	return 0;
}

void
shared_unmap(struct shared *s)
{
	if (s != NULL)
		(void)munmap(s, s->size);
}

int
shared_guard(struct shared *s)
{
	return mprotect(s, s->given, PROT_READ);
}

struct slot *
slot_at(struct shared *s, unsigned int lane, unsigned int slot)
{
	return (struct slot *)(void *)((char *)s + s->given) +
	    (size_t)lane * SLOTS + slot;
}

char *
slot_in(struct shared *s, unsigned int lane, unsigned int slot)
{
	return (char *)s + lanes_size(s->lanes) +
	    s->in_max * (lane * SLOTS + slot);
}

char *
slot_out(struct shared *s, unsigned int lane, unsigned int slot)
{
	return (char *)s + s->given + slots_size(s->lanes) +
	    s->out_max * (lane * SLOTS + slot);
}

void
slot_trim_in(struct shared *s, unsigned int lane, unsigned int slot)
{
	if (s->lane[lane].batch[slot].len > SLOT_SPILL)
		(void)madvise(slot_in(s, lane, slot), s->in_max,
		    MADV_REMOVE);
}

void
slot_trim_out(struct shared *s, unsigned int lane, unsigned int slot)
{
	if (slot_at(s, lane, slot)->len / 2 > SLOT_SPILL)
		(void)madvise(slot_out(s, lane, slot), s->out_max,
		    MADV_REMOVE);
}
