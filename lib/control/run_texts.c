#include "control/run_texts.h"

#include "base/text.h"

#include <string.h>

enum { MESSAGE_BYTES = 32768 };

void
run_put_text(struct buf *b, const char *given)
{
	size_t n = strnlen(given, MESSAGE_BYTES), good;

	while (n > 0) {
		good = utf8_valid_length(given, n);
		buf_add(b, given, good);
		if (good == n)
			return;
		if (n - good > 3 || given[n] == '\0')
			buf_char(b, '?');
		given += good + 1;
		n -= good + 1;
	}
}

int
run_escape_texts(struct buf *ascii, const char **texts, size_t n, struct db *db,
    struct err *e)
{
	int limited = db_lacks_unicode(db, e);

	for (size_t i = 0; i < n && limited == 1; i++)
		if (texts[i] != NULL) {
			text_put_ascii(&ascii[i], texts[i], strlen(texts[i]));
			texts[i] = buf_text(&ascii[i]);
			if (buf_check(&ascii[i], e) == -1)
				return -1;
		}
	return limited == -1 ? -1 : 0;
}
