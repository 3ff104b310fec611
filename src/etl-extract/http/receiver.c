#include "http/receiver.h"

#include "base/clock.h"
#include "growth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The capacity of `raw`. It is larger than `kept`, because libcurl may pass a
 * large piece of the body while receiver_is_full() is still false. */
enum { RAW_MAX = 64 << 20 };

void
receiver_reset(struct receiver *r, struct http_answer *a, size_t kept)
{
	const uint64_t max_ratio = r->max_ratio;

	receiver_release(r);
	r->max_ratio = max_ratio;
	buf_init(&r->raw, RAW_MAX);
	r->answer = a;
	r->kept = kept;
	a->status = 0;
	a->came_at = 0;
	a->unreachable = a->from_private = a->is_noted = a->was_early = false;
	a->is_open_ended = false;
	buf_clear(&a->head);
	buf_clear(&a->body);
}

void
receiver_move_answer(struct receiver *r, struct http_answer *a)
{
	struct http_answer *from = r->answer;
	const struct buf head = a->head;

	a->head = from->head;
	from->head = head;
	a->status = from->status;
	a->came_at = from->came_at;
	a->is_noted = from->is_noted;
	a->unreachable = from->unreachable;
	a->from_private = from->from_private;
	a->is_open_ended = from->is_open_ended;
	a->was_early = true;
	buf_clear(&a->body);
	r->answer = a;
	r->kept = RECEIVER_KEPT;
}

void
receiver_release(struct receiver *r)
{
	gunzip_free(r->gzip);
	buf_release(&r->raw);
	memset(r, 0, sizeof(*r));
}

/* Sets the reason why the answer is refused. Returns false. */
static bool
refuse_answer(struct receiver *r, const char *why)
{
	r->refused_why = why;
	return false;
}

/* Called after the last header: chooses how to decode the body. Returns false
 * if memory is out. */
static bool
end_head(struct receiver *r)
{
	const char *v;
	size_t n;

	r->has_head = true;
	r->answer->came_at = clock_ms();
	r->answer->is_open_ended = r->is_http_1 &&
	    !http_find_header(r->answer, "Content-Length", &v, &n) &&
	    !http_find_header(r->answer, "Transfer-Encoding", &v, &n);
	if (!http_find_header(r->answer, "Content-Encoding", &v, &n) ||
	    n == 0 || (n == 8 && strncasecmp(v, "identity", n) == 0))
		return true;
	r->has_other_encoding = (n != 4 || strncasecmp(v, "gzip", n) != 0) &&
	    (n != 6 || strncasecmp(v, "x-gzip", n) != 0);
	if (!r->has_other_encoding && (r->gzip = gunzip_new()) == NULL)
		return false;
	r->answer->is_open_ended &= r->gzip == NULL;    /* gzip has an end */
	return true;
}

bool
receiver_add_header(struct receiver *r, const char *p, size_t n)
{
	struct http_answer *a = r->answer;

	r->head_bytes += n;
	if (r->head_bytes > a->head.max)
		return refuse_answer(r, "the answer's headers are too large");
	if (r->has_head)        /* a trailer (RFC 9110, 6.5) may be ignored */
		return true;
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0) {
		const char *at = memchr(p, ' ', n);

		buf_clear(&a->head);
		r->is_http_1 = n > 6 && p[5] == '1';
		a->status = at == NULL ? 0 : (int)strtol(at, NULL, 10);
		return true;
	}
	buf_add(&a->head, p, n);
	if ((n <= 2 && (*p == '\r' || *p == '\n')) && a->status >= 200 &&
	    !end_head(r))
		return false;
	return !a->head.failed;
}

bool
receiver_add_body(struct receiver *r, const char *p, size_t n)
{
	r->body_bytes += n;
	if (r->has_other_encoding)
		return refuse_answer(r, "the answer's Content-Encoding is not "
		    "supported: it must be gzip");
	if (r->raw_at == r->raw.len) {
		buf_clear(&r->raw);
		r->raw_at = 0;
	}
	buf_add(&r->raw, p, n);
	return !r->raw.failed;
}

bool
receiver_is_full(const struct receiver *r)
{
	return r->raw.len - r->raw_at >= r->kept;
}

bool
receiver_has_bytes(const struct receiver *r)
{
	return r->raw_at < r->raw.len ||
	    (r->gzip != NULL && gunzip_has_more(r->gzip));
}

bool
receiver_read(struct receiver *r, char *p, size_t n, size_t *got)
{
	const char *raw = r->raw.data + r->raw_at;
	const size_t left = r->raw.len - r->raw_at;
	size_t used = left < n ? left : n;

	*got = 0;
	if (!receiver_has_bytes(r))
		return true;
	if (r->gzip != NULL) {
		r->bad_gzip = gunzip_decode(
		    r->gzip, raw, left, &used, p, n, got) != GUNZIP_OK;
		if (r->bad_gzip)
			return refuse_answer(
			    r, "the answer's gzip data is broken");
	} else {
		memcpy(p, raw, used);
		*got = used;
	}
	r->raw_at += used;
	r->decoded_bytes += *got;
	r->is_bomb = r->gzip != NULL && growth_is_too_large(
	    r->body_bytes, r->decoded_bytes, r->max_ratio);
	return !r->is_bomb;
}

bool
receiver_lacks_end(const struct receiver *r)
{
	return r->gzip != NULL && !gunzip_is_complete(r->gzip) &&
	    r->answer->status != 204;
}
