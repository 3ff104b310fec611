#include "http/credentials.h"

#include "base/text.h"
#include "http/http.h"
#include "http/secret.h"
#include "http/url.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_MAX = 64 << 10 };

static int
header_add(struct credentials *c, const char *text, struct err *e)
{
	char **v = reallocarray(c->header, c->n + 1, sizeof(*v));

	if (v == NULL)
		return err_nomem(e);
	c->header = v;
	if ((v[c->n] = strdup(text)) == NULL)
		return err_nomem(e);
	c->n++;
	return 0;
}

/* "Name: value"; a value of nothing is written "Name;" for libcurl. */
static int
header_user(struct credentials *c, const char *text, const char *where,
    enum err_code code, struct err *e)
{
	const char *colon = text + http_token(text), *v;
	struct buf b;
	int rc;

	for (v = colon; *v != '\0'; v++)
		if (((unsigned char)*v < ' ' && *v != '\t') || *v == 0x7f)
			break;
	if (colon == text || *colon != ':' || *v != '\0')
		return err_set(e, code, false, "%s: not 'Name: value'", where);
	for (v = colon + 1; *v == ' ' || *v == '\t'; v++)
		;
	buf_init(&b, HEADER_MAX);
	buf_add(&b, text, (size_t)(colon - text));
	buf_str(&b, *v == '\0' ? ";" : ": ");
	buf_str(&b, v);
	rc = buf_check(&b, e) == -1 ? -1 : header_add(c, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

static int
header_file(struct credentials *c, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	char *line, *rest;
	struct buf b;
	size_t n;

	buf_init(&b, HEADER_MAX);
	rc = secret_read(&b, fd, path, e);
	if (rc == 0 && b.len > 0 && memchr(b.data, '\0', b.len) != NULL)
		rc = err_set(e, ERR_CONFIG, false, "%s: holds a NUL", path);
	buf_char(&b, '\0');
	if (rc == 0)
		rc = buf_check(&b, e);
	for (rest = b.data; rc == 0 && (line = strsep(&rest, "\n")) != NULL; ) {
		n = strlen(line);
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (n > 0)
			rc = header_user(c, line, path, ERR_CONFIG, e);
	}
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	buf_release(&b);
	return rc;
}

/* One of our own, before the user's, who may give another of its name. */
static int
header_own(struct credentials *c, const char *text, struct err *e)
{
	size_t n = strcspn(text, ":");
	char **v, *last;

	for (size_t i = c->own; i < c->n; i++)
		if (strncasecmp(c->header[i], text, n) == 0 &&
		    (c->header[i][n] == ':' || c->header[i][n] == ';'))
			return 0;
	if (header_add(c, text, e) == -1)
		return -1;
	v = c->header + c->own++;
	last = c->header[c->n - 1];
	memmove(v + 1, v, (c->n - c->own) * sizeof(*v));
	*v = last;
	return 0;
}

static int
headers_take(struct credentials *c, const struct extract_opts *o,
    struct err *e)
{
	for (size_t i = 0; i < o->headers.n; i++) {
		const char *h = o->headers.v[i];

		if ((*h == '@' ? header_file(c, h + 1, e) : header_user(c, h,
		    "--header", ERR_USAGE, e)) == -1)
			return -1;
	}
	return header_own(c, "Accept: application/json", e) == -1 ? -1 :
	    header_own(c, "Accept-Encoding: gzip", e);
}

/* The header that carries the secret, the last of all. */
static int
auth_header(struct credentials *c, struct err *e)
{
	const char *s = c->secret;
	struct buf b;
	int rc;

	buf_init(&b, HEADER_MAX);
	if (strcmp(c->auth, "bearer") == 0) {
		buf_printf(&b, "Authorization: Bearer %s", s);
	} else if (strcmp(c->auth, "basic") == 0) {
		buf_str(&b, "Authorization: Basic ");
		base64_put(&b, s, strlen(s));
	} else {
		buf_printf(&b, "%s: %s", c->auth + strlen("header:"), s);
	}
	rc = buf_check(&b, e) == -1 ? -1 : header_add(c, buf_text(&b), e);
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	buf_release(&b);
	return rc;
}

static int
auth_check(const char *auth, struct err *e)
{
	if (strcmp(auth, "bearer") == 0 || strcmp(auth, "basic") == 0 ||
	    (strncmp(auth, "query:", 6) == 0 && auth[6] != '\0'))
		return 0;
	if (strncmp(auth, "header:", 7) == 0 && auth[7] != '\0' &&
	    auth[7 + http_token(auth + 7)] == '\0')
		return 0;
	return err_set(e, ERR_USAGE, false, "--auth %s: wants bearer, basic, "
	    "header:NAME or query:NAME", auth);
}

static int
auth_take(struct credentials *c, const struct extract_opts *o, struct err *e)
{
	c->auth = o->auth;
	c->from = o->secret == NULL ? "env:API_TOKEN" : o->secret;
	if (auth_check(c->auth, e) == -1 ||
	    secret_get(&c->secret, c->from, e) == -1)
		return -1;
	if (strcmp(c->auth, "basic") == 0 && strchr(c->secret, ':') == NULL)
		return err_set(e, ERR_CONFIG, false,
		    "--auth basic: the secret is not user:password");
	c->renewable = c->again = strncmp(c->from, "cmd:", 4) == 0;
	if (strncmp(c->auth, "query:", 6) == 0) {
		c->param = c->auth + 6;
		return 0;
	}
	return auth_header(c, e);
}

int
credentials_init(struct credentials *c, const struct extract_opts *o,
    struct err *e)
{
	memset(c, 0, sizeof(*c));
	if (o->auth == NULL && o->secret != NULL)
		return err_set(e, ERR_USAGE, false, "--secret needs --auth");
	if (o->auth != NULL || o->headers.n > 0)
		secret_guard();
	if (headers_take(c, o, e) == -1 ||
	    (o->auth != NULL && auth_take(c, o, e) == -1)) {
		credentials_release(c);
		return -1;
	}
	return 0;
}

void
credentials_release(struct credentials *c)
{
	for (size_t i = 0; i < c->n; i++)
		secret_free(c->header[i]);
	free(c->header);
	secret_free(c->secret);
	memset(c, 0, sizeof(*c));
}

int
credentials_renew(struct credentials *c, struct err *e)
{
	char *fresh = NULL;

	if (!c->again)
		return 0;
	c->again = false;
	if (secret_get(&fresh, c->from, e) == -1)
		return -1;
	secret_free(c->secret);
	c->secret = fresh;
	if (c->param != NULL)
		return 1;
	secret_free(c->header[--c->n]);
	return auth_header(c, e) == -1 ? -1 : 1;
}

/* A secret of one or two characters would blot out half the text. */
static void
mask_text(struct buf *b, const char *secret, size_t n)
{
	char *p;

	for (size_t at = 0; n >= 3 && b->len - at >= n; at += 3) {
		p = memmem(b->data + at, b->len - at, secret, n);
		if (p == NULL)
			return;
		at = (size_t)(p - b->data);
		memset(p, '*', 3);
		memmove(p + 3, p + n, b->len - at - n);
		b->len -= n - 3;
	}
}

/* What of the secret stands at the end of a text that has been cut. */
static void
mask_end(struct buf *b, const char *secret, size_t n)
{
	size_t k = n - 1 < b->len ? n - 1 : b->len;

	while (k >= 3 && memcmp(b->data + b->len - k, secret, k) != 0)
		k--;
	if (k >= 3) {
		b->len -= k;
		buf_add(b, "***", 3);
	}
}

/* How services may give the secret back: as it is, in a URL, in JSON that
 * escapes what it may, or as --auth basic sends it. */
enum form { FORM_PLAIN, FORM_URL, FORM_JSON, FORM_BASIC, FORMS };

static void
form_put(struct buf *b, const struct credentials *c, enum form form)
{
	const char *s = c->secret;

	if (form == FORM_PLAIN)
		buf_str(b, s);
	else if (form == FORM_URL)
		percent_put(b, s, strlen(s), false);
	else if (form == FORM_BASIC && strcmp(c->auth, "basic") == 0)
		base64_put(b, s, strlen(s));
	for (; form == FORM_JSON && *s != '\0'; s++) {
		if (strchr("/\"\\", *s) != NULL)
			buf_char(b, '\\');
		buf_char(b, *s);
	}
}

static void
mask(const struct credentials *c, struct buf *b, bool cut)
{
	struct buf form;

	if (c->secret == NULL || b->len == 0)
		return;
	buf_init(&form, HEADER_MAX);
	for (enum form i = FORM_PLAIN; i < FORMS; i++) {
		buf_clear(&form);
		form_put(&form, c, i);
		if (form.failed || form.len == 0)
			continue;
		mask_text(b, form.data, form.len);
		if (cut)
			mask_end(b, form.data, form.len);
	}
	if (form.data != NULL)
		explicit_bzero(form.data, form.cap);
	buf_release(&form);
}

void
credentials_mask(const struct credentials *c, struct buf *b)
{
	mask(c, b, false);
}

void
credentials_mask_cut(const struct credentials *c, struct buf *b)
{
	mask(c, b, true);
}
