#include "batch/rejected_bytes.h"

#include "base/base64.h"
#include "json/write.h"

#include <string.h>

void
put_string_member(struct buf *b, const struct json *j, const char *name)
{
	uint32_t v = json_member_value(j, 0, name, strlen(name));

	if (v != 0 && j->tok[v].type == JSON_STRING)
		json_unescape(b, j, v);
}

void
put_rejected_bytes(struct buf *b, const struct json *j)
{
	struct buf base64;

	put_string_member(b, j, "raw");
	if (b->len > 0)
		return;
	buf_init(&base64, SIZE_MAX / 2);
	put_string_member(&base64, j, "raw_base64");
	(void)base64_get(b, buf_text(&base64), base64.len);
	buf_release(&base64);
}
