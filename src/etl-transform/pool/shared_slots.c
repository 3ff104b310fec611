#include "pool/shared_slots.h"

#include <sys/mman.h>

enum { PAGE = 4096, OUT_FACTOR = 4 };

static size_t
round_up_to_pages(size_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

static size_t
lanes_size(unsigned int lanes)
{
	return round_up_to_pages(
	    sizeof(struct shared) + lanes * sizeof(struct lane));
}

static size_t
slots_size(unsigned int lanes)
{
	return round_up_to_pages(sizeof(struct slot) * SLOTS * lanes);
}

/* Maps the memory that parent and workers share. The mapping is large: it has
 * room for the longest allowed record in each slot. But MAP_NORESERVE reserves
 * no memory: a page takes memory only after it has been written to. */
int
shared_map(struct shared **out, unsigned int lanes, size_t max_record,
    struct err *e)
{
	size_t in_size = round_up_to_pages(max_record + SLOT_BYTES);
	size_t out_size = round_up_to_pages(
	    max_record * OUT_FACTOR + (size_t)2 * SLOT_OUTPUT_PAUSE);
	size_t input_size = lanes_size(lanes) + in_size * SLOTS * lanes;
	size_t size = input_size + slots_size(lanes) + out_size * SLOTS * lanes;
	struct shared *s = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (s == MAP_FAILED)
		return err_errno(e, ERR_IO, "cannot map shared memory for the "
		    "worker processes");
	s->size = size;
	s->input_size = input_size;
	s->in_max = in_size;
	s->out_max = out_size;
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
shared_make_input_readonly(struct shared *s)
{
	return mprotect(s, s->input_size, PROT_READ);
}

struct slot *
slot_at(struct shared *s, unsigned int lane, unsigned int slot)
{
	return (struct slot *)(void *)((char *)s + s->input_size) +
	    (size_t)lane * SLOTS + slot;
}

char *
slot_input(struct shared *s, unsigned int lane, unsigned int slot)
{
	return (char *)s + lanes_size(s->lanes) +
	    s->in_max * (lane * SLOTS + slot);
}

char *
slot_output(struct shared *s, unsigned int lane, unsigned int slot)
{
	return (char *)s + s->input_size + slots_size(s->lanes) +
	    s->out_max * (lane * SLOTS + slot);
}

void
slot_release_large_input(struct shared *s, unsigned int lane, unsigned int slot)
{
	if (s->lane[lane].slot_lines[slot].len > SLOT_OUTPUT_PAUSE)
		(void)madvise(slot_input(s, lane, slot), s->in_max,
		    MADV_REMOVE);
}

void
slot_release_large_output(
    struct shared *s, unsigned int lane, unsigned int slot)
{
	if (slot_at(s, lane, slot)->len / 2 > SLOT_OUTPUT_PAUSE)
		(void)madvise(slot_output(s, lane, slot), s->out_max,
		    MADV_REMOVE);
}
