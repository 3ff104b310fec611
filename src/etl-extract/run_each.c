#include "base/text.h"
#include "common/ahead.h"
#include "common/options.h"
#include "each.h"
#include "http/url.h"
#include "json/pointer.h"
#include "json/write.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

struct each {
	const struct extract_opts *o;
	struct stage *stage;
	struct each_call call;
	struct each_input input;
	struct request following;       /* the request for a later record */
	struct json following_j;
	struct buf following_url;
};

/* Checks the part of the template before its first '{' as a URL. Thus a wrong
 * URL is reported as a usage error before any record is read. */
static int
check_template(const struct extract_opts *o, struct err *e)
{
	char *url = strndup(o->each, strcspn(o->each, "{"));
	int rc = url == NULL ? err_nomem(e) : request_check(o, url, e);

	free(url);
	return rc;
}

/* Checks the member name of --as or --count-as. The name @etl is refused: in a
 * record {} the added member would be the first one, and a line whose first
 * member is @etl is a mark, not a record. */
static int
check_field_name(const char *name, struct err *e)
{
	if (name == NULL)
		return 0;
	if (strcmp(name, "@etl") == 0)
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as: the name @etl is reserved for "
		    "marks: choose another name");
	if (utf8_valid_length(name, strlen(name)) != strlen(name))
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as: the name is not UTF-8");
	return 0;
}

static int
check_each_options(const struct extract_opts *o, struct err *e)
{
	if (o->as == NULL && o->count_as == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--each needs --as FIELD or --count-as FIELD");
	if (o->as != NULL && o->count_as != NULL &&
	    strcmp(o->as, o->count_as) == 0)
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as: both name the field %s: give two "
		    "different names", o->as);
	if (check_field_name(o->as, e) == -1 ||
	    check_field_name(o->count_as, e) == -1)
		return -1;
	if (o->paginate != NULL || o->into != NULL || o->size != NULL ||
	    o->total != NULL || o->max_pages != 0 || o->next != NULL ||
	    o->more != NULL || o->first != FIRST_NOT_GIVEN)
		return err_set(e, ERR_USAGE, false,
		    "--each makes one request for each record: remove "
		    "--paginate, --into, --first, --size, --total, --next, "
		    "--more and --max-pages");
	if (o->stream != NULL || o->format != NULL)
		return err_set(e, ERR_USAGE, false, "--each reads a stream of "
		    "records: remove --stream and --format");
	if (o->records != NULL && !pointer_is_valid(o->records))
		return err_set(e, ERR_USAGE, false, "--records %s: not a JSON "
		    "Pointer, such as /data/items", o->records);
	if (source_options_check(o, KIND_EACH, e) == -1 ||
	    ahead_check_jobs(o->jobs, e) == -1 ||
	    fetch_check_jobs(o, e) == -1 || template_check(o->each, e) == -1)
		return -1;
	return check_template(o, e);
}

/* Parses the answer. With --as alone the answer may be any JSON value. With
 * --count-as or --records it must contain an array of records, and this
 * function finds it. */
static int
parse_each_answer(void *self, const struct http_answer *a, struct err *e)
{
	struct each *x = self;

	if (body_parse(&x->call.body, a, e) == -1)
		return -1;
	if (x->o->count_as == NULL && x->o->records == NULL)
		return 0;
	return body_find_records(&x->call.body, e);
}

/* Writes the record with the answer. Rejects it if it is too long. */
static int
emit_answer(struct each *x, const struct line *l, struct err *e)
{
	const struct each_open_record open = each_record_start(&x->call.j);
	const struct body *b = &x->call.body;
	struct buf *out = &x->call.out;

	buf_clear(out);
	buf_add(out, l->data + open.at, open.len);
	if (x->o->as != NULL && b->no_records) {
		json_put_raw(out, x->o->as, "null", 4);
	} else if (x->o->as != NULL) {
		json_put_raw(out, x->o->as, "", 0);
		json_put_compact(
		    out, &b->j, x->o->records == NULL ? 0 : b->array);
	}
	if (x->o->count_as != NULL)
		json_put_int(out, x->o->count_as,
		    (int64_t)body_count_records(b));
	return each_emit(x->stage, out, l, e);
}

/* Requests the URL and writes the record with the answer. If the request fails
 * for a reason that affects every record, such as a wrong secret, the run ends.
 * Any other failure only rejects this record. */
static int
request_record(struct each *x, const struct line *l, struct err *e)
{
	const struct answer_check answer_check = {
	    parse_each_answer, x};
	struct err why;

	if (request_set_url(&x->call.request, x->o,
		x->call.url.data, x->call.url.len, e) == -1 ||
	    (!fetch_has_early(x->call.fetch) &&
		stage_flush(x->stage, e) == -1))
		return -1;
	if (fetch_whole(x->call.fetch, &x->call.request, &answer_check,
		&x->call.answer, e) == 0)
		return emit_answer(x, l, e);
	if (fetch_fails_all(x->call.fetch, e))
		return -1;
	why = *e;
	return each_reject_request(x->stage, l, x->call.answer.status, &why, e);
}

/* Makes the URL of the record and requests it. Rejects a record that gives no
 * URL. */
static int
use_record(void *self, const struct item *it, struct err *e)
{
	struct each *x = self;
	const struct line *l = &it->line;
	struct template_fault f = { 0 };
	struct reject r;
	const char *name;
	int rc;

	if (each_has_line_feed(l, &r))
		return stage_reject(x->stage, l, &r, e);
	rc = stage_parse(x->stage, l, &x->call.j, 2, JSON_UNIQUE, e);
	if (rc != 1)
		return rc;
	if ((name = each_find_name(x->o, &x->call.j)) != NULL)
		return each_reject_member(x->stage, l, "duplicate_member", name,
		    strlen(name), each_has_name, e);
	rc = template_expand(x->o->each, &x->call.j, &x->call.url, &f, e);
	if (rc == -1)
		return -1;
	if (rc == 0)
		return each_reject_member(x->stage, l, f.code, f.name, f.len,
		    f.why, e);
	return request_record(x, l, e);
}

/* Makes the request for a record after the current one, so that it can be sent
 * early. Returns NULL if the record will be rejected without a request. */
static const struct request *
make_following(void *self, const struct line *l)
{
	struct each *x = self;
	struct template_fault fault;
	struct reject unused = { 0 };
	struct err e;

	return stage_parse_only(x->stage, l, &x->following_j, 2, JSON_UNIQUE,
	    &unused, &e) == 1 &&
	    each_find_name(x->o, &x->following_j) == NULL &&
	    template_expand(x->o->each, &x->following_j, &x->following_url,
		&fault, &e) == 1 &&
	    request_set_url(&x->following, x->o,
		x->following_url.data, x->following_url.len, &e) == 0 ?
	    &x->following : NULL;
}

static enum source_next
next_record(void *self, struct item *it, struct err *e)
{
	struct each *x = self;

	return run_stage_item(x->stage,
	    each_input_next(&x->input, &it->line, e), &x->call.raw, it, e);
}

static int
pass_mark(void *self, struct stage *s, struct err *e)
{
	return stage_pass(s, e);
}

/* Opens the HTTP client. With --jobs, also lets it send the requests of later
 * records early. */
static int
open_client(struct each *x, struct extract *from, struct err *e)
{
	if (each_call_open(&x->call, from, e) == -1)
		return -1;
	if (x->o->jobs <= 1)
		return 0;
	if (request_copy(&x->following, &x->call.request, e) == -1)
		return -1;
	each_input_send_early(&x->input, x->call.fetch, make_following, x);
	x->following_url.max = x->call.url.max;
	return 0;
}

int
run_each(struct extract *from, struct stage *stage, struct err *e)
{
	struct each x = { .o = &from->opts, .stage = stage };
	const struct run run = { .next = next_record,
	    .write_mark = pass_mark, .from = &x, .use = use_record,
	    .self = &x };
	int rc = -1;

	if (check_each_options(x.o, e) == -1)
		return -1;
	if (x.o->batch_each != 0)
		return run_batch(from, stage, e);
	if (each_input_open(&x.input, stage, x.o, e) == -1)
		return -1;
	each_call_init(&x.call, x.o);
	request_init(&x.following);
	if (open_client(&x, from, e) == 0 &&
	    run_items(&run, stage, e) == READ_WHOLE)
		rc = 0;
	if (x.call.fetch != NULL)
		fetch_set_upcoming(x.call.fetch, NULL);
	each_input_release(&x.input);
	each_call_release(&x.call);
	request_release(&x.following);
	buf_release(&x.following_url);
	json_release(&x.following_j);
	return rc;
}
