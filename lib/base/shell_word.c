#include "base/shell_word.h"

#include "base/text.h"

#include <string.h>

void
put_shell_word(struct buf *b, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
	size_t n = strlen(word), part;

	if (n > 0 && strspn(word, plain) == n) {
		buf_add(b, word, n);
		return;
	}
	buf_char(b, '\'');
	for (; n > 0; word += part, n -= part) {
		part = strcspn(word, "'");
		text_show(b, word, part);
		if (part < n) {
			buf_str(b, "'\\''");
			part++;
		}
	}
	buf_char(b, '\'');
}
