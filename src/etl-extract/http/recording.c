#include "http/recording_impl.h"

#include "http/secret.h"
#include "http/url.h"
#include "stream/fdwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* WAITING_KEPT: this many bytes at the end of `waiting` are kept until more
 * bytes come, because a secret may begin there. No form of a secret that is
 * masked is longer.
 * WAITING_MOST: from this length on, the bytes before them are written. */
enum { HEAD_MAX = 1 << 20, WAITING_KEPT = 128 << 10,
	WAITING_MOST = 256 << 10 };

int
recording_init(struct recording *r, const struct extract_opts *o,
    const struct credentials *c, struct err *e)
{
	*r = (struct recording){ .to = o->record_to, .from = o->replay_from,
	    .cred = c };
	buf_init(&r->name, RECORDING_NAME_MAX);
	buf_init(&r->part, RECORDING_NAME_MAX);
	buf_init(&r->waiting, r->from != NULL ? RECORDING_WAITING_MAX :
	    HEAD_MAX + 4 * (size_t)WAITING_MOST);
	if (r->to != NULL && r->from != NULL)
		return err_set(e, ERR_USAGE, false, "--record-to and "
		    "--replay-from: give only one of them");
	if (r->to != NULL && mkdir(r->to, 0700) == -1 && errno != EEXIST)
		return err_errno(e, ERR_CREATE, r->to);
	return 0;
}

/* True for headers that are not recorded: cookies, because they are secrets
 * too, and Content-Encoding, because the body is recorded after decoding. */
static bool
is_skipped_header(const char *line)
{
	static const char *const names[] = { "Set-Cookie:", "Set-Cookie2:",
		"Content-Encoding:" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncasecmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Appends the headers that are recorded, and an empty line. */
static void
put_headers(struct buf *b, const struct http_answer *a)
{
	const char *p = a->head.data, *end = p + a->head.len, *eol;

	for (; p < end && (eol = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p = eol + 1)
		if (*p != '\r' && *p != '\n' && !is_skipped_header(p))
			buf_add(b, p, (size_t)(eol + 1 - p));
	buf_char(b, '\n');
}

/* Creates the file with the suffix .part. It gets the suffix .http when the
 * answer is complete. So a run that is killed leaves no .http file with a part
 * of an answer. Fails if the directory has this file of a recording already. */
static int
create_part_file(struct recording *r, struct err *e)
{
	const uint64_t n = r->count + 1;

	if (recording_set_path(&r->name, r->to, n, ".http", e) == -1 ||
	    recording_set_path(&r->part, r->to, n, ".part", e) == -1)
		return -1;
	if (access(r->name.data, F_OK) == 0)
		return err_set(e, ERR_CREATE, false, "%s: the directory of "
		    "--record-to already has a recording: give another one",
		    r->name.data);
	(void)unlink(r->part.data);
	r->fd = open(r->part.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	if (r->fd == -1)
		return err_errno(e, ERR_CREATE, r->part.data);
	r->is_open = true;
	return 0;
}

/* Masks the secrets in r->waiting and writes all but the last `kept` bytes. A
 * secret may begin in these and end in bytes that have not come yet. */
static int
write_masked(struct recording *r, size_t kept, struct err *e)
{
	struct buf *b = &r->waiting;
	size_t n;

	if (credentials_mask(r->cred, b, e) == -1)
		return -1;
	if ((n = b->len > kept ? b->len - kept : 0) == 0)
		return 0;
	if (fd_write_all(r->fd, b->data, n) == -1)
		return err_errno(e, ERR_IO, r->part.data);
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	return 0;
}

/* Writes the rest of the answer and gives the file its final name. On failure,
 * removes the file. */
static int
finish_part(struct recording *r, struct err *e)
{
	int rc = write_masked(r, 0, e);

	if (rc == -1) {
		recording_abort(r);
		return -1;
	}
	r->is_open = false;
	if (close(r->fd) == -1 && errno != EINTR)
		rc = err_errno(e, ERR_IO, r->part.data);
	if (rc == 0 && rename(r->part.data, r->name.data) == -1)
		rc = err_errno(e, ERR_IO, r->name.data);
	if (rc == -1)
		(void)unlink(r->part.data);
	r->count += rc == 0;
	return rc;
}

/* Writes the head to a new file. With a status of 300 or more, also writes
 * a->body, which has the start of the body, and finishes the file. */
static int
begin_part(struct recording *r, const char *request,
    const struct http_answer *a, struct err *e)
{
	struct buf *b = &r->waiting;

	if (create_part_file(r, e) == -1)
		return -1;
	buf_clear(b);
	buf_printf(b, "%s\n%d\n", request, a->status);
	put_headers(b, a);
	if (a->status >= 300) {
		buf_add(b, a->body.data, a->body.len);
		return finish_part(r, e);
	}
	if (write_masked(r, 0, e) == 0)
		return 0;
	recording_abort(r);
	return -1;
}

/* Records n bytes of the body. n is 0 at the end of the body, and -1 after a
 * failure. */
static int
record_read(struct recording *r, const char *p, ssize_t n, struct err *e)
{
	if (n == 0)
		return finish_part(r, e);
	if (n == -1) {
		recording_abort(r);
		return -1;
	}
	buf_add(&r->waiting, p, (size_t)n);
	if (r->waiting.len < WAITING_MOST && !r->waiting.failed)
		return 0;
	if (write_masked(r, WAITING_KEPT, e) == 0)
		return 0;
	recording_abort(r);
	return -1;
}

void
recording_release(struct recording *r)
{
	recording_abort(r);
	free(r->last);
	buf_release(&r->name);
	buf_release(&r->part);
	secret_release_buf(&r->waiting);
	*r = (struct recording){ 0 };
}

/* Makes the first line of a recording, such as "GET http://h/posts". */
static int
put_request_line(struct buf *b, const struct redirect *to,
    const struct credentials *c, struct err *e)
{
	buf_add(b, to->url.data, to->url.len);
	if (c->query_param != NULL)
		query_remove(b, c->query_param, strlen(c->query_param));
	if (credentials_mask(c, b, e) == -1)
		return -1;
	if (buf_reserve(b, strlen(to->method) + 1)) {
		memmove(b->data + strlen(to->method) + 1, b->data, b->len);
		memcpy(b->data, to->method, strlen(to->method));
		b->data[strlen(to->method)] = ' ';
		b->len += strlen(to->method) + 1;
	}
	(void)buf_text(b);
	return buf_check(b, e);
}

int
recording_send(struct recording *r, struct redirect *to, struct http *http,
    const struct credentials *c, uint64_t timeout_ms, struct http_answer *a,
    struct err *e)
{
	struct buf request;
	int rc;

	recording_abort(r);
	if (r->to == NULL && r->from == NULL)
		return redirect_send(to, http, c, timeout_ms, a, e);
	buf_init(&request, 2 * to->url.max);
	rc = put_request_line(&request, to, c, e);
	if (rc == 0)
		rc = r->from != NULL ?
		    recording_next(r, request.data, a, e) :
		    redirect_send(to, http, c, timeout_ms, a, e);
	if (rc == 0 && r->to != NULL)
		rc = begin_part(r, request.data, a, e);
	secret_release_buf(&request);
	return rc;
}

ssize_t
recording_read(struct recording *r, struct http *http, char *p, size_t n,
    struct err *e)
{
	ssize_t got;

	if (r->from != NULL)
		return recording_replay(r, p, n, e);
	got = http_read(http, p, n, e);
	if (r->is_open && record_read(r, p, got, e) == -1)
		return -1;
	return got;
}

bool
recording_may_wait(const struct recording *r, struct http *http)
{
	return r->from == NULL && http_may_wait(http);
}

int
recording_drain(struct recording *r, struct http *http, struct err *e)
{
	char part[RECORDING_READ];
	ssize_t n = 1;

	while (r->to != NULL && r->is_open && n > 0)
		n = recording_read(r, http, part, sizeof(part), e);
	return n == -1 ? -1 : 0;
}
