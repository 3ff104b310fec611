#include "batch/batch_place.h"

#include "http/url.h"
#include "json/write.h"

#include <string.h>
#include <strings.h>

static const char ids[] = "{ids}";

/* Returns the first {ids} in the body that is at p or after it, or NULL. */
static const char *
find_ids(const struct buf *body, const char *p)
{
	return body->len == 0 ? NULL : memmem(p,
	    (size_t)(body->data + body->len - p), ids, sizeof(ids) - 1);
}

static bool
is_json_type(const char *type, size_t n)
{
	static const char json[] = "application/json", suffix[] = "+json";

	return (n == sizeof(json) - 1 && strncasecmp(type, json, n) == 0) ||
	    (n >= sizeof(suffix) && strncasecmp(type + n - sizeof(suffix) + 1,
		suffix, sizeof(suffix) - 1) == 0);
}

/* Returns 1 if {ids} in the body is an element of a JSON array, else 0. It
 * replaces {ids} by 0,"",[] and parses the result. Inside an array this is
 * valid JSON; inside a string or as the value of a member it is not. */
static int
is_in_json_array(const struct batch_run *x, struct err *e)
{
	const struct template_list *l = &x->list;
	struct json_fault fault = { 0 };
	struct json j = { 0 };
	struct buf b;
	int rc;

	buf_init(&b, REQUEST_BODY_MAX + 16);
	buf_add(&b, l->before.data, l->before.len);
	buf_str(&b, "0,\"\",[]");
	buf_add(&b, l->after.data, l->after.len);
	if ((rc = buf_check(&b, e)) == 0)
		rc = json_scan(
		    &j, b.data, b.len, 0, JSON_LAST, &fault) == 0;
	json_release(&j);
	buf_release(&b);
	return fault.nomem ? err_nomem(e) : rc;
}

/* Sets x->place according to the header Content-Type of --body. With
 * --replay-from no request is sent and the headers are not known. Then the body
 * itself decides, so that the batches have the same sizes as in the recorded
 * run. */
static int
choose_place(struct batch_run *x, struct err *e)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = fetch_header(x->call.fetch, "Content-Type");
	size_t n = strcspn(type, "; \t");
	bool replays = x->o->replay_from != NULL;
	int in_array = is_in_json_array(x, e);

	if (in_array == -1)
		return -1;
	if (replays ? in_array == 1 : is_json_type(type, n))
		x->place = IDS_IN_JSON;
	else if (replays || (n == sizeof(form) - 1 &&
	    strncasecmp(type, form, n) == 0))
		x->place = IDS_IN_FORM;
	else
		return err_set(e, ERR_USAGE, false, "--body: {ids} can be "
		    "written into JSON (Content-Type application/json) and "
		    "into a form (application/x-www-form-urlencoded), but the "
		    "Content-Type is \"%.100s\"", type);
	return x->place == IDS_IN_FORM || in_array == 1 ? 0 :
	    err_set(e, ERR_USAGE, false, "--body: it must be JSON in which "
		"{ids} is in an array, outside of strings, such as "
		"{\"ids\":[{ids}]}");
}

/* Makes the one URL for all requests, which must therefore have no {NAME}. */
static int
make_fixed_url(struct batch_run *x, struct err *e)
{
	const char *url = x->o->each;

	if (strchr(url, '{') != NULL)
		return err_set(e, ERR_USAGE, false, "--each %s: with {ids} in "
		    "--body one request is for several records, so the URL "
		    "must have no {NAME} of a single record: remove it", url);
	percent_encode(&x->call.url, url, strlen(url), true);
	return buf_check(&x->call.url, e) == -1 ? -1 :
	    each_call_make(&x->call, x->o, e);
}

/* Splits --body at {ids}. Fails if --body has {ids} more than once. */
static int
split_body(struct batch_run *x, const char *at, struct err *e)
{
	const struct buf *body = &x->call.request.given_body;
	const char *after = at + sizeof(ids) - 1;
	struct template_list *l = &x->list;

	if (find_ids(body, after) != NULL)
		return err_set(e, ERR_USAGE, false,
		    "--body: it has {ids} more than once");
	l->before.max = l->after.max = REQUEST_BODY_MAX;
	buf_add(&l->before, body->data, (size_t)(at - body->data));
	buf_add(&l->after, after, (size_t)(body->data + body->len - after));
	return buf_check(&l->before, e) == -1 ? -1 : buf_check(&l->after, e);
}

int
batch_place_init(struct batch_run *x, struct err *e)
{
	const struct buf *body = &x->call.request.given_body;
	const char *at = find_ids(body, body->data);
	size_t max = x->call.url.max, used;

	if (at == NULL) {
		if (template_list_split(&x->list, x->o->each, "ids", e) == -1)
			return -1;
	} else {
		if (split_body(x, at, e) == -1 ||
		    choose_place(x, e) == -1 ||
		    make_fixed_url(x, e) == -1)
			return -1;
		max = REQUEST_BODY_MAX;
	}
	used = x->list.before.len + x->list.after.len;
	if (used >= max)
		return err_set(e, ERR_USAGE, false, "the %s of a request would "
		    "be longer than %zu bytes", at == NULL ? "URL" : "body",
		    at == NULL ? x->call.request.url.max : max);
	x->room = x->encoded.max = max - used;
	return 0;
}

int
batch_put_id(const struct batch_run *x, const struct buf *value, bool is_string,
    struct buf *out, struct template_fault *f)
{
	if (x->place != IDS_IN_JSON || value->len == 0)
		return template_list_put(
		    &x->list, value, out, f);
	if (is_string)
		json_put_string(out, value->data, value->len);
	else
		buf_add(out, value->data, value->len);
	return 1;
}
