#include "page/locator.h"

#include "base/buf.h"
#include "http/http.h"
#include "json/pointer.h"

#include <string.h>

enum { SHOWN_MAX = 256 };

struct form {
	const char *prefix;
	enum locator_kind kind;
	enum { ALONE, NAME, POINTER } rest;     /* what follows the prefix */
	const char *shown;
};

static const struct form to_forms[] = {
	{ "query:", LOCATOR_QUERY, NAME, "query:NAME" },
	{ "header:", LOCATOR_HEADER, NAME, "header:NAME" },
	{ "body:", LOCATOR_BODY, POINTER, "body:/POINTER" },
	{ "url", LOCATOR_URL, ALONE, "url" },
};

static const struct form from_forms[] = {
	{ "header:", LOCATOR_HEADER, NAME, "header:NAME" },
	{ "last:", LOCATOR_LAST, POINTER, "last:/POINTER" },
	{ "link", LOCATOR_LINK, ALONE, "link" },
	{ "", LOCATOR_BODY, POINTER, "/POINTER" },
};

enum { FORMS = sizeof(to_forms) / sizeof(to_forms[0]) };

static bool
has_form(const char *text, const struct form *form)
{
	size_t n = strlen(form->prefix);
	const char *rest = text + n;

	if (strncmp(text, form->prefix, n) != 0)
		return false;
	if (form->rest == ALONE)
		return *rest == '\0';
	if (*rest == '\0')
		return false;
	if (form->rest == POINTER)
		return pointer_is_valid(rest);
	return form->kind != LOCATOR_HEADER ||
	    rest[http_token_length(rest)] == '\0';
}

static int
fail_with_forms(const struct form forms[FORMS], const char *option,
    const char *text, unsigned kinds, struct err *e)
{
	size_t left = 0;
	struct buf b;

	for (size_t i = 0; i < FORMS; i++)
		left += (kinds >> forms[i].kind) & 1;
	buf_init(&b, SHOWN_MAX);
	for (size_t i = 0; i < FORMS; i++) {
		if (((kinds >> forms[i].kind) & 1) == 0)
			continue;
		buf_str(&b, forms[i].shown);
		left--;
		buf_str(&b, left > 1 ? ", " : left == 1 ? " or " : "");
	}
	(void)err_set(e, ERR_USAGE, false, "%s %s: it must be %s", option,
	    text, buf_text(&b));
	buf_release(&b);
	return -1;
}

static int
parse_locator(struct locator *l, const struct form forms[FORMS],
    const char *option, const char *text, unsigned kinds, struct err *e)
{
	for (size_t i = 0; i < FORMS; i++) {
		if (((kinds >> forms[i].kind) & 1) == 0 ||
		    !has_form(text, &forms[i]))
			continue;
		l->kind = forms[i].kind;
		l->name = forms[i].rest == ALONE ? NULL :
		    text + strlen(forms[i].prefix);
		return 0;
	}
	return fail_with_forms(forms, option, text, kinds, e);
}

int
locator_parse_to(struct locator *l, const char *option, const char *text,
    unsigned kinds, struct err *e)
{
	return parse_locator(l, to_forms, option, text, kinds, e);
}

int
locator_parse_from(struct locator *l, const char *option, const char *text,
    unsigned kinds, struct err *e)
{
	return parse_locator(l, from_forms, option, text, kinds, e);
}
