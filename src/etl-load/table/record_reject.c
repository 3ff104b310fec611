#include "table/record.h"

#include "json/pointer.h"

#include <stdarg.h>
#include <stdio.h>

void
reader_set_reject_pointer(
    struct reader *r, struct reject *why, const char *name, size_t len)
{
	buf_clear(&r->pointer);
	pointer_append_part(&r->pointer, name, len);
	why->pointer = buf_text(&r->pointer);
}

int
reader_set_reject_of_column(struct reader *r, struct reject *why, size_t column,
    const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->message, sizeof(r->message), fmt, ap);
	va_end(ap);
	*why = (struct reject){ .code = code, .message = r->message };
	buf_clear(&r->pointer);
	if (target_put_pointer(&r->pointer, r->target, column))
		why->pointer = buf_text(&r->pointer);
	return 0;
}
