/* Memory that the parent and the workers share: what is given, which workers
 * can only read, and what they make of it, which nobody may trust.
 * A lane is a worker and its two slots: while it works on one, the parent
 * fills or empties the other.  A batch is a slot's lines; done says how many
 * have an outcome, so that a worker's death loses the record it held only.
 * Turns: FREE (parent fills) FULL (worker runs) DONE (parent empties; with
 *        done < n it clears out and makes it FULL again). */
#ifndef TRANSFORM_SHARED_SLOTS_H
#define TRANSFORM_SHARED_SLOTS_H

#include "base/errval.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SLOTS = 2,              /* of a lane */
	SLOT_RECORDS = 1024,    /* of a batch, and */
	SLOT_BYTES = 256 << 10, /* its length, but for a longer line */
	SLOT_SPILL = 1 << 20,   /* output that is emptied before more is made */
	REJECT_MAX = 32 << 10   /* code, message and pointer, each with a NUL */
};

enum slot_state { SLOT_FREE, SLOT_FULL, SLOT_DONE };

struct batch {
	uint32_t n;
	uint64_t turn;          /* of two FULL slots the lower is first */
	uint64_t len;
	struct {
		uint32_t at, len;               /* the line, and */
		uint64_t number, offset;        /* where it came from */
	} line[SLOT_RECORDS];
};

struct made {
	uint64_t turn;          /* the batch's, else it is not of this line */
	uint64_t at, len;       /* outputs, an LF after each; or a reject */
	bool rejected;
};

struct slot {
	_Atomic uint32_t state;
	_Atomic uint32_t begun, done;   /* records */
	uint64_t len;           /* of what was made */
	struct made made[SLOT_RECORDS];
};

struct lane {
	_Atomic int pid;        /* dead or not, until a new one is asked for */
	struct batch batch[SLOTS];
};

struct shared {
	size_t size, given;     /* of the mapping, and of its first part */
	size_t in_max, out_max; /* of one slot's areas */
	unsigned int lanes;
	struct err compile;     /* why the filter does not compile */
	struct lane lane[];
};

int shared_map(struct shared **s, unsigned int lanes, size_t max_record,
    struct err *e);
void shared_unmap(struct shared *s);
int shared_guard(struct shared *s);     /* what is given is read only here */
struct slot *slot_at(struct shared *s, unsigned int lane, unsigned int slot);
char *slot_in(struct shared *s, unsigned int lane, unsigned int slot);
char *slot_out(struct shared *s, unsigned int lane, unsigned int slot);
/* Give the memory of a large record back: of its line, of what it made. */
void slot_trim_in(struct shared *s, unsigned int lane, unsigned int slot);
void slot_trim_out(struct shared *s, unsigned int lane, unsigned int slot);

/* What a worker or their keeper tells the parent: one write to a pipe. */
enum event_kind { EVENT_COMPILED, EVENT_REFUSED, EVENT_DONE, EVENT_DIED,
	EVENT_FORK };

struct event {
	enum event_kind kind;
	unsigned int lane;
	int status;             /* a signal, errno, or minus an exit status */
};

#endif
