#include "http/url.h"

#include <ctype.h>
#include <string.h>

static const char unreserved[] = "-._~";
static const char gen_and_sub_delims[] = ":/?#[]@!$&'()*+,;=";

static bool
is_in_set(const char *set, char c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
is_triplet(const char *p, size_t n)
{
	return n >= 3 && p[0] == '%' && isxdigit((unsigned char)p[1]) &&
	    isxdigit((unsigned char)p[2]);
}

void
percent_encode(struct buf *b, const char *p, size_t n,
    bool keep_reserved_and_triplets)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; n > 0; p++, n--) {       /* p may be NULL if n is 0 */
		unsigned char c = (unsigned char)*p;

		if ((c < 0x80 && isalnum(c)) || is_in_set(unreserved, *p) ||
		    (keep_reserved_and_triplets &&
			(is_in_set(gen_and_sub_delims, *p) ||
			    is_triplet(p, n)))) {
			buf_char(b, *p);
			continue;
		}
		buf_char(b, '%');
		buf_char(b, hex[c >> 4]);
		buf_char(b, hex[c & 15]);
	}
}

static size_t
fragment_start(const struct buf *url)
{
	const char *p = url->len == 0 ? NULL :
	    memchr(url->data, '#', url->len);

	return p == NULL ? url->len : (size_t)(p - url->data);
}

/* True if the query parameter p..end, NAME=VALUE without the "&" before it, has
 * this name. */
static bool
has_param_name(const char *p, const char *end, const struct buf *encoded_name)
{
	size_t n = (size_t)(end - p);

	return n >= encoded_name->len &&
	       memcmp(p, encoded_name->data, encoded_name->len) == 0 &&
	       (n == encoded_name->len || p[encoded_name->len] == '=');
}

void
query_remove(struct buf *url, const char *name, size_t n)
{
	char *p, *to, *amp, *q = url->len == 0 ? NULL :
	    memchr(url->data, '?', fragment_start(url));
	char *end;
	struct buf key;

	if (q == NULL)
		return;
	buf_init(&key, url->max);
	percent_encode(&key, name, n, false);
	end = url->data + fragment_start(url);
	for (p = to = q + 1; p < end && !key.failed; p = amp + 1) {
		amp = memchr(p, '&', (size_t)(end - p));
		if (amp == NULL)
			amp = end;
		if (has_param_name(p, amp, &key))
			continue;
		if (to > q + 1)
			*to++ = '&';
		memmove(to, p, (size_t)(amp - p));
		to += amp - p;
	}
	if (key.failed)
		url->failed = true;
	else
		url->len = (size_t)((to > q + 1 ? to : q) - url->data);
	buf_release(&key);
}

void
query_add(struct buf *url, const char *name, size_t n, const char *value)
{
	const char *q;

	url->len = fragment_start(url);
	q = url->len == 0 ? NULL : memchr(url->data, '?', url->len);
	buf_char(url, q == NULL ? '?' : '&');
	percent_encode(url, name, n, false);
	buf_char(url, '=');
	percent_encode(url, value, strlen(value), false);
}

void
query_set(struct buf *url, const char *name, size_t n, const char *value)
{
	query_remove(url, name, n);
	query_add(url, name, n, value);
}
