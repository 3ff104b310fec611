#include "paged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct paged {
	unsigned long n, size, at, loop, empty, total;
	char link[256], end[256], kept[1024];
};

/* Copies the query without the parameters that say where the page begins. */
static void
keep_query(struct paged *g, const char *path)
{
	const char *p = strchr(path, '?');
	size_t n;

	while (p != NULL && *++p != '\0') {
		n = strcspn(p, "&");
		if (strncmp(p, "cursor=", 7) != 0 &&
		    strncmp(p, "offset=", 7) != 0 &&
		    strlen(g->kept) + n + 2 < sizeof(g->kept))
			snprintf(g->kept + strlen(g->kept),
			    sizeof(g->kept) - strlen(g->kept), "%.*s&",
			    (int)n, p);
		p = strchr(p, '&');
	}
}

static void
read_query(struct paged *g, const struct request *q, const char *path)
{
	const char *after = q->body == NULL ? NULL :
	    strstr(q->body, "\"after\":");

	g->n = query_number(path, "n", 50);
	g->size = query_number(path, "size", 10);
	g->total = query_number(path, "total", g->n);
	g->loop = query_number(path, "loop", g->n + 1);
	g->empty = query_number(path, "empty", g->n + 1);
	g->at = query_number(path, "offset", query_number(path, "cursor", 0));
	if (q->cursor != NULL)
		g->at = strtoul(q->cursor, NULL, 10);
	if (after != NULL)
		g->at = strtoul(after + 8 + strspn(after + 8, " \""), NULL, 10);
	query_text(path, "link", g->link, sizeof(g->link));
	if (!query_text(path, "end", g->end, sizeof(g->end)))
		memcpy(g->end, "null", 5);
	keep_query(g, path);
}

static void
records_put(struct buf *b, const struct paged *g)
{
	unsigned long first = g->at + 1, last = g->at + g->size;

	buf_str(b, "{\"data\":[");
	for (unsigned long i = first; i <= last && i <= g->n &&
	    g->at != g->empty; i++)
		buf_printf(b, "%s{\"id\":%lu}", i == first ? "" : ",", i);
	buf_printf(b, "],\"total\":%lu", g->total);
}

/* The next page in each of the ways.  The Link header is in two parts, the
 * first of which has a comma and a rel=next in quotes that do not count. */
static void
next_put(const struct request *q, const struct paged *g, struct reply *r)
{
	unsigned long next = g->at + g->size >= g->loop ? g->size :
	    g->at + g->size;

	buf_printf(&r->body, ",\"next_cursor\":%lu,\"paging\":{\"after\":",
	    next);
	buf_printf(&r->body, "\"%lu\"},\"next\":\"%s/paged?%scursor=%lu\"",
	    next, g->link, g->kept, next);
	buf_printf(&r->head, "Set-Cookie: id=biscuit\nX-Saw: %s\n",
	    q->authorization == NULL ? "" : q->authorization);
	buf_printf(&r->head, "X-Next-Cursor: %lu\n", next);
	buf_printf(&r->head, "Link: </paged?a>; title=\"a, <b>; rel=next\"; "
	    "rel=\"prev first\"\nLink: <%s/paged?%scursor=%lu>; "
	    "rel=\"last Next\"\n", g->link, g->kept, next);
}

void
paged_answer(const struct request *q, const char *path, struct reply *r)
{
	struct paged g = { 0 };
	bool more;

	read_query(&g, q, path);
	records_put(&r->body, &g);
	more = g.at + g.size < g.n;
	if (more)
		next_put(q, &g, r);
	else
		buf_printf(&r->body, ",\"next_cursor\":%s", g.end);
	if (query_number(path, "says", 1) != 0)
		buf_printf(&r->body, ",\"has_more\":%s",
		    more ? "true" : "false");
	buf_str(&r->body, "}");
}
