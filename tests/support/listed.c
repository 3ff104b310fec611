#include "listed.h"

#include "json/write.h"

#include <stdlib.h>
#include <string.h>

enum { IDS = 8192, ID = 1024, TEXT = 128 << 10 };

struct listed {
	char text[TEXT], lacks[ID], twice[ID], extra[ID], bad[ID];
	char member[64], number[32];
	char *id[IDS];
	size_t n, put;
	int pad;
};

/* Splits the text of ids, which begins at g->text. */
static void
split(struct listed *g)
{
	for (char *p = g->text; p != NULL && *p != '\0' && g->n < IDS;) {
		g->id[g->n++] = p;
		if ((p = strchr(p, ',')) != NULL)
			*p++ = '\0';
	}
}

static bool
is_in(const char *list, const char *id)
{
	size_t n = strlen(id);

	for (const char *p = list; *p != '\0'; p++) {
		if (strncmp(p, id, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
		p += strcspn(p, ",");
		if (*p == '\0')
			break;
	}
	return false;
}

static void
put(struct buf *b, struct listed *g, const char *id, size_t n)
{
	struct buf name;

	buf_printf(b, "%s{\"%s\": ", g->put++ > 0 ? ",\n " : "", g->member);
	if (strspn(id, "0123456789") >= n)
		buf_add(b, id, n);
	else
		json_put_string(b, id, n);
	buf_init(&name, TEXT + (size_t)g->pad);
	buf_printf(&name, "n%.*s%*s", (int)n, id, g->pad, "");
	buf_str(b, ", \"name\": ");
	json_put_string(b, name.data, name.len);
	buf_char(b, '}');
	buf_release(&name);
}

static void
put_all(struct buf *b, struct listed *g)
{
	for (size_t i = g->n; i > 0; i--) {
		const char *id = g->id[i - 1];

		if (is_in(g->lacks, id))
			continue;
		put(b, g, id, strlen(id));
		if (is_in(g->twice, id))
			put(b, g, id, strlen(id));
	}
	for (const char *p = g->extra; *p != '\0'; p += *p == ',') {
		put(b, g, p, strcspn(p, ","));
		p += strcspn(p, ",");
	}
}

static bool
is_refused(const struct listed *g, const char *path, struct reply *r)
{
	char most[32];

	if (query_text(path, "most", most, sizeof(most)) &&
	    g->n > strtoul(most, NULL, 10))
		r->status = 414;
	for (size_t i = 0; i < g->n; i++)
		if (is_in(g->bad, g->id[i]))
			r->status = 400;
	return r->status >= 400;
}

/* Takes the ids from {"ids":[A,"B"]}. Returns false if the body is not that. */
static bool
split_json(struct listed *g, const char *text)
{
	struct json_fault fault;
	struct json j = { 0 };
	struct buf b;
	uint32_t list = 0;

	buf_init(&b, sizeof(g->text));
	if (text != NULL && json_scan(&j, text, strlen(text), 2, JSON_UNIQUE,
	    &fault) == 0)
		list = json_member_value(&j, 0, "ids", 3);
	for (uint32_t i = list + 1; list > 0 && i < j.tok[list].next &&
	    g->n < IDS; i = j.tok[i].next) {
		g->id[g->n++] = g->text + b.len;
		if (j.tok[i].type == JSON_STRING)
			json_unescape(&b, &j, i);
		else
			buf_add(&b, text + j.tok[i].at, j.tok[i].len);
		buf_char(&b, '\0');
	}
	if (b.len > 0)
		memcpy(g->text, b.data, b.len);
	buf_release(&b);
	json_release(&j);
	return list > 0;
}

static void
split_form(struct listed *g, const char *text)
{
	struct buf b;

	buf_init(&b, 2 * sizeof(g->text));
	buf_printf(&b, "?%s", text == NULL ? "" : text);
	(void)query_text(buf_text(&b), "ids", g->text, sizeof(g->text));
	buf_release(&b);
	split(g);
}

/* Returns false if there are no ids. */
static bool
read_ids_of_request(struct listed *g, const struct request *q, const char *path)
{
	char in[8];

	if (query_text(path, "in", in, sizeof(in))) {
		if (strcmp(in, "json") == 0)
			return split_json(g, q->body);
		split_form(g, q->body);
		return true;
	}
	if (path[7] == '/')
		(void)segment(path + 8, g->text, sizeof(g->text));
	else
		(void)query_text(path, "ids", g->text, sizeof(g->text));
	split(g);
	return true;
}

static void
read_query(struct listed *g, const char *path)
{
	char pad[32];

	(void)query_text(path, "lacks", g->lacks, sizeof(g->lacks));
	(void)query_text(path, "twice", g->twice, sizeof(g->twice));
	(void)query_text(path, "extra", g->extra, sizeof(g->extra));
	(void)query_text(path, "bad", g->bad, sizeof(g->bad));
	if (!query_text(path, "member", g->member, sizeof(g->member)))
		memcpy(g->member, "id", 3);
	if (query_text(path, "pad", pad, sizeof(pad)))
		g->pad = (int)strtol(pad, NULL, 10);
}

void
listed_answer(
    const struct request *q, const char *path, struct reply *r)
{
	struct listed *g = calloc(1, sizeof(*g));
	char wrap[8];

	if (g == NULL)
		abort();
	read_query(g, path);
	if (!read_ids_of_request(g, q, path))
		r->status = 400;
	else if (!is_refused(g, path, r)) {
		bool wraps = query_text(path, "wrap", wrap, sizeof(wrap));

		buf_str(&r->body, wraps ? "{\"data\":{\"items\":[" : "[");
		put_all(&r->body, g);
		buf_str(&r->body, wraps ? "]},\"n\":[1]}" : "]");
	}
	free(g);
}
