#include "page/page_fault.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { NAMES_MAX = 1024 };

static int
fail_second_array(const struct splitter *s, struct err *e)
{
	const struct buf *one = splitter_first_array(s);
	const struct buf *other = splitter_second_array(s);
	struct buf b;

	buf_init(&b, NAMES_MAX);
	text_show(&b, one->data, one->len);
	buf_str(&b, " and ");
	text_show(&b, other->data, other->len);
	(void)err_set(e, ERR_CONFIG, false, "the answer has two arrays, %s: "
	    "choose the array of records with --records", buf_text(&b));
	buf_release(&b);
	return -1;
}

int
page_set_fault(const struct body *b, const struct splitter *s, struct err *e)
{
	const struct walk_fault *f = splitter_fault(s);
	char why[160];

	switch (f->kind) {
	case WALK_CUT:
		return body_fail(
		    b, "the JSON ends too early", true, e);
	case WALK_EMPTY:
		return err_set(e, ERR_PEER, false, "the answer is empty");
	case WALK_NO_ARRAY:
		return body_fail_no_array(b, e);
	case WALK_TWO_ARRAYS:
		return fail_second_array(s, e);
	case WALK_RECORDS_TWICE:
		return err_set(e, ERR_PEER, false, "the answer has the member "
		    "at --records '%s' twice, the second time at byte %" PRIu64,
		    b->records, f->at + 1);
	case WALK_INSIDE:
		return err_set(e, ERR_CONFIG, false, "--next, --more or "
		    "--total points into the array of records: name a member "
		    "outside of this array");
	case WALK_TOO_LARGE:
		return err_set(e, ERR_PEER, false, "the values of the answer "
		    "that the paging needs are longer than 1 MiB");
	case WALK_LONG_NAME:
		return err_set(e, ERR_PEER, false, "the answer has a member "
		    "name that is longer than 64 KiB, at byte %" PRIu64,
		    f->at + 1);
	default:
		(void)snprintf(why, sizeof(why), "the answer is not JSON (%s, "
		    "at byte %" PRIu64 ")", f->why, f->at + 1);
		return body_fail(b, why, false, e);
	}
}
