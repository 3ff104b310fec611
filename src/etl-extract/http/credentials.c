#include "http/credentials.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/suggest.h"
#include "http/http.h"
#include "http/secret.h"
#include "http/url.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_MAX = 64 << 10 };

static const char sigv4_auth[] = "aws-sigv4";

static int
append_header(struct credentials *c, const char *text, struct err *e)
{
	char **v = reallocarray(c->headers, c->n_headers + 1, sizeof(*v));

	if (v == NULL)
		return err_nomem(e);
	c->headers = v;
	if ((v[c->n_headers] = strdup(text)) == NULL)
		return err_nomem(e);
	c->n_headers++;
	return 0;
}

/* Appends the user's header, "Name: value". A header with an empty value is
 * written "Name;": libcurl would not send "Name:". */
static int
add_user_header(struct credentials *c, const char *text, const char *where,
    enum err_code code, struct err *e)
{
	const char *colon = text + http_token_length(text), *v;
	struct buf b;
	int rc;

	for (v = colon; *v != '\0'; v++)
		if (((unsigned char)*v < ' ' && *v != '\t') || *v == 0x7f)
			break;
	if (colon == text || *colon != ':' || *v != '\0')
		return err_set(e, code, false, "%s: a header must have the "
		    "form 'Name: value', without control characters", where);
	for (v = colon + 1; *v == ' ' || *v == '\t'; v++)
		;
	buf_init(&b, HEADER_MAX);
	buf_add(&b, text, (size_t)(colon - text));
	buf_str(&b, *v == '\0' ? ";" : ": ");
	buf_str(&b, v);
	rc = buf_check(&b, e) == -1 ? -1 : append_header(c, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

static int
add_header_file(struct credentials *c, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	char *line, *rest;
	struct buf b;
	size_t n;

	file_warn_access("etl-extract", fd, path);
	buf_init(&b, HEADER_MAX);
	rc = secret_read_fd(&b, fd, path, e);
	if (rc == 0 && b.len > 0 && memchr(b.data, '\0', b.len) != NULL)
		rc = err_set(e, ERR_CONFIG, false, "%s: the header file "
		    "contains a NUL byte, which a header cannot have", path);
	buf_char(&b, '\0');
	if (rc == 0)
		rc = buf_check(&b, e);
	for (rest = b.data; rc == 0 && (line = strsep(&rest, "\n")) != NULL; ) {
		n = strlen(line);
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (n > 0)
			rc = add_user_header(c, line, path, ERR_CONFIG, e);
	}
	secret_release_buf(&b);
	return rc;
}

/* Inserts one of etl-extract's own headers before those of the user. Does
 * nothing if the user has given a header of the same name. */
static int
add_default_header(struct credentials *c, const char *text, struct err *e)
{
	size_t n = strcspn(text, ":");
	char **v, *last;

	for (size_t i = c->n_default; i < c->n_headers; i++)
		if (strncasecmp(c->headers[i], text, n) == 0 &&
		    (c->headers[i][n] == ':' || c->headers[i][n] == ';'))
			return 0;
	if (append_header(c, text, e) == -1)
		return -1;
	v = c->headers + c->n_default++;
	last = c->headers[c->n_headers - 1];
	memmove(v + 1, v, (c->n_headers - c->n_default) * sizeof(*v));
	*v = last;
	return 0;
}

const char *
credentials_header(const struct credentials *c, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < c->n_headers; i++)
		if (strncasecmp(c->headers[i], name, n) == 0 &&
		    c->headers[i][n] == ':')
			return c->headers[i] + n + 1 +
			    strspn(c->headers[i] + n + 1, " \t");
	return "";
}

/* Warns if --header carries a secret: all users of the machine can read the
 * arguments of a process in /proc/PID/cmdline. */
static void
warn_header_secret(const char *header)
{
	static const char *const names[] = { "Authorization:",
		"Proxy-Authorization:" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncasecmp(header, names[i], strlen(names[i])) == 0)
			err_warnf("etl-extract", "--header '%s ...': other "
			    "users can see the arguments of a process: use "
			    "--auth and --secret, or write the header to a "
			    "file and give --header @FILE", names[i]);
}

/* Warns if --proxy contains a user name or password. */
static void
warn_proxy_password(const char *proxy)
{
	if (proxy != NULL && strchr(proxy, '@') != NULL)
		err_warn("etl-extract", "--proxy: other users can see the "
		    "arguments of a process: put a URL with a password into "
		    "the environment variable https_proxy or http_proxy");
}

/* Adds the headers of --header, then those that etl-extract sends by
 * default. */
static int
add_headers(struct credentials *c, const struct extract_opts *o, struct err *e)
{
	warn_proxy_password(o->proxy);
	for (size_t i = 0; i < o->headers.n; i++) {
		const char *h = o->headers.v[i];

		warn_header_secret(h);
		if ((*h == '@' ? add_header_file(c, h + 1, e) :
		    add_user_header(c, h, "--header", ERR_USAGE, e)) == -1)
			return -1;
	}
	/* libcurl 7.88 signs Accept and Accept-Encoding in the wrong order (see
	 * sigv4.h), so signed requests do not ask for JSON. */
	if (o->aws_sigv4 == NULL &&
	    add_default_header(c, "Accept: application/json", e) == -1)
		return -1;
	c->has_own_accept = c->n_default == 1;
	/* By default libcurl sends "Expect: 100-continue" before a long body
	 * and waits for the server. The empty header "Expect:" switches this
	 * off. Signed requests do not get the empty header, because libcurl
	 * 7.88 would sign it. */
	if ((o->body != NULL ||
		(o->into != NULL && strncmp(o->into, "body:", 5) == 0)) &&
	    (add_default_header(c, "Content-Type: application/json", e) == -1 ||
		(o->aws_sigv4 == NULL &&
		    add_default_header(c, "Expect:", e) == -1)))
		return -1;
	if (o->aws_sigv4 != NULL &&
	    sigv4_find_wrong_order(c->headers, c->n_headers,
		"Accept-Encoding") != NULL)
		return 0;
	return add_default_header(c, "Accept-Encoding: gzip", e);
}

/* Appends the header that carries the secret. It must stay the last header:
 * credentials_renew() replaces the last one. */
static int
add_auth_header(struct credentials *c, struct err *e)
{
	const char *s = c->secret;
	struct buf b;
	int rc;

	buf_init(&b, HEADER_MAX);
	if (c->token != NULL) {
		buf_printf(&b, "Authorization: Bearer %s", c->token);
	} else if (strcmp(c->auth, "bearer") == 0) {
		buf_printf(&b, "Authorization: Bearer %s", s);
	} else if (strcmp(c->auth, "basic") == 0) {
		buf_str(&b, "Authorization: Basic ");
		base64_put(&b, s, strlen(s));
	} else {
		buf_printf(&b, "%s: %s", c->auth + strlen("header:"), s);
	}
	rc = buf_check(&b, e) == -1 ? -1 : append_header(c, buf_text(&b), e);
	secret_release_buf(&b);
	return rc;
}

int
credentials_set_token(
    struct credentials *c, const char *p, size_t n, struct err *e)
{
	char *token = strndup(p, n);

	if (token == NULL)
		return err_nomem(e);
	if (c->token != NULL)
		secret_free(c->headers[--c->n_headers]);
	secret_free(c->token);
	c->token = token;
	if (add_auth_header(c, e) == 0)
		return 0;
	secret_free(c->token);
	c->token = NULL;
	return -1;
}

/* Sets c->client to "ID:SECRET", both percent-encoded, which oauth.c sends by
 * HTTP basic authentication (RFC 6749, 2.3.1). */
static int
set_client(struct credentials *c, const char *id, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, HEADER_MAX);
	percent_encode(&b, id, strlen(id), false);
	buf_char(&b, ':');
	percent_encode(&b, c->secret, strlen(c->secret), false);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0 && (c->client = strdup(b.data)) == NULL)
		rc = err_nomem(e);
	secret_release_buf(&b);
	c->may_renew = true;
	return rc;
}

static int
check_auth(const char *auth, struct err *e)
{
	static const char *const forms[] = { "bearer", "basic", "header:NAME",
		"query:NAME", "oauth2", NULL };

	if (strcmp(auth, "bearer") == 0 || strcmp(auth, "basic") == 0 ||
	    strcmp(auth, "oauth2") == 0 ||
	    (strncmp(auth, "query:", 6) == 0 && auth[6] != '\0'))
		return 0;
	if (strncmp(auth, "header:", 7) == 0 && auth[7] != '\0' &&
	    auth[7 + http_token_length(auth + 7)] == '\0')
		return 0;
	(void)suggest_choice("--auth", auth, forms, e);
	return -1;
}

/* Loads the secret of --auth and adds the header that carries it. */
static int
load_auth(struct credentials *c, const struct extract_opts *o, struct err *e)
{
	c->auth = o->auth;
	c->secret_from = o->secret == NULL ? "env:API_TOKEN" : o->secret;
	if (check_auth(c->auth, e) == -1 ||
	    secret_load(&c->secret, c->secret_from, e) == -1)
		return -1;
	if (strcmp(c->auth, "basic") == 0 && strchr(c->secret, ':') == NULL)
		return err_set(e, ERR_CONFIG, false,
		    "--auth basic: the secret must have the form "
		    "user:password, but it has no colon");
	c->from_command = c->may_renew =
	    strncmp(c->secret_from, "cmd:", 4) == 0;
	if (strcmp(c->auth, "oauth2") == 0)
		return set_client(c, o->client_id, e);
	if (c->query_param != NULL)
		return 0;
	return add_auth_header(c, e);
}

/* Adds a header with the value of AWS_SESSION_TOKEN, which temporary AWS keys
 * require. libcurl signs this header too. Does nothing if this variable is not
 * set. */
static int
add_session_token(struct credentials *c, struct err *e)
{
	const char *env = getenv("AWS_SESSION_TOKEN");
	struct buf b;
	int rc;

	if (env == NULL || *env == '\0')
		return 0;
	if (secret_load(&c->token, "env:AWS_SESSION_TOKEN", e) == -1)
		return -1;
	buf_init(&b, HEADER_MAX);
	buf_printf(&b, "x-%s-security-token: %s", c->sigv4.name, c->token);
	rc = buf_check(&b, e) == -1 ? -1 : append_header(c, buf_text(&b), e);
	secret_release_buf(&b);
	return rc;
}

static int
load_sigv4(struct credentials *c, const struct extract_opts *o, struct err *e)
{
	if (o->auth != NULL)
		return err_set(e, ERR_USAGE, false, "--auth and --aws-sigv4: "
		    "give only one of them");
	c->auth = sigv4_auth;
	c->secret_from = o->secret == NULL ? "env:AWS_SECRET_ACCESS_KEY" :
	    o->secret;
	if (secret_load(&c->secret, c->secret_from, e) == -1 ||
	    sigv4_init(&c->sigv4, o, c->secret, e) == -1)
		return -1;
	return add_session_token(c, e) == -1 ? -1 :
	    sigv4_check(&c->sigv4, c->headers, c->n_headers, e);
}

int
credentials_load(
    struct credentials *c, const struct extract_opts *o, struct err *e)
{
	memset(c, 0, sizeof(*c));
	if (o->auth == NULL && o->secret != NULL && o->aws_sigv4 == NULL)
		return err_set(e, ERR_USAGE, false, "--secret needs --auth, "
		    "which says how to send the secret");
	c->query_param = o->auth != NULL &&
	    strncmp(o->auth, "query:", 6) == 0 ? o->auth + 6 : NULL;
	if (o->replay_from != NULL)     /* nothing is sent */
		return 0;
	if (add_headers(c, o, e) == -1 ||
	    (o->aws_sigv4 != NULL && load_sigv4(c, o, e) == -1) ||
	    (o->auth != NULL &&
		load_auth(c, o, e) == -1)) {
		credentials_release(c);
		return -1;
	}
	return 0;
}

void
credentials_release(struct credentials *c)
{
	for (size_t i = 0; i < c->n_headers; i++)
		secret_free(c->headers[i]);
	free(c->headers);
	secret_free(c->secret);
	secret_free(c->client);
	secret_free(c->token);
	sigv4_release(&c->sigv4);
	memset(c, 0, sizeof(*c));
}

int
credentials_renew(struct credentials *c, struct err *e)
{
	char *fresh = NULL;

	if (!c->may_renew)
		return 0;
	c->may_renew = false;
	if (c->token != NULL) {
		secret_free(c->headers[--c->n_headers]);
		secret_free(c->token);
		c->token = NULL;
		return 1;
	}
	if (secret_load(&fresh, c->secret_from, e) == -1)
		return -1;
	secret_free(c->secret);
	c->secret = fresh;
	if (c->query_param != NULL)
		return 1;
	secret_free(c->headers[--c->n_headers]);
	return add_auth_header(c, e) == -1 ? -1 : 1;
}
