#include "http/sigv4.h"

#include "base/hash.h"
#include "base/hex.h"
#include "http/http.h"
#include "http/secret.h"
#include "http/url.h"

#include <ctype.h>
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

int
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

void
sigv4_release(struct sigv4 *s)
{
	free(s->provider);
	secret_free(s->user_password);
	memset(s, 0, sizeof(*s));
}

/* x and y are headers or names. A character before ":" follows the start that
 * both have in common: '-' or a digit, for example. */
static bool
are_in_wrong_order(const char *x, const char *y)
{
	size_t n = http_token_length(x), m = http_token_length(y);

	return strncasecmp(x, y, n < m ? n : m) == 0 &&
	    (n == m || (n < m ? y[n] : x[m]) < ':');
}

const char *
sigv4_find_wrong_order(char *const *h, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (are_in_wrong_order(h[i], name))
			return h[i];
	return NULL;
}

static int
fail_wrong_order(const char *x, const char *y, struct err *e)
{
	return err_set(e, ERR_USAGE, false, "--aws-sigv4: the headers %.*s and "
	    "%.*s cannot be signed together: remove one of them",
	    (int)http_token_length(x), x, (int)http_token_length(y), y);
}

int
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
