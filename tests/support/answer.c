#include "issues.h"
#include "items.h"
#include "listed.h"
#include "oauth.h"
#include "paged.h"
#include "plan.h"
#include "posts.h"

#include "base/hash.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
	unsigned first, last, total;    /* first > last: no record */
	unsigned page, limit;
	void (*put)(struct buf *b, unsigned n);
};

static void
list_put(struct buf *b, const struct list *l)
{
	buf_char(b, '[');
	for (unsigned n = l->first; n <= l->last; n++) {
		buf_str(b, n == l->first ? "\n  " : ",\n  ");
		l->put(b, n);
	}
	buf_str(b, "\n]");
}

static void
link_put(struct buf *b, const struct request *q, unsigned page,
    unsigned limit, const char *rel)
{
	bool more = b->len > 0 && b->data[b->len - 1] != '\n';

	buf_printf(b, "%s<http://%s%.*s?_page=%u&_limit=%u>; rel=\"%s\"",
	    more ? ", " : "Link: ", q->host, (int)strcspn(q->uri, "?"), q->uri,
	    page, limit, rel);
}

/* Writes the Link header (RFC 8288) in the way of json-server. */
static void
links_put(struct buf *b, const struct request *q, const struct list *l,
    bool endless)
{
	unsigned pages = (l->total + l->limit - 1) / l->limit;

	if (pages == 0)
		return;
	link_put(b, q, 1, l->limit, "first");
	if (l->page > 1)
		link_put(b, q, l->page - 1, l->limit, "prev");
	if (endless || l->page < pages)
		link_put(b, q, l->page + 1, l->limit, "next");
	if (!endless)
		link_put(b, q, pages, l->limit, "last");
	buf_char(b, '\n');
}

static void
list_answer(const struct request *q, const struct plan *p, struct list *l,
    struct reply *r)
{
	l->limit = (unsigned)query_number(q->uri, "_limit", 10);
	l->page = (unsigned)query_number(q->uri, "_page", 1);
	if (l->limit == 0 || l->limit > 100000)
		l->limit = 10;
	if (l->page == 0 || l->page > 10000000)
		l->page = 1;
	l->first = 1;
	if (p->endless != ENDLESS_SAME)
		l->first += (l->page - 1) * l->limit;
	l->last = l->first + l->limit - 1;
	if (l->last > l->total && p->endless != ENDLESS_NEW)
		l->last = l->total;
	list_put(&r->body, l);
	if (p->total[0] != '\0' && p->total[0] != '-')
		buf_printf(&r->head, "X-Total-Count: %s\n", p->total);
	else if (p->total[0] == '\0' && p->endless == 0)
		buf_printf(&r->head, "X-Total-Count: %u\n", l->total);
	links_put(&r->head, q, l, p->endless != 0);
}

static void
missing(struct reply *r)
{
	r->status = 404;
	buf_str(&r->body, "{}");
}

/* Answers /posts/ID/comments.  As in json-server, an id that is not a number
 * has no comments, and the status is 200. */
static void
comments_answer(struct reply *r, const char *id, unsigned n, bool known)
{
	struct list l = { .put = comment_put };

	if (!known && isdigit((unsigned char)id[0])) {
		missing(r);
		return;
	}
	l.first = (n - 1) * POST_COMMENTS + 1;
	l.last = known ? n * POST_COMMENTS : 0;
	list_put(&r->body, &l);
}

static void
post_answer(struct api *a, const char *rest, struct reply *r)
{
	char id[64];
	size_t used = segment(rest, id, sizeof(id));
	char *end;
	unsigned long n = strtoul(id, &end, 10);
	bool known = isdigit((unsigned char)id[0]) && *end == '\0' && n >= 1 &&
	    n <= a->posts;

	rest += used;
	if (strncmp(rest, "/comments", 9) == 0 && strcspn(rest, "?") == 9)
		comments_answer(r, id, known ? (unsigned)n : 1, known);
	else if (known && strcspn(rest, "?") == 0)
		post_put(&r->body, (unsigned)n);
	else
		missing(r);
}

static void
route_path(struct api *a, const struct request *q, const struct plan *p,
    const char *path, struct reply *r)
{
	struct list l = { .total = a->posts, .put = post_put };
	size_t n = strcspn(path, "?");

	if (n == 6 && strncmp(path, "/posts", n) == 0) {
		list_answer(q, p, &l, r);
	} else if (n == 9 && strncmp(path, "/comments", n) == 0) {
		l.total = a->posts * POST_COMMENTS;
		l.put = comment_put;
		list_answer(q, p, &l, r);
	} else if (n == 6 && strncmp(path, "/items", n) == 0) {
		items_answer(a, path, r);
	} else if (n == 6 && strncmp(path, "/paged", n) == 0) {
		paged_answer(q, path, r);
	} else if (strncmp(path, "/listed", 7) == 0) {
		listed_answer(q, path, r);
	} else if (n == 6 && strncmp(path, "/token", n) == 0) {
		oauth_answer(a, q, path, r);
	} else if (issues_path(path)) {
		issues_answer(a, q, path, r);
	} else if (strncmp(path, "/control/items/", 15) == 0) {
		items_control(a, path, r);
	} else if (strncmp(path, "/posts/", 7) == 0) {
		post_answer(a, path + 7, r);
	} else {
		missing(r);
	}
}

static void
unauthorized(struct reply *r)
{
	r->status = 401;
	buf_str(&r->head, "WWW-Authenticate: Bearer\n");
	buf_str(&r->body, "{\"message\": \"who are you?\"}");
}

static void
route(struct api *a, const struct request *q, const struct plan *p,
    struct reply *r)
{
	const char *path = p->path;
	char *end;
	unsigned long from;

	if (strncmp(path, "/oauth/", 7) == 0) {
		from = strtoul(path + 7, &end, 10);
		if (!oauth_allows(q->authorization, from)) {
			unauthorized(r);
			return;
		}
		path = end;
	}
	route_path(a, q, p, path, r);
}

/* ?validators=etag or =date: the answer has the header ETag or Last-Modified,
 * and is 304 if the request has the same value. Issues have an ETag always. */
static void
validate(const struct request *q, const struct plan *p, struct reply *r)
{
	static const char date[] = "Fri, 01 May 2026 00:00:00 GMT";
	char kind[16], etag[HASH_HEX + 2], hex[HASH_HEX];
	bool same;

	if (issues_path(p->path))
		memcpy(kind, "etag", 5);
	else if (!query_text(p->path, "validators", kind, sizeof(kind)))
		return;
	hash_bytes(r->body.data, r->body.len, hex);
	snprintf(etag, sizeof(etag), "\"%s\"", hex);
	if (strcmp(kind, "etag") == 0) {
		buf_printf(&r->head, "ETag: %s\n", etag);
		same = q->none_match != NULL &&
		    strcmp(q->none_match, etag) == 0;
	} else {
		buf_printf(&r->head, "Last-Modified: %s\n", date);
		same = q->modified_since != NULL &&
		    strcmp(q->modified_since, date) == 0;
	}
	if (!same)
		return;
	r->status = 304;
	buf_clear(&r->body);
}

static bool
allowed(const struct api *a, const char *authorization)
{
	return authorization != NULL &&
	    strncmp(authorization, "Bearer ", 7) == 0 &&
	    strcmp(authorization + 7, a->token) == 0;
}

void
answer(struct api *a, const struct request *q, struct reply *r)
{
	struct plan p;
	struct buf zipped;

	plan_read(&p, a, q->uri);
	buf_str(&r->head, "Content-Type: application/json; charset=utf-8\n");
	if (p.auth && !allowed(a, q->authorization)) {
		unauthorized(r);
	} else if (p.status == 0 && p.body == NULL) {
		route(a, q, &p, r);
		validate(q, &p, r);
	}
	plan_apply(&p, r);
	if (p.bomb == 0 && !p.gzip && (!q->gzip || r->body.len < 256))
		return;
	buf_init(&zipped, REPLY_MAX);
	if (p.bomb > 0)
		gzip_bomb(&zipped, p.bomb);
	else
		gzip(&zipped, &r->body);
	buf_str(&r->head, "Content-Encoding: gzip\nVary: Accept-Encoding\n");
	buf_release(&r->body);
	r->body = zipped;
	if (p.half)
		r->body.len /= 2;
	if (p.badsum && r->body.len > 8)
		r->body.data[r->body.len - 8] ^= 1;
}
