#include "table/record.h"

#include "json/pointer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
reader_set_pointer(struct reader *r, struct reject *why, const char *name,
    size_t len)
{
	buf_clear(&r->pointer);
	pointer_put_part(&r->pointer, name, len);
	why->pointer = buf_text(&r->pointer);
}

const char *
reader_get_place(const struct reader *r, size_t column)
{
	const char *pointer = r->target->mapping.pointer[column];

	return pointer != NULL ? pointer :
	    r->target->table->columns[column].name;
}

static void
point_to_old_key(struct reader *r, struct reject *why, size_t column)
{
	char name[CHANGE_NAME];
	size_t i = 0;

	while (r->target->key[i] != column)
		i++;
	change_old_name(name, i);
	reader_set_pointer(r, why, name, strlen(name));
}

int
reader_reject(struct reader *r, struct reject *why, size_t column,
    const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->message, sizeof(r->message), fmt, ap);
	va_end(ap);
	*why = (struct reject){ .code = code, .message = r->message };
	if (r->at_old_key) {
		point_to_old_key(r, why, column);
		return 0;
	}
	buf_clear(&r->pointer);
	if (target_put_pointer(&r->pointer, r->target, column))
		why->pointer = buf_text(&r->pointer);
	return 0;
}
