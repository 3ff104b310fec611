#include "issues.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	BASE = 1777593600,      /* the time of issue 0: 2026-05-01 */
	STEP = 60,              /* seconds from one issue to the next */
	REQUESTS = 5000,        /* an hour */
	TIME = 24               /* of 2026-05-01T00:00:00Z */
};

struct page {
	unsigned total;         /* issues that exist */
	char since[64];
	unsigned long size, number;
	bool open_only, by_update, ascending;
};

struct issue {
	unsigned n, updated;    /* the issue at whose creation it changed */
};

bool
issues_path(const char *path)
{
	int end = 0;

	return sscanf(path, "/repos/%*[^/?]/%*[^/?]/issues%n", &end) == 0 &&
	    end > 0 && (path[end] == '\0' || path[end] == '?');
}

static bool
param_is(const char *path, const char *name, const char *value)
{
	char text[32];

	return query_text(path, name, text, sizeof(text)) &&
	    strcmp(text, value) == 0;
}

static void
time_text(char out[TIME], unsigned n)
{
	time_t at = BASE + (time_t)n * STEP;
	struct tm tm;

	strftime(out, TIME, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
}

static bool
is_closed(unsigned n)
{
	return n % 4 == 0;
}

/* Fills the issues that match, in their order of creation. */
static size_t
find_issues(const struct page *p, struct issue *to)
{
	char updated[TIME];
	size_t n = 0;

	for (unsigned i = 1; i <= p->total; i++) {
		struct issue one = { i, i * 10 <= p->total ? i * 10 : i };

		time_text(updated, one.updated);
		if (strcmp(updated, p->since) >= 0 &&
		    !(p->open_only && is_closed(i)))
			to[n++] = one;
	}
	return n;
}

static int
compare_updates(const void *a, const void *b)
{
	const struct issue *x = a, *y = b;

	return x->updated != y->updated ?
	    (x->updated > y->updated) - (x->updated < y->updated) :
	    (x->n > y->n) - (x->n < y->n);
}

static void
issue_put(struct buf *b, const struct issue *i)
{
	char created[TIME], updated[TIME];

	time_text(created, i->n);
	time_text(updated, i->updated);
	buf_printf(b, "{\"id\": %u, \"number\": %u, \"title\": "
	    "\"Issue \\u2116 %u\", \"user\": {\"login\": \"user%u\"}, "
	    "\"labels\": [%s], \"state\": \"%s\", \"comments\": %d, "
	    "\"created_at\": \"%s\", \"updated_at\": \"%s\", "
	    "\"closed_at\": ", 1000000 + i->n, i->n, i->n, i->n % 3,
	    i->n % 5 == 0 ? "{\"name\": \"bug\"}, {\"name\": \"p1\"}" : "",
	    is_closed(i->n) ? "closed" : "open", i->updated != i->n, created,
	    updated);
	buf_printf(b, is_closed(i->n) ? "\"%s\"" : "null", updated);
	if (i->n % 7 == 0)
		buf_printf(b, ", \"pull_request\": {\"url\": "
		    "\"https://api.example.com/pulls/%u\"}", i->n);
	buf_printf(b, ", \"body\": %s}", i->n % 6 == 0 ? "null" :
	    "\"first line\\r\\nsecond line\"");
}

/* Appends a link to a page: the URL of the request with another page. */
static void
link_put(struct buf *b, const struct request *q, unsigned long page,
    const char *rel)
{
	const char *p = strchr(q->uri, '?');

	buf_printf(b, "%s<http://%s%.*s?", b->data[b->len - 1] == ' ' ?
	    "" : ", ", q->host, (int)strcspn(q->uri, "?"), q->uri);
	while (p != NULL && *++p != '\0') {
		size_t n = strcspn(p, "&");

		if (strncmp(p, "page=", 5) != 0)
			buf_printf(b, "%.*s&", (int)n, p);
		p = strchr(p, '&');
	}
	buf_printf(b, "page=%lu>; rel=\"%s\"", page, rel);
}

static void
head_put(struct buf *b, const struct request *q, const struct page *p,
    unsigned long pages)
{
	time_t now = time(NULL);

	buf_printf(b, "X-RateLimit-Limit: %d\nX-RateLimit-Remaining: %d\n"
	    "X-RateLimit-Reset: %lld\n", REQUESTS, REQUESTS - 1,
	    (long long)now + 3600);
	if (pages < 2)
		return;
	buf_str(b, "Link: ");
	if (p->number > 1)
		link_put(b, q, p->number - 1, "prev");
	if (p->number < pages) {
		link_put(b, q, p->number + 1, "next");
		link_put(b, q, pages, "last");
	}
	if (p->number > 1)
		link_put(b, q, 1, "first");
	buf_char(b, '\n');
}

void
issues_answer(struct api *a, const struct request *q, const char *path,
    struct reply *r)
{
	struct page p = { .total = atomic_load(&a->items),
	    .size = query_number(path, "per_page", 30),
	    .number = query_number(path, "page", 1),
	    .open_only = !param_is(path, "state", "all"),
	    .by_update = param_is(path, "sort", "updated"),
	    .ascending = param_is(path, "direction", "asc") };
	struct issue *found = calloc(p.total + 1, sizeof(*found));
	size_t n = 0, first, last;

	query_text(path, "since", p.since, sizeof(p.since));
	p.size = p.size == 0 || p.size > 100 ? 100 : p.size;
	p.number += p.number == 0;
	if (found != NULL)
		n = find_issues(&p, found);
	if (p.by_update && n > 0)
		qsort(found, n, sizeof(*found), compare_updates);
	first = (p.number - 1) * p.size;
	last = first + p.size < n ? first + p.size : n;
	buf_char(&r->body, '[');
	for (size_t k = first; k < last; k++) {
		buf_str(&r->body, k > first ? "," : "");
		issue_put(&r->body, &found[p.ascending ? k : n - 1 - k]);
	}
	buf_char(&r->body, ']');
	head_put(&r->head, q, &p, (n + p.size - 1) / p.size);
	free(found);
}
