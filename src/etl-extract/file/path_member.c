#include "file/path_member.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

enum { SHOWN_MAX = 1 << 20 };

int
path_member_check(const char *option, const char *field, struct err *e)
{
	if (field == NULL)
		return 0;
	if (strcmp(field, "@etl") == 0)
		return err_set(e, ERR_USAGE, false, "%s: the name @etl is "
		    "reserved for marks: choose another name", option);
	if (utf8_valid_length(field, strlen(field)) != strlen(field))
		return err_set(e, ERR_USAGE, false,
		    "%s: the name is not UTF-8", option);
	return 0;
}

void
path_member_put(struct buf *b, const char *field, const char *path)
{
	const size_t n = strlen(path);
	struct buf shown;

	if (field != NULL) {
		buf_char(b, ',');
		json_put_string(b, field, strlen(field));
		buf_char(b, ':');
		buf_init(&shown, SHOWN_MAX);
		if (utf8_valid_length(path, n) == n)
			buf_add(&shown, path, n);
		else
			text_show(&shown, path, n);
		json_put_string(b, shown.data, shown.len);
		b->failed |= shown.failed;
		buf_release(&shown);
	}
	buf_char(b, '}');
}

void
path_member_add(struct buf *record, const char *field, const char *path)
{
	const size_t at = record->len - 1;

	if (record->failed)
		return;
	record->len = at;
	path_member_put(record, field, path);
	if (!record->failed && record->data[at - 1] == '{')
		memmove(record->data + at, record->data + at + 1,
		    --record->len - at);
}
