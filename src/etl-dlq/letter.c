#include "dlq.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

static void
text_member(struct buf *b, const char *name, const char *s)
{
	if (s != NULL && *s != '\0')
		json_put_text(b, name, s);
}

static void
raw_member(struct buf *b, const struct letter *l, struct buf *spare)
{
	if (l->raw == NULL)
		return;
	if (utf8_span(l->raw, l->raw_len) == l->raw_len) {
		json_put_member(b, "raw", l->raw, l->raw_len);
		return;
	}
	base64_put(spare, l->raw, l->raw_len);
	json_put_member(b, "raw_base64", spare->data, spare->len);
}

/* Inside a text of JSON text_show() is another spelling of the same: what it
 * changes stands in strings only, and becomes \uXXXX. */
int
letter_json(struct buf *line, const struct letter *l, struct err *e)
{
	struct buf b, spare;
	int rc = -1;

	buf_init(&b, line->max);
	buf_init(&spare, line->max);
	buf_char(&b, '{');
	json_put_int(&b, "letter", l->id);
	text_member(&b, "id", l->reject_id);
	text_member(&b, "status", l->status);
	text_member(&b, "pipeline", l->pipeline);
	text_member(&b, "stage", l->stage);
	text_member(&b, "code", l->code);
	text_member(&b, "message", l->message);
	text_member(&b, "pointer", l->pointer);
	if (l->origin != NULL && *l->origin != '\0')
		json_put_raw(&b, "origin", l->origin, strlen(l->origin));
	text_member(&b, "sqlstate", l->sqlstate);
	if (l->http_status != 0)
		json_put_int(&b, "http_status", l->http_status);
	if (l->retryable)
		json_put_raw(&b, "retryable", "true", 4);
	text_member(&b, "reason", l->reason);
	json_put_int(&b, "attempts", l->attempts);
	json_put_int(&b, "resolved_upto", l->resolved_upto);
	text_member(&b, "run", l->run);
	text_member(&b, "created_at", l->created_at);
	text_member(&b, "last_seen_at", l->last_seen_at);
	raw_member(&b, l, &spare);
	if (l->cut)
		json_put_raw(&b, "cut", "true", 4);
	buf_char(&b, '}');
	if (buf_check(&spare, e) == -1 || buf_check(&b, e) == -1)
		goto out;
	text_show(line, b.data, b.len);
	rc = buf_check(line, e);
out:
	buf_release(&spare);
	buf_release(&b);
	return rc;
}
