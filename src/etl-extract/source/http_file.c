#include "source/http_file.h"

#include "file/file_format.h"
#include "file/input.h"
#include "http/fetch.h"
#include "http/request.h"

#include <stdlib.h>
#include <string.h>

/* ANSWER_KEPT: of the body of an error. TIME_STEP: --timeout begins again after
 * so many bytes, because a file may have any size. */
enum { ANSWER_KEPT = 64 << 10, TIME_STEP = 1 << 20, OK = 200 };

struct http_file {
	struct layer layer;
	struct fetch *fetch;
	struct request request;
	struct http_answer answer;
	char *name;             /* the URL without secrets */
	bool has_own_end;       /* its compression shows if the end is absent */
	uint64_t given;         /* bytes that the caller has received */
	uint64_t given_hash;    /* of these bytes */
	uint64_t seen;          /* bytes of this answer */
	uint64_t seen_hash;
	uint64_t timed;         /* bytes after which --timeout began again */
	char first[512];        /* the start of the body, which
				 * http_file_open() has read */
	size_t at, end;         /* the bytes of `first` that were not given */
};

void
http_file_close(struct http_file *h)
{
	if (h == NULL)
		return;
	request_release(&h->request);
	http_answer_release(&h->answer);
	free(h->name);
	free(h);
}

/* FNV-1a. It tells an answer from another one of the same length; nobody has a
 * reason to forge it. */
static uint64_t
hash_body_bytes(uint64_t hash, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static int
fail_file_changed(struct http_file *h, struct err *e)
{
	(void)err_set(e, ERR_RETRY, true, "the answer was cut off after %llu "
	    "bytes, and the next answer begins with other bytes: the file has "
	    "changed: run the command again", (unsigned long long)h->given);
	return fetch_mask_error(h->fetch, e);
}

static int
check_answer(struct http_file *h, struct err *e)
{
	h->seen = h->seen_hash = 0;
	if (h->answer.status != OK && !http_answer_is_empty(&h->answer)) {
		(void)err_set(e, ERR_PEER, false, "status %d: a file needs "
		    "status 200, because the answer may have only a part of "
		    "it", h->answer.status);
		return fetch_mask_error(h->fetch, e);
	}
	return http_answer_is_empty(&h->answer) && h->given > 0 ?
	    fail_file_changed(h, e) : 0;
}

/* Called at the end of the body. Without a length the end of a connection would
 * be the only sign of the end of the body, and an answer that was cut off would
 * look whole. */
static int
check_end(struct http_file *h, struct err *e)
{
	if (h->seen < h->given)
		return fail_file_changed(h, e);
	if (!h->answer.is_open_ended || h->has_own_end)
		return 0;
	(void)err_set(e, ERR_PEER, false, "the answer has neither the header "
	    "Content-Length nor chunks, so nobody can tell whether it came "
	    "whole: save it, for example with curl, and read the file");
	return fetch_mask_error(h->fetch, e);
}

/* Removes from p[0..n) the bytes that an earlier answer has given already.
 * Returns how many bytes are left, or -1 if the earlier bytes were others. */
static ssize_t
skip_given(struct http_file *h, char *p, size_t n, struct err *e)
{
	size_t known = h->seen >= h->given ? 0 :
	    h->given - h->seen < n ? (size_t)(h->given - h->seen) : n;

	if (known > 0) {
		h->seen_hash = hash_body_bytes(h->seen_hash, p, known);
		h->seen += known;
		if (h->seen == h->given && h->seen_hash != h->given_hash)
			return fail_file_changed(h, e);
		memmove(p, p + known, n - known);
		n -= known;
	}
	h->given_hash = hash_body_bytes(h->given_hash, p, n);
	h->given += n;
	h->seen += n;
	return (ssize_t)n;
}

static ssize_t
read_file_body(struct http_file *h, char *p, size_t n, struct err *e)
{
	ssize_t got = 0;

	while (!http_answer_is_empty(&h->answer)) {
		if (h->seen - h->timed >= TIME_STEP || h->seen < h->timed) {
			fetch_restart_time(h->fetch);
			h->timed = h->seen;
		}
		got = fetch_read(h->fetch, p, n, e);
		if (got == 0)
			return check_end(h, e);
		if (got > 0) {
			if ((got = skip_given(h, p, (size_t)got, e)) != 0)
				return got;
		} else if (fetch_send_again(h->fetch, e) == -1 ||
		    check_answer(h, e) == -1) {
			return -1;
		}
	}
	return 0;
}

static ssize_t
layer_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct http_file *h = (struct http_file *)l;

	if (h->at == h->end)
		return read_file_body(h, p, n, e);
	if (n > h->end - h->at)
		n = h->end - h->at;
	memcpy(p, h->first + h->at, n);
	h->at += n;
	return (ssize_t)n;
}

static bool
layer_may_wait(struct layer *l)
{
	const struct http_file *h = (const struct http_file *)l;

	return h->at == h->end && fetch_may_wait(h->fetch);
}

/* The owner of the file closes it. */
static void
layer_close(struct layer *l)
{
	(void)l;
}

/* Some services store a file as a.csv.gz and send it with Content-Encoding:
 * gzip, although it was compressed only once. It is then decoded already. */
static bool
is_decoded(const struct http_file *h)
{
	static const char magic[] = { '\x1f', '\x8b' };
	const char *v;
	size_t n;

	return http_find_header(&h->answer, "Content-Encoding", &v, &n) &&
	    n > 0 && h->end >= sizeof(magic) &&
	    memcmp(h->first, magic, sizeof(magic)) != 0;
}

/* Sends the request and reads the first bytes of the file. */
static int
begin_file(struct http_file *h, struct extract *x, const char *uri,
    struct err *e)
{
	struct request *r = &h->request;
	ssize_t n = 1;

	r->source = uri;
	r->takes_any_type = true;
	if (request_check(&x->opts, uri, e) == -1 ||
	    request_load_body(r, &x->opts, e) == -1 ||
	    fetch_open_once(&h->fetch, x, e) == -1 ||
	    request_set_url(r, &x->opts, uri, strlen(uri), e) == -1)
		return -1;
	h->name = strdup(fetch_masked_url(h->fetch, r));
	if (h->name == NULL || *h->name == '\0')
		return err_nomem(e);
	if (fetch_send(h->fetch, r, &h->answer, e) ==
		-1 || check_answer(h, e) == -1)
		return -1;
	while (n > 0 && h->end < 2) {
		n = read_file_body(h, h->first + h->end,
		    sizeof(h->first) - h->end, e);
		h->end += n > 0 ? (size_t)n : 0;
	}
	return n == -1 ? -1 : 0;
}

int
http_file_open(struct http_file **out, struct extract *x, const char *uri,
    struct input_given *given, struct err *e)
{
	struct http_file *h = calloc(1, sizeof(*h));
	struct file_format f;

	if (h == NULL)
		return err_nomem(e);
	h->layer = (struct layer){ layer_read, layer_close };
	request_init(&h->request);
	http_answer_init(&h->answer, ANSWER_KEPT);
	file_format_of(&f, &x->opts, uri);
	h->has_own_end = f.compression != COMPRESSION_NONE;
	if (begin_file(h, x, uri, e) == -1) {
		http_file_close(h);
		return -1;
	}
	*given = (struct input_given){ .fd = -1, .size = UINT64_MAX,
	    .layer = &h->layer, .layer_bytes = &h->given,
	    .may_wait = layer_may_wait, .name = h->name,
	    .is_decoded = http_answer_is_empty(&h->answer) || is_decoded(h) };
	*out = h;
	return 0;
}
