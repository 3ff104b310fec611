#include "http/uri_template.h"

#include "http/url.h"
#include "json/write.h"

#include <string.h>

/* RFC 6570, appendix A. */
struct form {
	char op, first, sep;            /* 0: none */
	bool named, reserved;
	const char *empty;              /* after the name of an empty value */
};

static const struct form forms[] = {
	{ 0, 0, ',', false, false, "" },
	{ '+', 0, ',', false, true, "" },
	{ '#', '#', ',', false, true, "" },
	{ '.', '.', '.', false, false, "" },
	{ '/', '/', '/', false, false, "" },
	{ ';', ';', ';', true, false, "" },
	{ '?', '?', '&', true, false, "=" },
	{ '&', '&', '&', true, false, "=" },
};

static const struct form *
form_of(char op)
{
	for (size_t i = 1; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].op == op)
			return &forms[i];
	return &forms[0];
}

/* The literal start holds the whole origin. */
static bool
origin_literal(const char *text)
{
	const char *p = strstr(text, "://");

	if (p == NULL || p == text || strcspn(text, "{") < (size_t)(p - text))
		return false;
	p += 3;
	p += strcspn(p, "/?#{");
	return *p != '{' || (p[1] != '\0' && strchr("/?#", p[1]) != NULL);
}

static int
expression_check(const char *p, size_t n, struct err *e)
{
	bool begun = false;

	if (n > 0 && strchr("+#./;?&", *p) != NULL) {
		p++;
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		if (strchr(":*|!@={", p[i]) != NULL)
			return err_set(e, ERR_USAGE, false, "--each: '%c' in "
			    "an expression is not supported", p[i]);
		if (p[i] == ',' && !begun)
			break;
		begun = p[i] != ',';
	}
	return begun ? 0 : err_set(e, ERR_USAGE, false,
	    "--each: an expression without a name");
}

int
template_check(const char *text, struct err *e)
{
	const char *p, *end;

	if (!origin_literal(text))
		return err_set(e, ERR_USAGE, false, "--each %s: wants a URL "
		    "whose host is written out", text);
	for (p = text; (p = strpbrk(p, "{}")) != NULL; p = end + 1) {
		if (*p == '}' || (end = strchr(p, '}')) == NULL)
			return err_set(e, ERR_USAGE, false,
			    "--each %s: a brace without the other", text);
		if (expression_check(p + 1, (size_t)(end - p - 1), e) == -1)
			return -1;
	}
	return 0;
}

/* Members of a path that would climb in it, or make it another one. */
static bool
path_changes(const struct buf *v)
{
	return v->len == 0 || (v->data[0] == '.' && (v->len == 1 ||
	    (v->len == 2 && v->data[1] == '.')));
}

static int
fault(struct template_fault *f, const char *code, const char *why)
{
	f->code = code;
	f->why = why;
	return 0;
}

/* The characters of the member, not yet encoded. */
static int
value_of(const struct json *j, struct buf *v, struct template_fault *f)
{
	uint32_t i = json_member(j, 0, f->name, f->len);
	const struct json_tok *t = &j->tok[i];

	buf_clear(v);
	if (i == 0 || t->type == JSON_NULL)
		return fault(f, "required", "the URL needs it");
	if (t->type == JSON_OBJECT || t->type == JSON_ARRAY)
		return fault(f, "type", "not a string or number, which the "
		    "URL needs");
	if (t->type != JSON_STRING) {
		buf_add(v, j->text + t->at, t->len);
		return 1;
	}
	if ((t->flags & (JSON_NUL | JSON_LONE)) != 0)
		return fault(f, "encoding", "not text that a URL can hold");
	json_unescape(v, j, i);
	return 1;
}

static void
value_put(struct buf *out, const struct form *form, const struct buf *v,
    const struct template_fault *f)
{
	if (form->named) {
		percent_put(out, f->name, f->len, false);
		buf_str(out, v->len == 0 ? form->empty : "=");
	}
	percent_put(out, v->data, v->len, form->reserved);
}

/* p[0..n) is between the braces.  Where v has failed it is left so. */
static int
expression_put(struct buf *out, const char *p, size_t n,
    const struct json *j, struct buf *v, struct template_fault *f)
{
	const struct form *form = form_of(*p);
	const char *end = p + n;
	char before = form->first;
	bool path = (form->op == 0 || form->op == '/' || form->op == '.') &&
	    memchr(out->data, '?', out->len) == NULL;

	for (p += form->op != 0; p < end; p += f->len + 1) {
		f->name = p;
		f->len = strcspn(p, ",}");
		if (value_of(j, v, f) == 0)
			return 0;
		if (v->failed)
			return 1;
		if (path && path_changes(v))
			return fault(f, "range", "empty, \".\" or \"..\", "
			    "which would change the path");
		if (before != 0)
			buf_char(out, before);
		before = form->sep;
		value_put(out, form, v, f);
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

		percent_put(out, p, n, true);
		p += n;
		if (*p == '\0')
			break;
		end = strchr(p, '}');
		rc = expression_put(out, p + 1, (size_t)(end - p - 1), j, &v,
		    f);
		p = end + 1;
	}
	if (rc == 1 && (v.failed || out->failed)) {
		if (!v.full && !out->full)
			rc = buf_check(out, e) == -1 ? -1 : buf_check(&v, e);
		else
			rc = fault(f, "range", "too long for a URL");
	}
	if (out->failed)
		buf_clear(out);
	buf_release(&v);
	return rc;
}
