#include "probe/look.h"

#include "http/link_header.h"
#include "json/number.h"
#include "json/write.h"
#include "probe/members.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WHY_MAX = 1024, NAME_MAX_BYTES = 128, TEXT_MAX = 8192 };

static bool
is_one_of(const char *key, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		if (strcmp(key, *keys) == 0)
			return true;
	return false;
}

/* Sets a part. The reason is `what` and `is` joined, for example "/total" and
 * "is 200". */
static void
set_part(struct look *l, enum part part, enum sureness sure, const char *value,
    const char *what, const char *is)
{
	char why[WHY_MAX];

	(void)snprintf(why, sizeof(why), "%s %s", what, is);
	findings_set(l->findings, part, sure, value, why);
}

/* Sets the part of --total. Does nothing if the value cannot be the total. */
static void
set_total_part(struct look *l, const char *where, const char *p, size_t n)
{
	int64_t total;
	char is[64];

	if (!number_to_int64(p, n, &total) || total < 0 ||
	    (uint64_t)total < l->records || l->total != -1)
		return;
	l->total = total;
	(void)snprintf(is, sizeof(is), "is %" PRId64, total);
	set_part(l, PART_TOTAL, (uint64_t)total > l->records ? LIKELY : GUESS,
	    where, where, is);
}

static void
look_for_total(struct look *l)
{
	static const char *const names[] = { "X-Total-Count", "X-Total",
		"Total-Count", "X-Total-Results", NULL };
	char where[NAME_MAX_BYTES];
	const char *v;
	size_t n;

	for (size_t i = 0; names[i] != NULL; i++) {
		if (!http_find_header(l->answer, names[i], &v, &n) || n == 0)
			continue;
		(void)snprintf(where, sizeof(where), "header:%s", names[i]);
		set_total_part(l, where, v, n);
	}
}

/* True if the member has the URL of the next page: for example next in
 * {"next":"/p2"}, or href in {"next":{"href":"/p2"}}. */
static bool
is_url_of_next(const struct member *m, const char *text)
{
	static const char *const keys[] = { "next", "nextpage", "nextlink",
		"nexturl", "nexthref", "odatanextlink", "nextpageurl", NULL };
	bool is_url = strncmp(text, "http://", 7) == 0 ||
	    strncmp(text, "https://", 8) == 0 || *text == '/' || *text == '?';

	return is_url && (is_one_of(m->key, keys) ||
	    (strcmp(m->key, "href") == 0 &&
		strstr(m->pointer, "/next/") != NULL));
}

static bool
is_cursor_of_next(const struct member *m)
{
	static const char *const keys[] = { "nextcursor", "nextpagetoken",
		"nexttoken", "endcursor", "continuationtoken", "continuation",
		"nextmarker", "scrollid", "nextoffset", "nextpage", "next",
		NULL };

	return is_one_of(m->key, keys) || (strcmp(m->key, "after") == 0 &&
	    (strstr(m->pointer, "next") != NULL ||
		strstr(m->pointer, "cursor") != NULL ||
		strstr(m->pointer, "paging") != NULL));
}

/* Guesses the name of the query parameter: it is probably the name of the
 * member without "next". For example, the cursor in next_page_token is sent as
 * page_token. */
static void
make_param_name(char out[NAME_MAX_BYTES], const struct member *m)
{
	size_t skip = m->n > 4 && strncasecmp(m->name, "next", 4) == 0 ? 4 : 0;

	if (skip > 0 && (m->name[skip] == '_' || m->name[skip] == '-'))
		skip++;
	if (strcmp(m->key, "endcursor") == 0)
		(void)snprintf(out, NAME_MAX_BYTES, "query:after");
	else if (strcmp(m->key, "next") == 0)
		(void)snprintf(out, NAME_MAX_BYTES, "query:cursor");
	else
		(void)snprintf(out, NAME_MAX_BYTES, "query:%c%.*s",
		    tolower((unsigned char)m->name[skip]),
		    (int)(m->n - skip - 1 > 64 ? 64 : m->n - skip - 1),
		    m->name + skip + 1);
}

/* Sets the parts of the paging if the member is the URL or the cursor of the
 * next page. */
static void
look_for_next(struct look *l, const struct member *m, const char *text)
{
	char into[NAME_MAX_BYTES];

	if (is_url_of_next(m, text)) {
		set_part(l, PART_PAGING, SURE, "cursor", m->pointer,
		    "has the URL of the next page");
		set_part(l, PART_NEXT, SURE, m->pointer, m->pointer,
		    "is this URL");
		set_part(l, PART_INTO, SURE, "url", "the next request",
		    "goes to this URL");
	} else if (is_cursor_of_next(m)) {
		make_param_name(into, m);
		set_part(l, PART_PAGING, LIKELY, "cursor", m->pointer,
		    "looks like the cursor of the next page");
		set_part(l, PART_NEXT, LIKELY, m->pointer, m->pointer,
		    "is this cursor");
		set_part(l, PART_INTO, GUESS, into, "the answer",
		    "does not say which parameter takes the cursor");
	}
}

/* Called for each member of the answer. Sets the parts that it shows. */
static void
look_at_member(void *self, const struct json *j, const struct member *m)
{
	static const char *const totals[] = { "total", "totalcount",
		"totalresults", "totalitems", "totalrecords", "totalelements",
		"numfound", "count", NULL };
	static const char *const mores[] = { "hasmore", "hasnext",
		"hasnextpage", "more", "ismore", "morepages", NULL };
	const struct json_tok *t = &j->tok[m->value];
	struct look *l = self;
	struct buf text;

	if (t->type == JSON_NUMBER && is_one_of(m->key, totals))
		set_total_part(l, m->pointer, j->text + t->at, t->len);
	if ((t->type == JSON_TRUE || t->type == JSON_FALSE) &&
	    is_one_of(m->key, mores))
		set_part(l, PART_MORE, t->type == JSON_TRUE ?
		    SURE : LIKELY, m->pointer, m->pointer,
		    t->type == JSON_TRUE ?
		    "is true" : "is false: this is the last page");
	if (t->type != JSON_STRING && t->type != JSON_NUMBER)
		return;
	buf_init(&text, TEXT_MAX);
	if (t->type == JSON_STRING)
		json_unescape(&text, j, m->value);
	else
		buf_add(&text, j->text + t->at, t->len);
	(void)buf_text(&text);
	l->nomem |= text.failed && !text.full;
	if (!text.failed && text.len > 0)
		look_for_next(l, m, text.data);
	buf_release(&text);
}

/* Finds a query parameter of the URL whose key is in `keys`, and sets `name` to
 * its name as written. Returns false if there is none. */
static bool
find_param(const char *url, const char *const *keys, char name[NAME_MAX_BYTES])
{
	const char *p = strchr(url, '?');
	char key[MEMBER_KEY];
	size_t n;

	for (; p != NULL; p = strchr(p, '&')) {
		n = strcspn(++p, "=&#");
		member_make_key(key, p, n);
		if (n >= NAME_MAX_BYTES || !is_one_of(key, keys))
			continue;
		(void)snprintf(name, NAME_MAX_BYTES, "%.*s", (int)n, p);
		return true;
	}
	return false;
}

/* Called if the answer does not tell the next page. Looks for a parameter of
 * the URL that may be the number of the page or of its first record. */
static void
look_for_number(struct look *l)
{
	static const char *const pages[] = { "page", "p", "pagenumber",
		"pageno", "pageindex", NULL };
	static const char *const offsets[] = { "offset", "skip", "start",
		"startindex", "startat", NULL };
	bool more = l->total > (int64_t)l->records;
	char name[NAME_MAX_BYTES], into[NAME_MAX_BYTES + 8];
	bool is_page = find_param(l->url, pages, name);

	if (!is_page && !find_param(l->url, offsets, name)) {
		if (!more)
			return;
		set_part(l, PART_PAGING, GUESS, "page", "the total",
		    "is more than the records of this page");
		set_part(l, PART_INTO, GUESS, "query:page", "the answer",
		    "does not say which parameter takes the number");
		return;
	}
	(void)snprintf(into, sizeof(into), "query:%s", name);
	set_part(l, PART_PAGING, more ? LIKELY : GUESS,
	    is_page ? "page" : "offset", name, "is a parameter of the URL");
	set_part(l, PART_INTO, more ? LIKELY : GUESS, into, name,
	    "is this parameter");
}

/* Guesses paging as in the Stripe API: a member says that more pages follow, no
 * member is a cursor, and the id of the last record is used as the cursor. */
static void
look_for_last_id(struct look *l)
{
	const struct finding *more = &l->findings->part[PART_MORE];

	if (more->sure != SURE || l->records == 0 ||
	    l->findings->part[PART_PAGING].sure != NOT_FOUND ||
	    json_member_value(l->j, l->array + 1, "id", 2) == 0)
		return;
	set_part(l, PART_PAGING, GUESS, "cursor", "more pages follow,",
	    "and the records have an id");
	set_part(l, PART_NEXT, GUESS, "last:/id", "the id of the last record",
	    "may be the cursor");
	set_part(l, PART_INTO, GUESS, "query:starting_after", "the answer",
	    "does not say which parameter takes the cursor");
}

/* Sets the part of --size if the URL, or that of the next page, has a parameter
 * for it. */
static void
look_for_size(struct look *l, const char *next)
{
	static const char *const sizes[] = { "limit", "perpage", "pagesize",
		"size", "top", "rows", "maxresults", "count", NULL };
	char name[NAME_MAX_BYTES];

	if (find_param(l->url, sizes, name))
		set_part(l, PART_SIZE, SURE, "", name,
		    "is in the URL: raise its value to make fewer requests");
	else if (next != NULL && find_param(next, sizes, name))
		set_part(l, PART_SIZE, LIKELY, "", name, "is in the URL of "
		    "the next page: give --size with this name to make fewer "
		    "requests");
}

static void
look_for_link(struct look *l)
{
	const char *uri, *v;
	char next[TEXT_MAX];
	size_t n;

	if (link_find_next(l->answer, &uri, &n)) {
		set_part(l, PART_PAGING, SURE, "link", "the Link header",
		    "names the next page");
		(void)snprintf(next, sizeof(next), "%.*s",
		    (int)(n < sizeof(next) ? n : sizeof(next) - 1), uri);
		look_for_size(l, next);
	} else if (http_find_header(l->answer, "Link", &v, &n) &&
	    memmem(v, n, "rel=", 4) != NULL) {
		set_part(l, PART_PAGING, GUESS, "link", "the Link header",
		    "names other pages, but no next one");
	}
	look_for_size(l, NULL);
}

/* Removes options that are useless with the paging that was found. */
static void
clear_useless(struct look *l)
{
	struct finding *p = l->findings->part;
	const char *paging = buf_text(&p[PART_PAGING].value);

	if (strcmp(paging, "link") == 0) {
		p[PART_NEXT].sure = p[PART_INTO].sure = NOT_FOUND;
		buf_clear(&p[PART_NEXT].value);
		buf_clear(&p[PART_INTO].value);
		buf_clear(&p[PART_MORE].value);
		buf_clear(&p[PART_TOTAL].value);
	}
	if (p[PART_PAGING].sure == NOT_FOUND) {
		buf_clear(&p[PART_MORE].value);
		buf_clear(&p[PART_TOTAL].value);
	}
}

int
look_for_paging(struct look *l, struct err *e)
{
	bool whole;

	l->total = -1;
	look_for_total(l);
	look_for_link(l);
	if (members_visit(l->j, 0, look_at_member, l, e) == -1)
		return -1;
	if (l->nomem)
		return err_nomem(e);
	look_for_last_id(l);
	if (l->findings->part[PART_PAGING].sure < LIKELY)
		look_for_number(l);
	clear_useless(l);
	whole = l->total == (int64_t)l->records && l->total > 0;
	if (l->findings->part[PART_PAGING].sure == NOT_FOUND)
		set_part(l, PART_PAGING, whole ? SURE :
		    GUESS, "", whole ? "all records" : "the answer",
		    whole ? "are in this answer" : "names no next page");
	return 0;
}
