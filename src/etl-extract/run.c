#include "run.h"

#include "base/stop.h"
#include "common/stdout_reader.h"

enum outcome
run_items(const struct run *r, struct stage *s, struct err *e)
{
	struct item it = { 0 };

	for (;;) {
		/* A stop signal interrupts each wait for input. Input that is
		 * never waited for does not notice the signal, so check
		 * here. */
		if (stop_signal() != 0) {
			(void)fail_interrupted(e);
			return READ_IN_PART;
		}
		switch (r->next(r->from, &it, e)) {
		case SOURCE_ITEM:
			switch (r->use(r->self, &it, e)) {
			case 0:
				break;
			case 1:
				return READ_WHOLE;
			default:
				return READ_FAILED;
			}
			break;
		case SOURCE_PAUSE:
			if (r->pause != NULL && r->pause(r->self, e) == -1)
				return READ_FAILED;
			break;
		case SOURCE_MARK:
			if (r->write_mark(r->from, s, e) == -1)
				return READ_FAILED;
			break;
		case SOURCE_END:
			return READ_WHOLE;
		default:
			return READ_IN_PART;
		}
	}
}

enum source_next
run_stage_item(struct stage *s, enum stage_item got, struct raw_record *raw,
    struct item *it, struct err *e)
{
	const struct line *l = &it->line;
	const struct buf *b = &raw->bytes;

	switch (got) {
	case STAGE_RECORD:
		return SOURCE_ITEM;
	case STAGE_MARK:
		if (stage_last_mark(s)->kind != MARK_RAW)
			return SOURCE_MARK;
		if (raw_record_parse(raw, l->data, l->len, e) == -1)
			return SOURCE_FAILED;
		it->line = (struct line){ .number = l->number,
			.offset = l->offset,
			.data = b->len > 0 ? b->data : "", .len = b->len,
			.bytes = b->len };
		return SOURCE_ITEM;
	case STAGE_END:
		return SOURCE_END;
	case STAGE_WAIT:
		return SOURCE_PAUSE;
	default:
		return SOURCE_FAILED;
	}
}
