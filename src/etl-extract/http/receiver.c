#include "http/receiver.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of an answer with a status of 300 or more, only the first bytes are kept. The
 * rest is read, so that the connection can be used again, but not beyond
 * ERROR_BODY_READ: the body may have no end. */
enum { ERROR_BODY_KEPT = 4096, ERROR_BODY_READ = 64 << 10 };

void
receiver_reset(struct receiver *r, struct http_answer *a)
{
	receiver_release(r);
	r->answer = a;
	a->status = 0;
	a->unreachable = a->from_private = false;
	buf_clear(&a->head);
	buf_clear(&a->body);
}

void
receiver_release(struct receiver *r)
{
	gunzip_free(r->gzip);
	memset(r, 0, sizeof(*r));
}

static bool
refuse_answer(struct receiver *r, const char *why)
{
	r->refused_why = why;
	return false;
}

/* Called after the last header: chooses how to decode its body. */
static void
end_head_and_choose_body_decoder(struct receiver *r)
{
	const char *v;
	size_t n;

	r->has_head = true;
	if (!http_find_header(r->answer, "Content-Encoding", &v, &n) ||
	    n == 0 || (n == 8 && strncasecmp(v, "identity", n) == 0))
		return;
	r->has_other_encoding = (n != 4 || strncasecmp(v, "gzip", n) != 0) &&
	    (n != 6 || strncasecmp(v, "x-gzip", n) != 0);
	if (!r->has_other_encoding && (r->gzip = gunzip_new()) == NULL)
		r->answer->body.failed = true;
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
		a->status = at == NULL ? 0 : (int)strtol(at, NULL, 10);
		return true;
	}
	buf_add(&a->head, p, n);
	if ((n <= 2 && (*p == '\r' || *p == '\n')) && a->status >= 200)
		end_head_and_choose_body_decoder(r);
	return !a->head.failed;
}

bool
receiver_add_body(struct receiver *r, const char *p, size_t n)
{
	struct buf *b = &r->answer->body;

	r->body_bytes += n;
	if (r->answer->status >= 300 && r->body_bytes > ERROR_BODY_READ)
		return refuse_answer(r, "the body of an error is too large");
	if (r->answer->status >= 300 && b->len > ERROR_BODY_KEPT)
		return true;
	if (r->has_other_encoding)
		return refuse_answer(r, "the answer's Content-Encoding is not "
		    "supported: it must be gzip");
	if (r->gzip == NULL)
		buf_add(b, p, n);
	else
		r->bad_gzip = gunzip_add(r->gzip, b, p, n) == -1 && !b->failed;
	if (r->bad_gzip)
		return refuse_answer(r, "the answer's gzip data is broken");
	return !b->failed ? true : refuse_answer(r, !b->full ? NULL :
	    "the answer is larger than --max-body");
}

bool
receiver_lacks_end_of_gzip(const struct receiver *r)
{
	return r->gzip != NULL && !gunzip_is_complete(r->gzip) &&
	    r->answer->status != 204;
}
