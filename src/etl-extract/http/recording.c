#include "http/recording.h"

#include "base/stop.h"
#include "base/text.h"
#include "http/mask.h"
#include "http/secret.h"
#include "http/url.h"
#include "stream/line_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDING_NAME_MAX = 8192, RECORDING_READ = 16 << 10,
	RECORDING_WAITING_MAX = 2 << 20 };

/* Sets *b to the name of file n in the folder. */
static int
recording_set_path(struct buf *b, const char *folder, uint64_t n,
    const char *suffix, struct err *e)
{
	buf_clear(b);
	buf_printf(b, "%s/%06" PRIu64 "%s", folder, n, suffix);
	(void)buf_text(b);
	return buf_check(b, e);
}

/* Closes the file of this answer. With --record-to, also removes the file,
 * because only a part of the answer was written. */
static void
recording_abort(struct recording *r)
{
	if (!r->is_open)
		return;
	r->is_open = false;
	(void)close(r->fd);
	if (r->to != NULL)
		(void)unlink(r->part.data);
}

/* START_MAX: the longest head of an answer with its request. */
enum { REQUEST_SHOWN = 300,
	START_MAX = RECORDING_WAITING_MAX - RECORDING_READ - 1 };

static int
fail_other_request(const char *name, const char *request,
    const struct buf *text, struct err *e)
{
	const char *eol = text->len == 0 ? NULL :
	    memchr(text->data, '\n', text->len);
	size_t n = eol == NULL ? text->len : (size_t)(eol - text->data);
	struct buf b;

	buf_init(&b, RECORDING_NAME_MAX);
	text_show(&b, text->data, n > REQUEST_SHOWN ? REQUEST_SHOWN : n);
	(void)err_set(e, ERR_CONFIG, false, "%s: this is the answer to %s, but "
	    "the request is %.300s: give the options of the run that was "
	    "recorded", name, buf_text(&b), request);
	buf_release(&b);
	return -1;
}

/* True if the text starts with the line of this request. */
static bool
has_request_line(const struct buf *text, const char *request)
{
	size_t n = strlen(request);

	return text->len > n && memcmp(text->data, request, n) == 0 &&
	    text->data[n] == '\n';
}

/* Sets *a from the text of a recording. p points to the line of the status,
 * after that of the request. */
static int
parse_recorded_head(struct recording *r, struct http_answer *a, const char *p,
    struct err *e)
{
	const char *end = r->waiting.data + r->waiting.len;
	const char *name = r->name.data;
	const char *body;
	char *rest;

	a->status = (int)strtol(p, &rest, 10);
	if (*rest != '\n' || a->status < 100)
		return err_set(e, ERR_CONFIG, false, "%s: this is not a "
		    "recording of --record-to", name);
	for (p = body = rest + 1; body < end && *body != '\n'; body++)
		if ((body = memchr(body, '\n', (size_t)(end - body))) == NULL)
			break;
	if (body == NULL || body >= end)
		return err_set(e, ERR_CONFIG, false, "%s: this recording is "
		    "not complete: record the answers again", name);
	buf_add(&a->head, p, (size_t)(body - p));
	r->at = (size_t)(body + 1 - r->waiting.data);
	return buf_check(&a->head, e);
}

/* Reads the start of a file, which has the head of the answer. */
static int
read_recording(struct recording *r, struct err *e)
{
	char part[RECORDING_READ];
	ssize_t n = 1;

	buf_clear(&r->waiting);
	r->at = 0;
	while (n != 0 && r->waiting.len < START_MAX) {
		n = read(r->fd, part, sizeof(part));
		if (n == -1 && errno != EINTR)
			return err_errno(e, ERR_INPUT, r->name.data);
		if (n > 0)
			buf_add(&r->waiting, part, (size_t)n);
	}
	(void)buf_text(&r->waiting);
	return buf_check(&r->waiting, e);
}

/* Opens the next file and reads the head of its answer. Returns 1; or 0 if the
 * file must be skipped: it has another answer to the previous request, which
 * the recorded run sent more than once, for example because its memory was
 * out. */
static int
open_next_file(struct recording *r, const char *request,
    struct http_answer *a, struct err *e)
{
	const struct buf *text = &r->waiting;

	recording_abort(r);
	r->count++;
	if (recording_set_path(&r->name, r->from, r->count, ".http", e) == -1)
		return -1;
	r->fd = open(r->name.data, O_RDONLY | O_CLOEXEC);
	if (r->fd == -1)
		return err_errno(e, ERR_INPUT, r->name.data);
	r->is_open = true;
	if (read_recording(r, e) == -1)
		return -1;
	if (has_request_line(text, request))
		return parse_recorded_head(r, a, text->data +
		    strlen(request) + 1, e) == -1 ? -1 : 1;
	if (r->last != NULL && has_request_line(text, r->last))
		return 0;
	return fail_other_request(r->name.data, request, text, e);
}

static ssize_t
recording_replay(struct recording *r, char *p, size_t n, struct err *e)
{
	size_t left = r->waiting.len - r->at;
	ssize_t got;

	if (left > 0) {
		n = n < left ? n : left;
		memcpy(p, r->waiting.data + r->at, n);
		r->at += n;
		return (ssize_t)n;
	}
	do
		got = read(r->fd, p, n);
	while (got == -1 && errno == EINTR && stop_signal() == 0);
	return got == -1 ? err_errno(e, ERR_INPUT, r->name.data) : got;
}

/* Reads the start of the body into a->body, for the message about the
 * status. */
static int
replay_body_start(struct recording *r, struct http_answer *a, struct err *e)
{
	char part[HTTP_ERROR_KEPT];
	ssize_t n;

	while (a->body.len < HTTP_ERROR_KEPT) {
		n = recording_replay(r, part, sizeof(part), e);
		if (n <= 0)
			return (int)n;
		buf_add(&a->body, part, (size_t)n);
		if (buf_check(&a->body, e) == -1)
			return -1;
	}
	return 0;
}

int
recording_next(struct recording *r, struct http_answer *a, struct err *e)
{
	const char *request = r->request.data;
	int rc;

	a->status = 0;
	a->came_at = 0;
	a->unreachable = a->from_private = a->is_open_ended = false;
	buf_clear(&a->head);
	buf_clear(&a->body);
	while ((rc = open_next_file(r, request, a, e)) == 0)
		continue;
	free(r->last);
	r->last = strdup(request);
	if (rc == -1)
		return -1;
	if (r->last == NULL)
		return err_nomem(e);
	return a->status < 300 ? 0 : replay_body_start(r, a, e);
}

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

/* With a status of 300 or more, also writes a->body, which has the start of the
 * body, and finishes the file. */
int
recording_begin(
    struct recording *r, const struct http_answer *a, struct err *e)
{
	struct buf *b = &r->waiting;

	if (create_part_file(r, e) == -1)
		return -1;
	buf_clear(b);
	buf_printf(b, "%s\n%d\n", r->request.data, a->status);
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
	secret_release_buf(&r->request);
	*r = (struct recording){ 0 };
}

/* Makes the first line of a recording, such as "GET http://h/posts". */
int
recording_set_request(struct recording *r, const char *method,
    const struct buf *url, struct err *e)
{
	const struct credentials *c = r->cred;
	const size_t n = strlen(method);
	struct buf *b = &r->request;

	recording_abort(r);
	if (r->to == NULL && r->from == NULL)
		return 0;
	secret_release_buf(b);
	buf_init(b, 2 * url->max);
	buf_add(b, url->data, url->len);
	if (c->query_param != NULL)
		query_remove(b, c->query_param, strlen(c->query_param));
	if (credentials_mask(c, b, e) == -1)
		return -1;
	if (buf_reserve(b, n + 1)) {
		memmove(b->data + n + 1, b->data, b->len);
		memcpy(b->data, method, n);
		b->data[n] = ' ';
		b->len += n + 1;
	}
	(void)buf_text(b);
	return buf_check(b, e);
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
