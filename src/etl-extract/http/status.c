#include "http/status.h"

#include "base/text.h"
#include "http/retry_after.h"

#include <string.h>

/* SEARCHED_MAX: how many bytes of a body are searched for the secret. They are
 * more than the bytes that are shown, because an escaped secret can be long. */
enum { ERROR_SHOWN = 200, SHOWN_MAX = 4096, SEARCHED_MAX = 64 << 10 };

bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308;
}

void
answer_show_body(struct buf *b, const struct http_answer *a,
    const struct credentials *c, size_t max)
{
	size_t n = a->body.len > SEARCHED_MAX ? SEARCHED_MAX : a->body.len;

	if (credentials_in_cut(c, a->body.data, n))
		buf_str(b, "(not shown: the answer contains the secret)");
	else
		text_show(b, a->body.data, n > max ? max : n);
}

static enum err_code
code_of_status(const struct http_answer *a, bool *transient)
{
	int s = a->status;

	*transient = s == 408 || s == 425 || s == 429 || s >= 500 ||
	    is_rate_limited(a);
	if (*transient)
		return ERR_RETRY;
	if (s == 404 || s == 410)
		return ERR_INPUT;
	if (s == 401 || s == 403)
		return ERR_DENIED;
	return s >= 400 ? ERR_REFUSED : ERR_PEER;
}

int
status_set_error(const struct http_answer *a, const struct credentials *c,
    struct err *e)
{
	enum err_code code;
	bool transient;
	struct buf b;

	code = code_of_status(a, &transient);
	buf_init(&b, SHOWN_MAX);
	answer_show_body(&b, a, c, ERROR_SHOWN);
	if (b.len == 0)
		buf_str(&b, "(the answer has no body)");
	if (a->status == 401 && c->auth == NULL)
		buf_str(&b, ": the service requires credentials: give --auth");
	else if (a->status == 401)
		buf_printf(&b, ": the service does not accept --%s%.20s "
		    "with the secret of %.100s", c->sigv4.provider != NULL ?
		    "" : "auth ", c->auth, c->from_command ?
		    "cmd:COMMAND" : c->secret_from);
	(void)buf_text(&b);
	if (buf_check(&b, e) == 0)
		(void)err_set(
		    e, code, transient, "status %d: %s", a->status, b.data);
	buf_release(&b);
	return -1;
}

int
status_check(const struct http_answer *a, const struct credentials *c,
    struct err *e)
{
	return a->status >= 200 && a->status < 300 ? 0 :
	    status_set_error(a, c, e);
}
