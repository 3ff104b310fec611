#include "base/text.h"
#include "http/fetch.h"
#include "http/request.h"
#include "http/uri_template.h"
#include "json/pointer.h"
#include "json/write.h"
#include "page/body.h"
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct each {
	const struct extract_opts *o;
	struct stage *stage;
	struct fetch *fetch;
	struct request request;
	struct http_answer answer;
	struct body body;
	struct json j;                  /* the parent */
	struct buf url, out;
};

/* What stands before the first expression has to be a URL already. */
static int
template_url_check(const struct extract_opts *o, struct err *e)
{
	char *url = strndup(o->each, strcspn(o->each, "{"));
	int rc = url == NULL ? err_nomem(e) : request_check(o, url, e);

	free(url);
	return rc;
}

/* It becomes a member's name, and maybe the first of the record. */
static int
field_check(const char *name, struct err *e)
{
	if (name == NULL)
		return 0;
	if (strcmp(name, "@etl") == 0)
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as: @etl is for marks");
	if (utf8_span(name, strlen(name)) != strlen(name))
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as: a name that is not UTF-8");
	return 0;
}

static int
each_options(const struct extract_opts *o, struct err *e)
{
	if (o->as == NULL && o->count_as == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--each needs --as FIELD or --count-as FIELD");
	if (o->as != NULL && o->count_as != NULL &&
	    strcmp(o->as, o->count_as) == 0)
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as: the same field %s", o->as);
	if (field_check(o->as, e) == -1 || field_check(o->count_as, e) == -1)
		return -1;
	if (o->paginate != NULL || o->into != NULL || o->size != NULL ||
	    o->total != NULL || o->max_pages != 0)
		return err_set(e, ERR_USAGE, false,
		    "--each makes one request a record: no paging");
	if (o->stream != NULL || o->format != NULL)
		return err_set(e, ERR_USAGE, false, "--each is a filter: no "
		    "--stream, no --format");
	if (o->records != NULL && !pointer_valid(o->records))
		return err_set(e, ERR_USAGE, false, "--records %s: not a JSON "
		    "Pointer", o->records);
	if (template_check(o->each, e) == -1)
		return -1;
	return template_url_check(o, e);
}

/* --as may be any JSON; --count-as, and --records, want the array. */
static int
each_look(void *self, const struct http_answer *a, struct err *e)
{
	struct each *x = self;

	if (body_look(&x->body, a, e) == -1)
		return -1;
	if (x->o->count_as == NULL && x->o->records == NULL)
		return 0;
	return body_records(&x->body, e);
}

static int
member_reject(struct each *x, const struct line *l, const char *code,
    const char *name, size_t n, const char *why, struct err *e)
{
	struct reject r = { .code = code };
	struct buf pointer, message;
	int rc;

	buf_init(&pointer, n * 2 + 2);
	buf_init(&message, 1024);
	pointer_put(&pointer, name, n);
	buf_printf(&message, "%.*s: %s", n > 200 ? 200 : (int)n, name, why);
	r.pointer = buf_text(&pointer);
	r.message = buf_text(&message);
	rc = stage_reject(x->stage, l, &r, e);
	buf_release(&pointer);
	buf_release(&message);
	return rc;
}

/* A failure that is about this one record. */
static int
answer_reject(struct each *x, const struct line *l, const struct err *why,
    struct err *e)
{
	struct reject r = { .code = "http", .message = why->msg,
	    .http_status = x->answer.status, .retryable = why->transient };

	return stage_reject(x->stage, l, &r, e);
}

static void
count_put(struct each *x)
{
	json_put_int(&x->out, x->o->count_as, (int64_t)body_count(&x->body));
}

static void
answer_put(struct each *x)
{
	const struct body *b = &x->body;

	if (b->none) {
		json_put_raw(&x->out, x->o->as, "null", 4);
		return;
	}
	json_put_raw(&x->out, x->o->as, "", 0);
	json_put_compact(&x->out, &b->j, x->o->records == NULL ? 0 : b->array);
}

/* The line up to its last brace, the new members, the brace. */
static int
each_emit(struct each *x, const struct line *l, struct err *e)
{
	const struct json_tok *t = x->j.tok;
	char why[128];

	buf_clear(&x->out);
	buf_add(&x->out, l->data + t->at,
	    t->members == 0 ? 1 : (size_t)t->len - 1);
	if (x->o->as != NULL)
		answer_put(x);
	if (x->o->count_as != NULL)
		count_put(x);
	buf_char(&x->out, '}');
	if (x->out.full) {
		struct reject r = { .code = "too_long", .message = why };

		(void)snprintf(why, sizeof(why), "with its answer it is "
		    "longer than --max-record %zu", x->out.max);
		return stage_reject(x->stage, l, &r, e);
	}
	if (buf_check(&x->out, e) == -1 ||
	    stage_emit(x->stage, x->out.data, x->out.len, e) == -1)
		return -1;
	stage_done(x->stage, true);
	return 0;
}

static int
each_fetch(struct each *x, const struct line *l, struct err *e)
{
	const struct judge judge = { each_look, x };
	struct err why;

	if (request_start(&x->request, x->o, x->url.data, x->url.len,
	    e) == -1 || stage_flush(x->stage, e) == -1)
		return -1;
	if (fetch_get(x->fetch, &x->request, &judge, &x->answer, e) == 0)
		return each_emit(x, l, e);
	if (fetch_hopeless(x->fetch, e))
		return -1;
	why = *e;
	return answer_reject(x, l, &why, e);
}

/* The name of a field that the record has already, or NULL. */
static const char *
taken(const struct each *x)
{
	const char *name[] = { x->o->as, x->o->count_as };

	for (size_t i = 0; i < 2; i++)
		if (name[i] != NULL &&
		    json_member(&x->j, 0, name[i], strlen(name[i])) != 0)
			return name[i];
	return NULL;
}

static int
each_record(struct each *x, const struct line *l, struct err *e)
{
	struct template_fault f = { 0 };
	const char *name;
	int rc = stage_read_record(x->stage, l, &x->j, 2, JSON_UNIQUE, e);

	if (rc != 1)
		return rc;
	if ((name = taken(x)) != NULL)
		return member_reject(x, l, "duplicate_member", name,
		    strlen(name), "the record has it already", e);
	rc = template_expand(x->o->each, &x->j, &x->url, &f, e);
	if (rc == -1)
		return -1;
	if (rc == 0)
		return member_reject(x, l, f.code, f.name, f.len, f.why, e);
	return each_fetch(x, l, e);
}

static int
each_loop(struct each *x, struct err *e)
{
	struct line l;

	for (;;)
		switch (stage_next(x->stage, &l, -1, e)) {
		case STAGE_RECORD:
			if (each_record(x, &l, e) == -1)
				return -1;
			break;
		case STAGE_MARK:
			if (stage_pass_mark(x->stage, e) == -1)
				return -1;
			break;
		case STAGE_END:
			return 0;
		case STAGE_WAIT:
			break;
		default:
			return -1;
		}
}

/* What the template gives leaves room for the parameters that follow it. */
static int
each_begin(struct each *x, struct extract *from, struct err *e)
{
	if (fetch_shared(&x->fetch, from, e) == -1 ||
	    request_start(&x->request, x->o, "", 0, e) == -1)
		return -1;
	x->body.fetch = x->fetch;
	x->url.max = x->request.url.max - x->request.url.len;
	return 0;
}

int
run_each(struct extract *from, struct stage *stage, struct err *e)
{
	struct each x = { .o = &from->opts, .stage = stage };
	int rc = -1;

	if (each_options(x.o, e) == -1)
		return -1;
	request_init(&x.request);
	http_answer_init(&x.answer, x.o->max_body);
	buf_init(&x.out, x.o->max_record);
	x.body.records = x.o->records;
	if (each_begin(&x, from, e) == 0)
		rc = each_loop(&x, e);
	request_release(&x.request);
	http_answer_release(&x.answer);
	json_release(&x.body.j);
	json_release(&x.j);
	buf_release(&x.url);
	buf_release(&x.out);
	return rc;
}
