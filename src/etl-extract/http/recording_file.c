#include "http/recording_impl.h"

#include <inttypes.h>
#include <unistd.h>

int
recording_set_path(struct buf *b, const char *folder, uint64_t n,
    const char *suffix, struct err *e)
{
	buf_clear(b);
	buf_printf(b, "%s/%06" PRIu64 "%s", folder, n, suffix);
	(void)buf_text(b);
	return buf_check(b, e);
}

void
recording_abort(struct recording *r)
{
	if (!r->is_open)
		return;
	r->is_open = false;
	(void)close(r->fd);
	if (r->to != NULL)
		(void)unlink(r->part.data);
}
