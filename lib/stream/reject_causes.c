#include "reject.h"

#include "base/message_shape.h"
#include "base/text.h"
#include "input_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAUSES = 20, SHAPE = 160, EXAMPLE = 80 };

struct cause {
	uint64_t count;
	char code[32];
	char shape[SHAPE];      /* message without its variable parts */
	char message[SHAPE];    /* message of the first record */
	uint64_t line;          /* its line in the input, or 0 */
	char example[EXAMPLE];  /* the start of that record */
	size_t example_len;
	bool cut;               /* the record is longer than example */
};

struct causes {
	struct cause v[CAUSES]; /* in the order of their first records */
	size_t n;
	uint64_t others;        /* rejects of causes beyond the first CAUSES */
};

int
causes_new(struct causes **c, struct err *e)
{
	*c = calloc(1, sizeof(**c));
	return *c == NULL ? err_nomem(e) : 0;
}

void
causes_free(struct causes *c)
{
	free(c);
}

/* Returns the cause with this code and the shape of this message (the message
 * without its variable parts). Adds it if it is new. Returns NULL if there is
 * no room for it. */
static struct cause *
add_cause(struct causes *c, const char *code, const char *message)
{
	char shape[SHAPE];
	struct cause *new;

	message_shape(shape, sizeof(shape), message);
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].code, code) == 0 &&
		    strcmp(c->v[i].shape, shape) == 0)
			return &c->v[i];
	if (c->n == CAUSES)
		return NULL;
	new = &c->v[c->n++];
	(void)snprintf(new->code, sizeof(new->code), "%s", code);
	(void)snprintf(new->shape, sizeof(new->shape), "%s", shape);
	(void)snprintf(new->message, sizeof(new->message), "%s", message);
	return new;
}

void
causes_add(struct causes *c, const char *code, const char *message,
    const char *example, size_t len, uint64_t line)
{
	struct cause *k = add_cause(c, code, message != NULL ? message : "");

	if (k == NULL) {
		c->others++;
		return;
	}
	if (k->count++ > 0)
		return;
	k->line = line;
	k->example_len = text_cut_length(example, len, sizeof(k->example));
	k->cut = k->example_len < len;
	if (k->example_len > 0)
		memcpy(k->example, example, k->example_len);
}

/* Appends the count and the cause, with its example in brackets. */
static void
put_cause(struct buf *b, const struct cause *k)
{
	buf_printf(b, "%llu ", (unsigned long long)k->count);
	text_show(b, k->code, strlen(k->code));
	if (k->message[0] != '\0') {
		buf_str(b, ": ");
		text_show(b, k->message, strlen(k->message));
	}
	if (k->line == 0 && k->example_len == 0)
		return;
	buf_str(b, " (");
	if (k->line > 0)
		buf_printf(b, "line %llu", (unsigned long long)k->line);
	if (k->line > 0 && k->example_len > 0)
		buf_str(b, ": ");
	text_show(b, k->example, k->example_len);
	buf_str(b, k->cut ? "...)" : ")");
}

/* Of the causes that are not yet marked in `shown`, returns the one with the
 * most rejects, and marks it. Returns NULL if all are marked. */
static const struct cause *
next_cause(const struct causes *c, bool shown[CAUSES])
{
	size_t most = 0;
	bool any = false;

	for (size_t i = 0; i < c->n; i++)
		if (!shown[i] && (!any || c->v[i].count > c->v[most].count)) {
			most = i;
			any = true;
		}
	shown[most] = true;
	return any ? &c->v[most] : NULL;
}

void
causes_put(struct buf *b, const struct causes *c, const char *separator,
    size_t most)
{
	bool shown[CAUSES] = { false };
	uint64_t others = c->others;
	size_t start = b->len, before;
	const struct cause *k;

	while ((k = next_cause(c, shown)) != NULL) {
		before = b->len;
		if (before > start)
			buf_str(b, separator);
		put_cause(b, k);
		if (b->len - start > most) {
			b->len = before;
			others += k->count;
		}
	}
	if (others > 0)
		buf_printf(b, "%s%llu others", b->len > start ? separator : "",
		    (unsigned long long)others);
}

void
causes_advise_format(struct buf *b, const struct causes *c)
{
	const struct cause *first = &c->v[0];

	if (c->n > 0)
		input_advise_format(b, first->code, first->line, first->example,
		    first->example_len);
}

void
causes_advise_filter(struct buf *b, const struct causes *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].cut && input_may_be_mark(c->v[i].example,
		    c->v[i].example_len)) {
			input_advise_filter(b, c->v[i].line);
			return;
		}
}
