#include "http/auth.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/oauth_answer.h"
#include "http/private_address.h"
#include "http/secret.h"
#include "http/url.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PROVIDER_MAX = 512, PARTS_MOST = 4 };

static int
fail_provider(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE, false, "--aws-sigv4 %s: it must have the "
	    "form PROVIDER:NAME, PROVIDER:NAME:REGION or "
	    "PROVIDER:NAME:REGION:SERVICE, such as aws:amz:us-east-1:s3", text);
}

/* Checks that the region and the key id have only allowed characters, because
 * both become part of the header Authorization. */
static int
check_environment(const char *region, const char *key, struct err *e)
{
	for (const char *p = region; p != NULL && *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_", *p) == NULL)
			return err_set(e, ERR_CONFIG, false, "--aws-sigv4: "
			    "the value of the environment variable AWS_REGION "
			    "is not the name of a region");
	for (const char *p = key; p != NULL && *p != '\0'; p++)
		if (!isgraph((unsigned char)*p) || *p == ':')
			key = NULL;
	if (key != NULL && *key != '\0')
		return 0;
	return err_set(e, ERR_CONFIG, false, "--aws-sigv4: the environment "
	    "variable AWS_ACCESS_KEY_ID does not have the id of a key");
}

/* Sets s->provider, the value for libcurl: the option --aws-sigv4, plus the
 * region of AWS_REGION if the option has none. Sets s->name to the second part
 * of the option, such as amz. Fails if the option has a wrong form. */
static int
set_provider(struct sigv4 *s, const char *text, const char *region,
    struct err *e)
{
	const char *colon = strchr(text, ':');
	size_t parts = 1, n;

	for (const char *p = text; *p != '\0'; p++) {
		parts += *p == ':';
		if (!isalnum((unsigned char)*p) && strchr(":-_", *p) == NULL)
			return fail_provider(text, e);
	}
	n = colon == NULL ? 0 : strcspn(colon + 1, ":");
	if (n == 0 || colon == text || parts > PARTS_MOST ||
	    n >= sizeof(s->name) || strlen(text) > PROVIDER_MAX)
		return fail_provider(text, e);
	for (size_t i = 0; i < n; i++)
		s->name[i] = (char)tolower((unsigned char)colon[1 + i]);
	if (asprintf(&s->provider, "%s%s%s", text, parts == 2 &&
	    region != NULL && *region != '\0' ? ":" : "", parts == 2 &&
	    region != NULL ? region : "") == -1) {
		s->provider = NULL;
		return err_nomem(e);
	}
	return 0;
}

/* Reads the environment variables AWS_ACCESS_KEY_ID and AWS_REGION. The caller
 * has read the secret. */
static int
sigv4_init(struct sigv4 *s, const struct extract_opts *o, const char *secret,
    struct err *e)
{
	const char *key = getenv("AWS_ACCESS_KEY_ID");
	const char *region = getenv("AWS_REGION");

	if (set_provider(s, o->aws_sigv4, region, e) == -1 ||
	    check_environment(region, key, e) == -1)
		return -1;
	if (asprintf(&s->user_password, "%s:%s", key, secret) == -1) {
		s->user_password = NULL;
		return err_nomem(e);
	}
	return 0;
}

static void
sigv4_release(struct sigv4 *s)
{
	free(s->provider);
	secret_free(s->user_password);
	memset(s, 0, sizeof(*s));
}

/* libcurl 7.88 sorts the lines "name:value" that it signs, and the signature
 * needs the order of the names. These orders differ if one name is the start of
 * another one, such as Accept and Accept-Encoding. sigv4_find_wrong_order()
 * returns the header among h[0..n) for which this is so, or which has the same
 * name, or NULL. sigv4_check() refuses such headers (ERR_USAGE). */
static const char *
sigv4_find_wrong_order(char *const *h, size_t n, const char *name)
{
	const size_t m = http_token_length(name);

	for (size_t i = 0; i < n; i++) {
		const size_t k = http_token_length(h[i]);

		/* A character before ":" follows the start that both have in
		 * common: '-' or a digit, for example. */
		if (strncasecmp(h[i], name, k < m ? k : m) == 0 &&
		    (k == m || (k < m ? name[k] : h[i][m]) < ':'))
			return h[i];
	}
	return NULL;
}

static int
fail_wrong_order(const char *x, const char *y, struct err *e)
{
	return err_set(e, ERR_USAGE, false, "--aws-sigv4: the headers %.*s and "
	    "%.*s cannot be signed together: remove one of them",
	    (int)http_token_length(x), x, (int)http_token_length(y), y);
}

static int
sigv4_check(const struct sigv4 *s, char *const *h, size_t n, struct err *e)
{
	char date[SIGV4_HASH_HEADER], hash[SIGV4_HASH_HEADER];
	const char *const own[] = { "Host", date, hash };
	const char *other;

	(void)snprintf(date, sizeof(date), "x-%s-date", s->name);
	(void)snprintf(hash, sizeof(hash), "x-%s-content-sha256", s->name);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if ((other = sigv4_find_wrong_order(h, n, own[i])) != NULL)
			return fail_wrong_order(other, own[i], e);
	for (size_t i = 0; i < n; i++)
		if ((other = sigv4_find_wrong_order(h, i, h[i])) != NULL)
			return fail_wrong_order(other, h[i], e);
	return 0;
}

void
sigv4_put_hash(const struct sigv4 *s, const char *body, size_t n,
    char out[SIGV4_HASH_HEADER])
{
	char hex[HASH_HEX];

	hash_bytes(body == NULL ? "" : body, n, hex);
	(void)snprintf(out, SIGV4_HASH_HEADER, "x-%s-content-sha256: %s",
	    s->name, hex);
}

static int
compare_params(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	size_t n = strcspn(*x, "="), m = strcspn(*y, "=");
	int order = memcmp(*x, *y, n < m ? n : m);

	return order != 0 ? order : n != m ? (n > m) - (n < m) :
	    strcmp(*x + n, *y + m);
}

/* Appends a name or a value in the encoding that the signature requires:
 * decodes it, with "+" as a space, and percent-encodes it again. */
static void
put_reencoded(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == '+')
			c = ' ';
		if (c == '%' && i + 2 < n && hex_byte_value(p + i + 1) != -1) {
			c = (char)hex_byte_value(p + i + 1);
			i += 2;
		}
		percent_encode(b, &c, 1, false);
	}
}

/* Splits the query at "&" into *params, which point into *text. A parameter
 * without "=" gets one, as the signature requires. */
static int
encode_params(const char *query, size_t n, struct buf *text, char ***params,
    size_t *count, struct err *e)
{
	size_t most = 1, len, name;
	char *p;

	for (size_t i = 0; i < n; i++)
		most += query[i] == '&';
	for (; n > 0; query += len, n -= len) {
		len = strcspn(query, "&");
		name = strcspn(query, "=&");
		put_reencoded(text, query, name);
		buf_char(text, '=');
		if (name < len)
			put_reencoded(text, query + name + 1, len - name - 1);
		buf_char(text, '\0');
		len += len < n;
	}
	if (buf_check(text, e) == -1)
		return -1;
	if ((*params = calloc(most, sizeof(**params))) == NULL)
		return err_nomem(e);
	p = text->data;
	for (*count = 0; p < text->data + text->len; p += strlen(p) + 1)
		(*params)[(*count)++] = p;
	return 0;
}

int
sigv4_sort_query(struct buf *url, struct err *e)
{
	char **params = NULL, *query;
	struct buf text;
	size_t count = 0;
	int rc;

	(void)buf_text(url);
	if (buf_check(url, e) == -1)
		return -1;
	if ((query = strchr(url->data, '?')) == NULL)
		return 0;
	buf_init(&text, url->max * 3);
	rc = encode_params(query + 1, strlen(query + 1), &text, &params,
	    &count, e);
	if (rc == 0) {
		qsort(params, count, sizeof(*params), compare_params);
		url->len = (size_t)(query - url->data);
		for (size_t i = 0; i < count; i++) {
			buf_char(url, i == 0 ? '?' : '&');
			buf_str(url, params[i]);
		}
		rc = buf_check(url, e);
	}
	free(params);
	secret_release_buf(&text);
	return rc;
}

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

/* Adds the headers of --header, then those that etl-extract sends by
 * default. */
static int
add_headers(struct credentials *c, const struct extract_opts *o, struct err *e)
{
	if (o->proxy != NULL && strchr(o->proxy, '@') != NULL)
		err_warn("etl-extract", "--proxy: other users can see the "
		    "arguments of a process: put a URL with a password into "
		    "the environment variable https_proxy or http_proxy");
	for (size_t i = 0; i < o->headers.n; i++) {
		const char *h = o->headers.v[i];

		warn_header_secret(h);
		if ((*h == '@' ? add_header_file(c, h + 1, e) :
		    add_user_header(c, h, "--header", ERR_USAGE, e)) == -1)
			return -1;
	}
	/* libcurl 7.88 signs Accept and Accept-Encoding in the wrong order: see
	 * sigv4_find_wrong_order(). So signed requests do not ask for JSON. */
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

/* Sets the token of --auth oauth2 in the header Authorization. */
static int
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

/* Sets c->client to "ID:SECRET", both percent-encoded, which auth.c sends by
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

/* A token is renewed before it expires: when a tenth of its lifetime is left,
 * or MARGIN_MS, whichever is less. */
enum { BODY_MAX = 16 << 10, AUTH_MAX = 64 << 10, MARGIN_MS = 60000,
	TOKEN_MAX = 16 << 10 };

void
oauth_init(struct oauth *a, const struct extract_opts *o)
{
	a->o = o;
	a->renew_at = INT64_MAX;
	http_answer_init(&a->answer, o->max_body);
}

void
oauth_release(struct oauth *a)
{
	secret_release_buf(&a->answer.body);
	http_answer_release(&a->answer);
}

int
oauth_check(struct oauth *a, struct err *e)
{
	const struct extract_opts *o = a->o;
	bool is_oauth = o->auth != NULL && strcmp(o->auth, "oauth2") == 0;
	struct http_url u;
	bool has_user, is_http;

	if (!is_oauth)
		return o->token_url == NULL && o->client_id == NULL &&
		    o->scope == NULL ? 0 : err_set(e, ERR_USAGE, false,
		    "--token-url, --client-id and --scope need --auth oauth2");
	if (o->token_url == NULL || o->client_id == NULL)
		return err_set(e, ERR_USAGE, false, "--auth oauth2 needs "
		    "--token-url URL and --client-id ID");
	if (http_url_parse(&u, NULL, o->token_url, e) == -1) {
		err_prefix(e, "--token-url");
		return -1;
	}
	has_user = u.has_user;
	is_http = u.is_http;
	a->may_link_local = u.host != NULL && is_link_local(u.host);
	http_url_release(&u);
	return !has_user && is_http ? 0 : err_set(e, ERR_USAGE, false,
	    "--token-url: it must be a URL of http or https without a user "
	    "name");
}

static ssize_t
read_from_http(void *self, char *p, size_t n, struct err *e)
{
	return http_read(self, p, n, e);
}

int
oauth_request(struct oauth *a, const struct credentials *c,
    struct http *http, uint64_t timeout_ms, struct err *e)
{
	char accept[] = "Accept: application/json";
	char type[] = "Content-Type: application/x-www-form-urlencoded";
	const struct lines_reader from = { read_from_http, http };
	struct buf auth, body;
	int rc = -1;

	a->asked_at = clock_ms();
	buf_init(&auth, AUTH_MAX);
	buf_init(&body, BODY_MAX);
	buf_str(&body, "grant_type=client_credentials");
	if (a->o->scope != NULL) {
		buf_str(&body, "&scope=");
		percent_encode(&body, a->o->scope, strlen(a->o->scope), false);
	}
	buf_str(&auth, "Authorization: Basic ");
	base64_put(&auth, c->client, strlen(c->client));
	(void)buf_text(&body);
	(void)buf_text(&auth);
	if (buf_check(&body, e) == 0 && buf_check(&auth, e) == 0) {
		char *const headers[] = { accept, type, auth.data };
		const struct http_request r = { .method = "POST",
		    .url = a->o->token_url, .headers = headers,
		    .n_headers = sizeof(headers) / sizeof(headers[0]),
		    .body = body.data, .body_len = body.len,
		    .timeout = timeout_ms, .public_only = a->was_public,
		    .may_link_local = a->may_link_local };

		rc = http_send(http, &r, &a->answer, e);
		a->was_public |= rc == 0 && !a->answer.from_private;
		if (rc == 0 && a->answer.status < 300)
			rc = http_answer_read(&a->answer, from, e);
	}
	secret_release_buf(&auth);
	buf_release(&body);
	return rc;
}

int
oauth_read_token(struct oauth *a, struct credentials *c, struct err *e)
{
	const struct buf *b = &a->answer.body;
	struct buf token;
	int64_t life;
	int rc;

	buf_init(&token, TOKEN_MAX);
	rc = oauth_answer_read(b->data, b->len, &token, &life, e);
	if (rc == 0)
		rc = credentials_set_token(c, token.data, token.len, e);
	if (rc == 0)
		a->renew_at = life == -1 ? INT64_MAX :
		    a->asked_at + life -
		    (life / 10 < MARGIN_MS ? life / 10 : MARGIN_MS);
	secret_release_buf(&token);
	return rc;
}

bool
oauth_needs_token(const struct oauth *a, const struct credentials *c)
{
	return c->client != NULL &&
	    (c->token == NULL || clock_ms() >= a->renew_at);
}
