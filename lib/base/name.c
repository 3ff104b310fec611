#include "name.h"

#include "text.h"

#include <string.h>

int
name_check(const char *option, const char *name, size_t most, struct err *e)
{
	size_t n = strlen(name);
	struct buf shown;
	bool plain, nomem;

	/* text_show() writes a character that it escapes as up to 8 bytes. If
	 * the shown text equals the name, the name has no such character. */
	buf_init(&shown, 8 * most + 1);
	if (n <= most)
		text_show(&shown, name, n);
	plain = n > 0 && shown.len == n && memcmp(shown.data, name, n) == 0;
	nomem = shown.failed && !shown.full;
	buf_release(&shown);
	if (nomem)
		return err_nomem(e);
	if (plain)
		return 0;
	return err_set(e, ERR_USAGE, false, "%s: must be 1 to %zu bytes of "
	    "text without control characters", option, most);
}
