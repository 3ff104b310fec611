#include "http/recording_impl.h"

#include "base/stop.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

ssize_t
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
recording_next(struct recording *r, const char *request, struct http_answer *a,
    struct err *e)
{
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
