#include "cursor/validators.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

enum { LEVELS = 2 };

/* Of these headers, only the first one that an answer has is used. If a request
 * has If-None-Match, a service ignores If-Modified-Since (RFC 9110, 13.1.3). */
static const struct {
	const char *member, *answer_header, *request_header;
} kinds[] = {
	{ "etag", "ETag", "If-None-Match" },
	{ "last_modified", "Last-Modified", "If-Modified-Since" },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool
is_header_value(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return false;
	return n > 0 && utf8_valid_length(p, n) == n;
}

/* Appends the header of the first stored validator that a header can contain,
 * or nothing. */
static void
put_condition(struct buf *header, const struct json *j, uint32_t entry)
{
	for (size_t k = 0; k < KINDS; k++) {
		uint32_t i = json_member_value(j, entry, kinds[k].member,
		    strlen(kinds[k].member));
		size_t before;

		if (i == 0 || j->tok[i].type != JSON_STRING)
			continue;
		buf_printf(header, "%s: ", kinds[k].request_header);
		before = header->len;
		json_unescape(header, j, i);
		if (is_header_value(header->data + before,
		    header->len - before))
			return;
		buf_clear(header);
	}
}

int
validators_put_header(struct buf *header, const char *validators,
    const char *url, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	uint32_t entry = 0;

	if (json_scan(&j, validators, strlen(validators), LEVELS, JSON_LAST,
	    &f) == 0 && j.tok[0].type == JSON_OBJECT)
		entry = json_member_value(&j, 0, url, strlen(url));
	if (entry != 0 && j.tok[entry].type == JSON_OBJECT)
		put_condition(header, &j, entry);
	json_release(&j);
	return f.nomem ? err_nomem(e) : buf_check(header, e);
}

int
validators_put_answer(struct buf *validators, const char *url,
    const struct http_answer *a, struct err *e)
{
	const char *v;
	size_t n;

	for (size_t k = 0; k < KINDS; k++) {
		if (!http_find_header(a, kinds[k].answer_header, &v, &n) ||
		    !is_header_value(v, n))
			continue;
		buf_char(validators, '{');
		json_put_string(validators, url, strlen(url));
		buf_str(validators, ":{");
		json_put_member(validators, kinds[k].member, v, n);
		buf_str(validators, "}}");
		break;
	}
	return buf_check(validators, e);
}
