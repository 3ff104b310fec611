#include "http/url.h"

#include "json/write.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char unreserved[] = "-._~";
static const char gen_and_sub_delims[] = ":/?#[]@!$&'()*+,;=";

static bool
is_in_set(const char *set, char c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
is_triplet(const char *p, size_t n)
{
	return n >= 3 && p[0] == '%' && isxdigit((unsigned char)p[1]) &&
	    isxdigit((unsigned char)p[2]);
}

void
percent_encode(struct buf *b, const char *p, size_t n,
    bool keep_reserved_and_triplets)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; n > 0; p++, n--) {       /* p may be NULL if n is 0 */
		unsigned char c = (unsigned char)*p;

		if ((c < 0x80 && isalnum(c)) || is_in_set(unreserved, *p) ||
		    (keep_reserved_and_triplets &&
			(is_in_set(gen_and_sub_delims, *p) ||
			    is_triplet(p, n)))) {
			buf_char(b, *p);
			continue;
		}
		buf_char(b, '%');
		buf_char(b, hex[c >> 4]);
		buf_char(b, hex[c & 15]);
	}
}

static size_t
fragment_start(const struct buf *url)
{
	const char *p = url->len == 0 ? NULL :
	    memchr(url->data, '#', url->len);

	return p == NULL ? url->len : (size_t)(p - url->data);
}

void
query_remove(struct buf *url, const char *name, size_t n)
{
	char *p, *to, *amp, *q = url->len == 0 ? NULL :
	    memchr(url->data, '?', fragment_start(url));
	char *end;
	struct buf key;

	if (q == NULL)
		return;
	buf_init(&key, url->max);
	percent_encode(&key, name, n, false);
	end = url->data + fragment_start(url);
	for (p = to = q + 1; p < end && !key.failed; p = amp + 1) {
		amp = memchr(p, '&', (size_t)(end - p));
		if (amp == NULL)
			amp = end;
		/* p..amp is NAME=VALUE; VALUE may be missing. */
		if ((size_t)(amp - p) >= key.len &&
		    memcmp(p, key.data, key.len) == 0 &&
		    (p + key.len == amp || p[key.len] == '='))
			continue;
		if (to > q + 1)
			*to++ = '&';
		memmove(to, p, (size_t)(amp - p));
		to += amp - p;
	}
	if (key.failed)
		url->failed = true;
	else
		url->len = (size_t)((to > q + 1 ? to : q) - url->data);
	buf_release(&key);
}

void
query_add(struct buf *url, const char *name, size_t n, const char *value)
{
	const char *q;

	url->len = fragment_start(url);
	q = url->len == 0 ? NULL : memchr(url->data, '?', url->len);
	buf_char(url, q == NULL ? '?' : '&');
	percent_encode(url, name, n, false);
	buf_char(url, '=');
	percent_encode(url, value, strlen(value), false);
}

void
query_set(struct buf *url, const char *name, size_t n, const char *value)
{
	query_remove(url, name, n);
	query_add(url, name, n, value);
}

static char *
get_url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *s = NULL;

	return curl_url_get(u, part, &s, flags) == CURLUE_OK ? s : NULL;
}

static char *
make_origin(CURLU *u, const char *scheme, const char *host)
{
	char *text = NULL;
	char *port = get_url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);

	if (asprintf(&text, "%s://%s:%s", scheme, host == NULL ? "" : host,
	    port == NULL ? "" : port) == -1)
		text = NULL;
	curl_free(port);
	return text;
}

/* Removes the brackets of "[::1]" and the dot at the end of "localhost.". */
static void
strip_host(char *host)
{
	size_t n = strlen(host);

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		memmove(host, host + 1, n - 2);
		host[n - 2] = '\0';
	} else if (n > 1 && host[n - 1] == '.') {
		host[n - 1] = '\0';
	}
}

/* Fills *to from a parsed URL, without user name, password and fragment. */
static int
set_url_parts(struct http_url *to, CURLU *u, struct err *e)
{
	char *scheme = get_url_part(u, CURLUPART_SCHEME, 0);
	char *user = get_url_part(u, CURLUPART_USER, 0);

	to->has_user = user != NULL;
	curl_free(user);
	(void)curl_url_set(u, CURLUPART_USER, NULL, 0);
	(void)curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	(void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (scheme != NULL) {
		to->is_https = strcasecmp(scheme, "https") == 0;
		to->is_http = to->is_https || strcasecmp(scheme, "http") == 0;
		to->text = get_url_part(u, CURLUPART_URL, 0);
		to->host = get_url_part(u, CURLUPART_HOST, 0);
		to->origin = make_origin(u, scheme, to->host);
	}
	curl_free(scheme);
	if (to->text == NULL || to->origin == NULL)
		return err_nomem(e);
	if (to->host != NULL)
		strip_host(to->host);
	for (const char *p = to->origin; *p != '\0'; p++)
		if ((*p & 0x80) != 0)   /* libcurl's IDN needs a locale */
			return err_set(e, ERR_USAGE, false, "the host name is "
			    "not ASCII: write its xn-- form (Punycode)");
	return 0;
}

int
http_url_parse(struct http_url *to, const char *base, const char *ref,
    struct err *e)
{
	CURLU *u = curl_url();
	CURLUcode code = CURLUE_OK;
	int rc = -1;

	memset(to, 0, sizeof(*to));
	if (u == NULL)
		return err_nomem(e);
	if (base != NULL)
		code = curl_url_set(u, CURLUPART_URL, base, 0);
	if (code == CURLUE_OK)
		code = curl_url_set(u, CURLUPART_URL, ref,
		    CURLU_NON_SUPPORT_SCHEME | (base == NULL ? 0 :
		    CURLU_URLENCODE | CURLU_ALLOW_SPACE));
	if (code != CURLUE_OK)
		(void)err_set(e, ERR_USAGE, false, "not a URL: %s",
		    curl_url_strerror(code));
	else
		rc = set_url_parts(to, u, e);
	curl_url_cleanup(u);
	if (rc == -1)
		http_url_release(to);
	return rc;
}

void
http_url_release(struct http_url *u)
{
	curl_free(u->text);
	curl_free(u->host);
	free(u->origin);
	memset(u, 0, sizeof(*u));
}

/* The table of RFC 6570, appendix A: how an expression such as {?a,b} is
 * expanded, depending on its first character. '#' is missing, because
 * template_check() refuses it. */
struct operator {
	char op;                /* 0 for an expression without an operator */
	char first, sep;        /* before the first, before other values; 0:
				 * none */
	bool named;             /* writes NAME=VALUE, not only VALUE */
	bool reserved;          /* does not encode reserved characters */
	const char *empty;      /* written after the name of an empty value */
};

static const struct operator operators[] = {
	{ 0, 0, ',', false, false, "" },
	{ '+', 0, ',', false, true, "" },
	{ '.', '.', '.', false, false, "" },
	{ '/', '/', '/', false, false, "" },
	{ ';', ';', ';', true, false, "" },
	{ '?', '?', '&', true, false, "=" },
	{ '&', '&', '&', true, false, "=" },
};

/* Returns the operator `op`. For any other character, returns the operator
 * without a character. */
static const struct operator *
get_operator(char op)
{
	for (size_t i = 1; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (operators[i].op == op)
			return &operators[i];
	return &operators[0];
}

/* True if the template has scheme, host and port before its first
 * expression. */
static bool
has_literal_origin(const char *text)
{
	const char *p = strstr(text, "://");

	if (p == NULL || p == text || strcspn(text, "{") < (size_t)(p - text))
		return false;
	p += 3;
	p += strcspn(p, "/?#{");
	return *p != '{' || (p[1] != '\0' && strchr("/?#", p[1]) != NULL);
}

static int
check_expression(const char *p, size_t n, struct err *e)
{
	bool begun = false;

	if (n > 0 && strchr("+./;?&", *p) != NULL) {
		p++;
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		if (strchr(":*|!@={", p[i]) != NULL)
			return err_set(e, ERR_USAGE, false, "--each: the "
			    "character '%c' is not supported between { and }",
			    p[i]);
		if (p[i] == ',' && !begun)
			break;
		begun = p[i] != ',';
	}
	return begun ? 0 : err_set(e, ERR_USAGE, false,
	    "--each: a member name is missing between { and }");
}

/* True if the expression at p is in the fragment of the URL, which is never
 * sent to a service: a # comes before it, or it has the form {#NAME}. */
static bool
is_in_fragment(const char *text, const char *p)
{
	return p[1] == '#' || memchr(text, '#', (size_t)(p - text)) != NULL;
}

int
template_check(const char *text, struct err *e)
{
	const char *p, *end;

	if (!has_literal_origin(text))
		return err_set(e, ERR_USAGE, false, "--each %s: it must be a "
		    "URL with a literal host: a {NAME} may only come after the "
		    "host", text);
	for (p = text; (p = strpbrk(p, "{}")) != NULL; p = end + 1) {
		if (*p == '}' || (end = strchr(p, '}')) == NULL)
			return err_set(e, ERR_USAGE, false,
			    "--each %s: a { or } has no partner", text);
		if (is_in_fragment(text, p))
			return err_set(e, ERR_USAGE, false, "--each %s: a "
			    "{NAME} behind # is in the fragment of the URL, "
			    "which is not sent to the service: put it before "
			    "the #", text);
		if (check_expression(p + 1, (size_t)(end - p - 1), e) == -1)
			return -1;
	}
	return 0;
}

/* True for "", "." and "..": as one part of the URL's path, such a value would
 * make the URL lead to another resource. */
static bool
is_dots(const struct buf *v)
{
	return v->len == 0 || (v->data[0] == '.' && (v->len == 1 ||
	    (v->len == 2 && v->data[1] == '.')));
}

/* Sets the fault. Returns 0. */
static int
set_fault(struct template_fault *f, const char *code, const char *why)
{
	f->code = code;
	f->why = why;
	return 0;
}

int
template_value_text(const struct json *j, uint32_t i, struct buf *v,
    struct template_fault *f)
{
	const struct json_tok *t = &j->tok[i];

	buf_clear(v);
	if (i == 0 || t->type == JSON_NULL)
		return set_fault(f, "required",
		    "the request needs this member, "
		    "but it is absent or null");
	if (t->type == JSON_OBJECT || t->type == JSON_ARRAY)
		return set_fault(f, "type", "an array or object cannot be put "
		    "into a request");
	if (t->type != JSON_STRING) {
		buf_add(v, j->text + t->at, t->len);
		return 1;
	}
	if ((t->flags & (JSON_NUL | JSON_LONE)) != 0)
		return set_fault(f, "encoding", "contains \\u0000 or a lone "
		    "surrogate, which a request cannot contain");
	json_unescape(v, j, i);
	return 1;
}

/* Appends the value, percent-encoded. Appends its name before it if the
 * operator asks for names. */
static void
put_named_value(struct buf *out, const struct operator *operator,
    const struct buf *v, const struct template_fault *f)
{
	if (operator->named) {
		percent_encode(out, f->name, f->len, false);
		buf_str(out, v->len == 0 ? operator->empty : "=");
	}
	percent_encode(out, v->data, v->len, operator->reserved);
}

static bool
is_in_path(const struct operator *operator, const struct buf *before)
{
	return (operator->op == 0 || operator->op == '/' ||
	    operator->op == '.') &&
	    memchr(before->data, '?', before->len) == NULL;
}

/* Expands the text p[0..n) that is between { and } in the URI template, such as
 * "?id,name", with the members of the record j, and appends the result to out.
 * The buffer v holds one value at a time. Returns 1; or 0 with the reason in
 * *f if a member is missing or its value cannot be put into a URL. If v or out
 * gets too long or memory is out, returns no error: the caller must check
 * v->failed and out->failed. */
static int
expand_expression(struct buf *out, const char *p, size_t n,
    const struct json *j, struct buf *v, struct template_fault *f)
{
	const struct operator *operator = get_operator(*p);
	const char *end = p + n;
	char before = operator->first;
	bool path = is_in_path(operator, out);

	for (p += operator->op != 0; p < end; p += f->len + 1) {
		f->name = p;
		f->len = strcspn(p, ",}");
		if (template_value_text(j,
		    json_member_value(j, 0, f->name, f->len), v, f) == 0)
			return 0;
		if (v->failed)
			return 1;
		if (path && is_dots(v))
			return set_fault(f, "range", "the value is empty, "
			    "\".\" or \"..\", which would change the path of "
			    "the URL");
		if (before != 0)
			buf_char(out, before);
		before = operator->sep;
		put_named_value(out, operator, v, f);
	}
	return 1;
}

int
template_expand(const char *text, const struct json *j, struct buf *out,
    struct template_fault *f, struct err *e)
{
	const char *p = text, *end;
	struct buf v;
	int rc = 1;

	buf_init(&v, out->max);
	buf_clear(out);
	while (rc == 1 && !v.failed && *p != '\0') {
		size_t n = strcspn(p, "{");

		percent_encode(out, p, n, true);
		p += n;
		if (*p == '\0')
			break;
		end = strchr(p, '}');
		rc = expand_expression(out, p + 1, (size_t)(end - p - 1), j, &v,
		    f);
		p = end + 1;
	}
	if (rc == 1 && (v.failed || out->failed)) {
		if (!v.full && !out->full)
			rc = buf_check(out, e) == -1 ? -1 : buf_check(&v, e);
		else
			rc = set_fault(f, "range", "the URL would be too long");
	}
	if (out->failed)
		buf_clear(out);
	buf_release(&v);
	return rc;
}

void
template_list_init(struct template_list *l, size_t max)
{
	*l = (struct template_list){ 0 };
	buf_init(&l->before, max);
	buf_init(&l->after, max);
}

void
template_list_release(struct template_list *l)
{
	buf_release(&l->before);
	buf_release(&l->after);
}

int
template_list_split(struct template_list *l, const char *text, const char *name,
    struct err *e)
{
	const char *p = text + strcspn(text, "{");
	const struct operator *operator = get_operator(p[*p == '{']);
	const char *end = p + (*p == '{') + (operator->op != 0);
	size_t n = strlen(name);

	if (*p != '{' || strchr(p + 1, '{') != NULL ||
	    strncmp(end, name, n) != 0 || end[n] != '}')
		return err_set(e, ERR_USAGE, false, "--each %s: with "
		    "--batch-each the template or --body must have {%s} once, "
		    "and no other {NAME}, because a request is for several "
		    "records",
		    text, name);
	percent_encode(&l->before, text, (size_t)(p - text), true);
	l->is_in_path = is_in_path(operator, &l->before);
	l->keeps_reserved = operator->reserved;
	if (operator->first != 0)
		buf_char(&l->before, operator->first);
	if (operator->named)
		buf_printf(&l->before, "%s=", name);
	percent_encode(&l->after, end + n + 1, strlen(end + n + 1), true);
	return buf_check(&l->before, e) == -1 ? -1 : buf_check(&l->after, e);
}

/* With {+NAME}, reserved characters stay as they are. But those that end the
 * list are encoded: else the service would not get the values after them. */
static void
put_encoded(
    const struct template_list *l, const struct buf *v, struct buf *out)
{
	const char *ends = l->is_in_path ? ",?#&;/" : ",?#&;";
	size_t n;

	for (size_t i = 0; i < v->len; i += n) {
		for (n = 0; i + n < v->len && (v->data[i + n] == '\0' ||
		    strchr(ends, v->data[i + n]) == NULL); n++)
			continue;
		percent_encode(out, v->data + i, n, l->keeps_reserved);
		i += n;
		n = i < v->len;
		percent_encode(out, v->data + i, n, false);
	}
}

int
template_list_put(const struct template_list *l, const struct buf *v,
    struct buf *out, struct template_fault *f)
{
	if (v->len == 0)
		return set_fault(f, "range",
		    "the value is empty: some services then answer with all "
		    "that they have");
	if (l->is_in_path && is_dots(v))
		return set_fault(f, "range",
		    "the value is \".\" or \"..\", which would change the "
		    "path of the URL");
	put_encoded(l, v, out);
	return 1;
}
