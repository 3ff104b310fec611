#include "each_call.h"

void
each_call_init(struct each_call *c, const struct extract_opts *o)
{
	*c = (struct each_call){ .body.records = o->records };
	request_init(&c->request);
	http_answer_init(&c->answer, o->max_body);
	raw_record_init(&c->raw);
	buf_init(&c->url, REQUEST_URL_MAX);
	buf_init(&c->out, o->max_record);
}

void
each_call_release(struct each_call *c)
{
	request_release(&c->request);
	http_answer_release(&c->answer);
	json_release(&c->body.j);
	json_release(&c->j);
	raw_record_release(&c->raw);
	buf_release(&c->url);
	buf_release(&c->out);
}

int
each_call_open(struct each_call *c, struct extract *x, struct err *e)
{
	c->request.source = x->opts.each;
	if (request_load_body(&c->request, &x->opts, e) == -1 ||
	    fetch_open_once(&c->fetch, x, e) == -1 ||
	    request_set_url(&c->request, &x->opts, "", 0, e) == -1)
		return -1;
	c->body.fetch = c->fetch;
	c->url.max = c->request.url.max - c->request.url.len;
	return 0;
}

int
each_call_make(struct each_call *c, const struct extract_opts *o, struct err *e)
{
	return request_set_url(&c->request, o, c->url.data, c->url.len, e);
}

int
each_call_fetch(
    struct each_call *c, const struct answer_check *check, struct err *e)
{
	return fetch_whole(c->fetch, &c->request, check, &c->answer, e);
}
