#include "http/credentials.h"

#include "base/base64.h"
#include "http/find_secret.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 64 << 10 };

/* The texts that must not be shown if an answer contains them: the secret, also
 * without the "=" at its end; with --auth basic and oauth2 the base64 text that
 * was sent; with --auth basic the password; with oauth2 the token. */
enum secret_value { VALUE_SECRET, VALUE_UNPADDED, VALUE_BASE64, VALUE_PASSWORD,
	VALUE_TOKEN, VALUES };

/* A service may repeat base64 text without the "=" at its end. */
static void
remove_padding(struct buf *b)
{
	while (b->len > 0 && b->data[b->len - 1] == '=')
		b->len--;
}

/* Appends one of the secret texts, or nothing if there is no such text. With
 * --auth basic and an empty password, the user name counts as the password:
 * some services expect a token as the user name. */
static void
put_secret_value(
    struct buf *b, const struct credentials *c, enum secret_value which)
{
	const char *s = c->secret, *colon = strchr(s, ':');

	if (which == VALUE_SECRET) {
		buf_str(b, s);
	} else if (which == VALUE_UNPADDED) {
		buf_str(b, s);
		remove_padding(b);
	} else if (which == VALUE_TOKEN) {
		buf_str(b, c->token == NULL ? "" : c->token);
	} else if (which == VALUE_BASE64 && c->client != NULL) {
		base64_put(b, c->client, strlen(c->client));
		remove_padding(b);
	} else if (strcmp(c->auth, "basic") != 0 || colon == NULL) {
		return;
	} else if (which == VALUE_PASSWORD) {
		if (colon[1] != '\0')
			buf_str(b, colon + 1);
		else
			buf_add(b, s, (size_t)(colon - s));
	} else {
		base64_put(b, s, strlen(s));
		remove_padding(b);
	}
}

/* Sets marks[i] to 1 for each byte of the text that belongs to a secret.
 * Returns 1 if there is such a byte, 0 if not, -1 if memory is out. Half of
 * USER:PASSWORD does not count: it may be the user name, which is no secret. */
static int
mark_all_values(const struct credentials *c, const struct secret_text *given,
    char *marks)
{
	const bool is_basic = strcmp(c->auth, "basic") == 0;
	struct secret_text text = *given;
	struct buf value;
	int found = 0, one;

	buf_init(&value, VALUE_MAX);
	for (enum secret_value i = VALUE_SECRET; i < VALUES && found != -1;
	     i++) {
		buf_clear(&value);
		put_secret_value(&value, c, i);
		text.is_strict = given->is_strict && (!is_basic ||
		    i == VALUE_BASE64 || i == VALUE_PASSWORD);
		one = value.failed ? -1 : value.len == 0 ? 0 :
		    find_secret(&text, value.data, value.len, marks);
		found = one == -1 ? -1 : found | one;
	}
	if (value.data != NULL)
		explicit_bzero(value.data, value.cap);
	buf_release(&value);
	return found;
}

/* Returns true also if memory is out: the caller then neither shows nor sends
 * the text. */
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
credentials_in_url(const struct credentials *c, const char *p, size_t n)
{
	return is_secret_in(c,
	    &(struct secret_text){ .p = p, .n = n, .is_strict = true });
}

bool
credentials_in_cut(const struct credentials *c, const char *p, size_t n)
{
	return is_secret_in(c,
	    &(struct secret_text){ .p = p, .n = n, .is_cut = true,
		.is_strict = true });
}

/* Returns false if memory is out. */
static bool
replace_marked(struct buf *b, const char *marks)
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

/* Replaces each copy of the secret by ***. If memory is out, replaces the whole
 * text by *** and returns false. */
static bool
mask_text(const struct credentials *c, struct buf *b, bool is_cut,
    bool is_strict)
{
	const struct secret_text text = { b->data, b->len, is_cut, is_strict };
	char *marks;
	bool ok;

	if (c->secret == NULL || b->len == 0)
		return true;
	marks = calloc(b->len, 1);
	ok = marks != NULL && mark_all_values(c, &text, marks) != -1 &&
	    replace_marked(b, marks);
	free(marks);
	if (!ok) {
		buf_clear(b);
		buf_str(b, "***");
	}
	return ok;
}

int
credentials_mask(const struct credentials *c, struct buf *b, struct err *e)
{
	if (buf_check(b, e) == -1)
		return -1;
	return mask_text(c, b, false, false) ? buf_check(b, e) : err_nomem(e);
}

void
credentials_mask_msg(const struct credentials *c, struct buf *b)
{
	(void)mask_text(c, b, false, true);
}

void
credentials_mask_cut(const struct credentials *c, struct buf *b)
{
	(void)mask_text(c, b, true, true);
}
