#include "engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 8 << 10, POINTER_MAX = 20 << 10 };

/* Prepares o for the first record. o->out, the buffer for the outputs of the
 * filter, gets no memory here: the caller points it to shared memory. */
void
outcome_init(struct outcome *o)
{
	*o = (struct outcome){ .code = "" };
	buf_init(&o->message, MESSAGE_MAX);
	buf_init(&o->pointer, POINTER_MAX);
}

void
outcome_release(struct outcome *o)
{
	buf_release(&o->message);
	buf_release(&o->pointer);
}

void
outcome_clear(struct outcome *o)
{
	buf_clear(&o->out);
	buf_clear(&o->message);
	buf_clear(&o->pointer);
	o->code[0] = '\0';
}

void
outcome_reject(struct outcome *o, const char *code, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list ap;

	outcome_clear(o);
	(void)snprintf(o->code, sizeof(o->code), "%s", code);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_str(&o->message, text);
}

void
outcome_reject_size(struct outcome *o)
{
	outcome_reject(o, "timeout", "the filter made too much output from one "
	    "record: more than 4 times --max-record and 1MiB");
}

bool
outcome_end_output(struct outcome *o, size_t from, size_t max_record)
{
	static const char mark[] = "{\"@etl\":";
	size_t len = o->out.len - from;

	buf_char(&o->out, '\n');
	if (o->out.failed)
		outcome_reject_size(o);
	else if (len > max_record)
		outcome_reject(o, "too_long", "the filter made a record longer "
		    "than --max-record (%zu bytes)", max_record);
	else if (len >= sizeof(mark) - 1 &&
	    memcmp(o->out.data + from, mark, sizeof(mark) - 1) == 0)
		outcome_reject(o, "reserved", "the filter made an object that "
		    "begins with the member @etl, which is reserved for marks");
	return o->code[0] == '\0';
}

void
outcome_reject_type(struct outcome *o, const char *type)
{
	outcome_reject(o, "type", "the filter made a value that is not an "
	    "object: %s", type);
}

void
outcome_put_text(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && b->len < b->max) {
		size_t part = strnlen(p, (size_t)(end - p));
		size_t left = b->max - b->len;

		buf_add(b, p, part < left ? part : left);
		p += part;
		if (p < end && part < left)
			buf_str(b, "\\u0000");
		p++;
	}
}

bool
outcome_is_code(const char *p, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	if (n == 0 || n >= sizeof((struct outcome){ 0 }.code))
		return false;
	for (size_t i = 0; i < n; i++)
		if (memchr(letters, p[i], sizeof(letters) - 1) == NULL)
			return false;
	return true;
}
