#include "table/time_of_change.h"

#include "json/pointer.h"
#include "json/write.h"

#include <stdio.h>
#include <string.h>

bool
is_time_of_change(const struct reader *r, size_t column, const char *name,
    size_t len)
{
	const struct target *t = r->target;
	const char *as_of = t->history.as_of;

	return as_of != NULL && strlen(as_of) == len &&
	    memcmp(as_of, name, len) == 0 &&
	    (column == t->table->n || history_sets(t, column) ||
	    t->mapping.pointer[column] != NULL ||
	    !mapping_loads(&t->mapping, t->table, column));
}

static int
reject_time(struct reader *r, struct reject *why, struct as_of_refusal no)
{
	const char *name = r->target->history.as_of;

	(void)snprintf(r->message, sizeof(r->message),
	    "the time of change (--as-of %.200s): %s", name, no.message);
	buf_clear(&r->pointer);
	pointer_put_part(&r->pointer, name, strlen(name));
	*why = (struct reject){ .code = no.code, .message = r->message,
		.pointer = buf_text(&r->pointer) };
	return 0;
}

int
read_time_of_change(struct reader *r, struct reject *why)
{
	static const struct as_of_refusal absent = { "required",
		"the record has no such member" }, null = { "required",
		"it is null" }, other = { "type", "not a date or time" };
	const struct history *h = &r->target->history;
	struct as_of_refusal no;
	uint32_t tok;

	r->as_of[0] = '\0';
	if (h->as_of == NULL)
		return 1;
	tok = json_member_value(&r->json, 0, h->as_of, strlen(h->as_of));
	if (tok == 0)
		return reject_time(r, why, absent);
	if (r->json.tok[tok].type != JSON_STRING)
		return reject_time(r, why,
		    r->json.tok[tok].type == JSON_NULL ? null : other);
	buf_clear(&r->text);
	json_unescape(&r->text, &r->json, tok);
	if (r->text.failed)
		return 0;
	return as_of_convert(r->as_of, buf_text(&r->text),
	    r->text.len, h->digits, r->target->lossy, &no) ? 1 :
	    reject_time(r, why, no);
}
