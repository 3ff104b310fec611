#include "http/http.h"

#include "base/clock.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* READ_MAX: how many bytes of a body are read at once. */
enum { HEAD_MAX = 256 << 10, READ_MAX = 16 << 10 };

void
http_answer_init(struct http_answer *a, size_t max_body)
{
	memset(a, 0, sizeof(*a));
	buf_init(&a->head, HEAD_MAX);
	buf_init(&a->body, max_body);
}

void
http_answer_release(struct http_answer *a)
{
	buf_release(&a->head);
	buf_release(&a->body);
}

bool
http_answer_is_empty(const struct http_answer *a)
{
	return a->status == 204 || a->is_ignored || a->is_unchanged;
}

int64_t
http_answer_age(const struct http_answer *a)
{
	return a->came_at == 0 ? 0 : clock_ms() - a->came_at;
}

int
http_answer_read(struct http_answer *a, struct lines_reader from, struct err *e)
{
	char part[READ_MAX];
	ssize_t n;

	while ((n = from.read(from.self, part, sizeof(part), e)) > 0) {
		buf_add(&a->body, part, (size_t)n);
		if (a->body.full)
			return err_set(e, ERR_PEER, false, "the answer is "
			    "larger than --max-body: raise it, or ask for "
			    "smaller pages");
		if (a->body.failed)
			return err_nomem(e);
	}
	return n == 0 ? 0 : -1;
}

size_t
http_token_length(const char *p)
{
	return strspn(p, "!#$%&'*+-.^_`|~0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

bool
http_find_next_header(const struct http_answer *a, size_t *at, const char *name,
    const char **value, size_t *len)
{
	size_t n = strlen(name);
	const char *p, *end, *eol;

	if (a->head.len <= *at)
		return false;
	end = a->head.data + a->head.len;
	for (p = a->head.data + *at; p < end; p = eol + 1) {
		if ((eol = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return false;
		if ((size_t)(eol - p) <= n || p[n] != ':' ||
		    strncasecmp(p, name, n) != 0)
			continue;
		*at = (size_t)(eol + 1 - a->head.data);
		for (p += n + 1; p < eol && isspace((unsigned char)*p); p++)
			;
		*value = p;
		while (eol > p && isspace((unsigned char)eol[-1]))
			eol--;
		*len = (size_t)(eol - p);
		return true;
	}
	return false;
}

bool
http_find_header(const struct http_answer *a, const char *name,
    const char **value, size_t *len)
{
	size_t at = 0;

	return http_find_next_header(a, &at, name, value, len);
}
