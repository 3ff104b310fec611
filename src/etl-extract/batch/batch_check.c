#include "batch/batch_place.h"

#include "json/pointer.h"

#include <string.h>

enum { MESSAGE_MAX = 1024 };

static int
reject_for_id(struct batch_run *x, const struct line *l,
    const struct template_fault *f, struct err *e)
{
	struct reject r = { .code = f->code, .pointer = x->option.ids };
	struct buf message;
	int rc;

	buf_init(&message, MESSAGE_MAX);
	buf_printf(&message, "%.200s: %s", x->option.ids, f->why);
	r.message = buf_text(&message);
	rc = buf_check(&message, e) == -1 ? -1 :
	    stage_reject(x->stage, l, &r, e);
	buf_release(&message);
	return rc;
}

/* Reads the id of the record into x->value, and its encoded form for the
 * request into x->encoded. Returns 0 with the fault in *f if the record has no
 * id that can be put into the request. */
static int
encode_id(struct batch_run *x, struct template_fault *f, struct err *e)
{
	uint32_t i;
	int rc;

	if (!pointer_find(&x->call.j, x->option.ids, &i))
		i = 0;
	buf_clear(&x->encoded);
	x->is_string = x->call.j.tok[i].type == JSON_STRING;
	rc = template_value_text(&x->call.j, i, &x->value, f);
	if (rc == 1 && !x->value.failed)
		rc = batch_put_id(x, &x->value, x->is_string, &x->encoded, f);
	if (rc == 0 || (!x->value.failed && !x->encoded.failed))
		return rc;
	if (!x->value.full && !x->encoded.full)
		return buf_check(&x->value, e) == -1 ? -1 :
		    buf_check(&x->encoded, e);
	f->code = "range";
	f->why = "the request would be too long";
	return 0;
}

int
batch_read_id(struct batch_run *x, const struct line *l, bool rejects,
    struct err *e)
{
	const unsigned parts = pointer_count(x->option.ids);
	struct template_fault f = { 0 };
	struct reject r = { 0 };
	const char *name;
	int rc = each_has_line_feed(l, &r) ? 0 :
	    stage_parse_only(x->stage, l, &x->call.j,
		parts, JSON_UNIQUE, &r, e);

	if (rc != 1)
		return rc == -1 || !rejects ? rc :
		    stage_reject(x->stage, l, &r, e);
	if ((name = each_find_name(x->o, &x->call.j)) != NULL)
		return !rejects ? 0 : each_reject_member(x->stage, l,
		    "duplicate_member", name, strlen(name), each_has_name, e);
	rc = encode_id(x, &f, e);
	return rc != 0 || !rejects ? rc : reject_for_id(x, l, &f, e);
}
