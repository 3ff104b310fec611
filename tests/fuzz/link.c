/* Fuzz target that compares the parser of Link headers with regular expressions
 * made from the grammar of RFC 8288.  Where the whole value has the form of the
 * grammar, both find the same link. */
#include "fuzz.h"

#include "src/etl-extract/http/answer.h"

#include <regex.h>
#include <string.h>
#include <strings.h>

#define OWS "[ \t]*"
#define TOKEN "[!#$%&'*+.^_`|~0-9a-zA-Z-]+"
#define QUOTED "\"([^\"\\]|\\\\.)*\""
#define PARAM OWS ";" OWS "(" TOKEN ")" OWS "(=" OWS "(" TOKEN "|" QUOTED "))?"
#define LINK "<([^>]*)>((" PARAM ")*)"

struct grammar {
	regex_t whole, link, param;
};

static void
compile(struct grammar *g)
{
	MUST(regcomp(&g->whole, "^" OWS LINK "(" OWS "," OWS LINK ")*" OWS "$",
	    REG_EXTENDED | REG_NOSUB) == 0);
	MUST(regcomp(&g->link, "^" OWS ",?" OWS LINK, REG_EXTENDED) == 0);
	MUST(regcomp(&g->param, "^" PARAM, REG_EXTENDED) == 0);
}

/* True if one of the words of the value, without quotes and backslashes, is
 * next. */
static int
has_word_next(const char *p, size_t n)
{
	char word[4096];
	size_t len = 0;
	int found = 0;
	int quoted = n > 0 && *p == '"';

	for (size_t i = quoted ? 1 : 0; i <= n; i++) {
		int end = i == n || p[i] == ' ' || p[i] == '\t' ||
		    (quoted && p[i] == '"');

		if (end) {
			found |= len == 4 && strncasecmp(word, "next", 4) == 0;
			len = 0;
			continue;
		}
		i += quoted && p[i] == '\\' && i + 1 < n;
		word[len++] = p[i];
	}
	return found;
}

/* True if the parameters say that the link leads to the next page. */
static int
leads_to_next(const struct grammar *g, const char *params)
{
	int rel = -1, anchor = 0;
	regmatch_t m[6];

	while (regexec(&g->param, params, 6, m, 0) == 0) {
		const char *name = params + m[1].rm_so;
		size_t n = (size_t)(m[1].rm_eo - m[1].rm_so);

		if (n == 3 && strncasecmp(name, "rel", n) == 0 && rel == -1)
			rel = m[3].rm_so != -1 && has_word_next(
			    params + m[3].rm_so,
			    (size_t)(m[3].rm_eo - m[3].rm_so));
		anchor |= n == 6 && strncasecmp(name, "anchor", n) == 0;
		params += m[0].rm_eo;
	}
	return rel == 1 && !anchor;
}

/* Returns the place of the first link to the next page, or NULL. */
static const char *
find_by_grammar(const struct grammar *g, const char *text, size_t *n)
{
	regmatch_t m[3];

	while (regexec(&g->link, text, 3, m, 0) == 0) {
		size_t len = (size_t)(m[2].rm_eo - m[2].rm_so);
		char *params = strndup(text + m[2].rm_so, len);
		int found;

		MUST(params != NULL);
		found = leads_to_next(g, params);
		free(params);
		if (found) {
			*n = (size_t)(m[1].rm_eo - m[1].rm_so);
			return text + m[1].rm_so;
		}
		text += m[0].rm_eo;
	}
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = strndup((const char *)data, n), *exact = malloc(n);
	const char *uri = NULL, *want;
	size_t len = 0, want_len = 0;
	struct grammar g;
	int found;

	MUST(text != NULL && (exact != NULL || n == 0));
	n = strlen(text);
	memcpy(exact, text, n);
	found = link_find_in_value(exact, n, &uri, &len);
	MUST(!found || (uri >= exact && uri + len <= exact + n));
	compile(&g);
	if (n < 1000 && regexec(&g.whole, text, 0, NULL, 0) == 0) {
		want = find_by_grammar(&g, text, &want_len);
		MUST(found == (want != NULL));
		MUST(!found || (uri - exact == want - text &&
		    len == want_len));
	}
	regfree(&g.whole);
	regfree(&g.link);
	regfree(&g.param);
	free(text);
	free(exact);
	return 0;
}
