#include "http/credentials.h"

#include "base/text.h"
#include "http/find_secret.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 64 << 10 };

/* What an answer may contain: the secret; with --auth basic and oauth2 also the
 * base64 text that is sent; the password of basic; the token of oauth2. */
enum secret_value { VALUE_SECRET, VALUE_BASE64, VALUE_PASSWORD, VALUE_TOKEN,
	VALUES };

/* The service may leave out the = at the end of a base64 text. */
static void
put_base64_without_end(struct buf *b, const char *s)
{
	base64_put(b, s, strlen(s));
	while (b->len > 0 && b->data[b->len - 1] == '=')
		b->len--;
}

/* With --auth basic and an empty password, the user name is the secret: some
 * services expect a token in its place. */
static void
put_secret_value(
    struct buf *b, const struct credentials *c, enum secret_value which)
{
	const char *s = c->secret, *colon = strchr(s, ':');

	if (which == VALUE_SECRET) {
		buf_str(b, s);
	} else if (which == VALUE_TOKEN) {
		buf_str(b, c->token == NULL ? "" : c->token);
	} else if (which == VALUE_BASE64 && c->client != NULL) {
		put_base64_without_end(b, c->client);
	} else if (strcmp(c->auth, "basic") != 0 || colon == NULL) {
		return;
	} else if (which == VALUE_PASSWORD) {
		if (colon[1] != '\0')
			buf_str(b, colon + 1);
		else
			buf_add(b, s, (size_t)(colon - s));
	} else {
		put_base64_without_end(b, s);
	}
}

/* Returns 1 if the text contains the secret, and marks its bytes; -1 without
 * memory. */
static int
mark_all_values(const struct credentials *c, const struct secret_text *text,
    char *marks)
{
	struct buf value;
	int found = 0, one;

	buf_init(&value, VALUE_MAX);
	for (enum secret_value i = VALUE_SECRET; i < VALUES && found != -1;
	     i++) {
		buf_clear(&value);
		put_secret_value(&value, c, i);
		one = value.failed ? -1 : value.len == 0 ? 0 :
		    find_secret(text, value.data, value.len, marks);
		found = one == -1 ? -1 : found | one;
	}
	if (value.data != NULL)
		explicit_bzero(value.data, value.cap);
	buf_release(&value);
	return found;
}

/* Without memory, the answer is true: the caller then shows and sends
 * nothing. */
static bool
is_secret_in(const struct credentials *c, const struct secret_text *text)
{
	char *marks;
	bool found;

	if (c->secret == NULL || text->n == 0)
		return false;
	if ((marks = calloc(text->n, 1)) == NULL)
		return true;
	found = mark_all_values(c, text, marks) != 0;
	free(marks);
	return found;
}

bool
credentials_are_in_text(const struct credentials *c, const char *p, size_t n)
{
	return is_secret_in(c, &(struct secret_text){ .p = p, .n = n });
}

bool
credentials_are_in_cut_text(
    const struct credentials *c, const char *p, size_t n)
{
	return is_secret_in(c,
	    &(struct secret_text){ .p = p, .n = n, .is_cut = true });
}

/* Returns false without memory. */
static bool
replace_marked_bytes(struct buf *b, const char *marks)
{
	struct buf masked;
	size_t n = b->len;
	bool ok;

	buf_init(&masked, b->max);
	for (size_t i = 0; i < n; i++)
		if (!marks[i])
			buf_char(&masked, b->data[i]);
		else if (i == 0 || !marks[i - 1])
			buf_str(&masked, "***");
	ok = !masked.failed;
	if (ok) {
		buf_clear(b);
		buf_add(b, masked.data, masked.len);
	}
	buf_release(&masked);
	return ok;
}

/* Without memory, makes the whole text *** and returns false. */
static bool
mask_text(const struct credentials *c, struct buf *b, bool is_cut)
{
	const struct secret_text text = { b->data, b->len, is_cut };
	char *marks;
	bool ok;

	if (c->secret == NULL || b->len == 0)
		return true;
	marks = calloc(b->len, 1);
	ok = marks != NULL && mark_all_values(c, &text, marks) != -1 &&
	    replace_marked_bytes(b, marks);
	free(marks);
	if (!ok) {
		buf_clear(b);
		buf_str(b, "***");
	}
	return ok;
}

int
credentials_mask_or_fail(
    const struct credentials *c, struct buf *b, struct err *e)
{
	if (buf_check(b, e) == -1)
		return -1;
	return mask_text(c, b, false) ? buf_check(b, e) : err_nomem(e);
}

void
credentials_mask_in_message(const struct credentials *c, struct buf *b)
{
	(void)mask_text(c, b, false);
}

void
credentials_mask_cut_text(const struct credentials *c, struct buf *b)
{
	(void)mask_text(c, b, true);
}
