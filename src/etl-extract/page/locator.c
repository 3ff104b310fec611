#include "page/locator.h"

#include "http/http.h"
#include "json/pointer.h"

#include <string.h>

struct form {
	const char *prefix;
	enum locator_kind kind;
	bool pointer;           /* what follows is a JSON Pointer */
};

static const struct form to_forms[] = {
	{ "query:", LOCATOR_QUERY, false },
	{ "header:", LOCATOR_HEADER, false },
	{ "body:", LOCATOR_BODY, true },
};

static const struct form from_forms[] = {
	{ "header:", LOCATOR_HEADER, false },
	{ "last:", LOCATOR_LAST, true },
	{ "", LOCATOR_BODY, true },
};

static bool
parse_locator(struct locator *l, const struct form *forms, size_t n,
    const char *text)
{
	for (size_t i = 0; i < n; i++) {
		size_t skip = strlen(forms[i].prefix);

		if (strncmp(text, forms[i].prefix, skip) != 0)
			continue;
		l->kind = forms[i].kind;
		l->name = text + skip;
		if (*l->name == '\0' ||
		    (forms[i].pointer && !pointer_is_valid(l->name)))
			return false;
		return l->kind != LOCATOR_HEADER ||
		    l->name[http_token_length(l->name)] == '\0';
	}
	return false;
}

int
locator_parse_request_place(
    struct locator *l, const char *option, const char *text, struct err *e)
{
	*l = (struct locator){ LOCATOR_URL, NULL };
	if (strcmp(text, "url") == 0 || parse_locator(l, to_forms,
	    sizeof(to_forms) / sizeof(to_forms[0]), text))
		return 0;
	return err_set(e, ERR_USAGE, false, "%s %s: it must be query:NAME or "
	    "header:NAME", option, text);
}

int
locator_parse_answer_place(
    struct locator *l, const char *option, const char *text, struct err *e)
{
	*l = (struct locator){ LOCATOR_LINK, NULL };
	if (strcmp(text, "link") == 0 || parse_locator(l, from_forms,
	    sizeof(from_forms) / sizeof(from_forms[0]), text))
		return 0;
	return err_set(e, ERR_USAGE, false, "%s %s: it must be header:NAME or "
	    "/POINTER", option, text);
}
