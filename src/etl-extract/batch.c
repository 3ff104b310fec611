#include "batch.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/url.h"
#include "json/pointer.h"
#include "json/write.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A batch is full if it uses LARGE bytes. A buffer of more than KEPT bytes is
 * freed after the batch. */
enum { LARGE = 16 << 20, KEPT = 1 << 20, FIRST_RECORDS = 64 };

void
batch_init(struct batch *b)
{
	*b = (struct batch){ 0 };
	buf_init(&b->lines, SIZE_MAX / 4);
	buf_init(&b->ids, SIZE_MAX / 4);
}

void
batch_release(struct batch *b)
{
	buf_release(&b->lines);
	buf_release(&b->ids);
	free(b->v);
	b->v = NULL;
	b->n = b->cap = 0;
}

void
batch_clear(struct batch *b)
{
	if (b->lines.cap > KEPT)
		buf_release(&b->lines);
	buf_clear(&b->lines);
	buf_clear(&b->ids);
	b->n = b->id_bytes = 0;
}

static int
make_batch_room(struct batch *b, struct err *e)
{
	size_t cap = b->cap == 0 ? FIRST_RECORDS : 2 * b->cap;
	struct batch_record *v;

	if (b->n < b->cap)
		return 0;
	if ((v = realloc(b->v, cap * sizeof(*v))) == NULL)
		return err_nomem(e);
	b->v = v;
	b->cap = cap;
	return 0;
}

int
batch_add(struct batch *b, const struct line *l, struct batch_record **added,
    struct err *e)
{
	struct batch_record *r;

	if (make_batch_room(b, e) == -1)
		return -1;
	r = &b->v[b->n];
	*r = (struct batch_record){ .line = *l, .at = b->lines.len };
	buf_add(&b->lines, l->data, l->len);
	if (buf_check(&b->lines, e) == -1)
		return -1;
	if (b->n++ == 0)
		b->since = clock_ms();
	*added = r;
	return 0;
}

int
batch_set_id(struct batch *b, const struct buf *id, bool is_string,
    size_t id_bytes, struct err *e)
{
	struct batch_record *r = &b->v[b->n - 1];

	r->id_at = b->ids.len;
	buf_add(&b->ids, id->data, id->len);
	r->id_len = id->len;
	r->id_is_string = is_string;
	b->id_bytes += id_bytes + 1;
	return buf_check(&b->ids, e);
}

bool
batch_is_large(const struct batch *b)
{
	return b->lines.len + b->ids.len + b->n * sizeof(b->v[0]) >= LARGE;
}

/* Returns the line of a record. It is valid until the next batch_add() or
 * batch_clear(). */
static struct line
batch_line(const struct batch *b, const struct batch_record *r)
{
	struct line l = r->line;

	l.data = l.len == 0 ? "" : b->lines.data + r->at;
	return l;
}

enum { MESSAGE_MAX = 1024 };

static int
reject_for_id(struct batch_run *x, const struct line *l,
    const struct template_fault *f, struct err *e)
{
	struct reject r = { .code = f->code, .pointer = x->option.ids };
	struct buf message;
	int rc;

	buf_init(&message, MESSAGE_MAX);
	buf_printf(&message, "%.200s: %s", x->option.ids, f->why);
	r.message = buf_text(&message);
	rc = buf_check(&message, e) == -1 ? -1 :
	    stage_reject(x->stage, l, &r, e);
	buf_release(&message);
	return rc;
}

/* Reads the id of the record into x->value, and its encoded form for the
 * request into x->encoded. Returns 0 with the fault in *f if the record has no
 * id that can be put into the request. */
static int
encode_id(struct batch_run *x, struct template_fault *f, struct err *e)
{
	uint32_t i;
	int rc;

	if (!pointer_find(&x->call.j, x->option.ids, &i))
		i = 0;
	buf_clear(&x->encoded);
	x->is_string = x->call.j.tok[i].type == JSON_STRING;
	rc = template_value_text(&x->call.j, i, &x->value, f);
	if (rc == 1 && !x->value.failed)
		rc = batch_put_id(x, &x->value, x->is_string, &x->encoded, f);
	if (rc == 0 || (!x->value.failed && !x->encoded.failed))
		return rc;
	if (!x->value.full && !x->encoded.full)
		return buf_check(&x->value, e) == -1 ? -1 :
		    buf_check(&x->encoded, e);
	f->code = "range";
	f->why = "the request would be too long";
	return 0;
}

int
batch_read_id(struct batch_run *x, const struct line *l, bool rejects,
    struct err *e)
{
	const unsigned parts = pointer_count(x->option.ids);
	struct template_fault f = { 0 };
	struct reject r = { 0 };
	const char *name;
	int rc = each_has_line_feed(l, &r) ? 0 :
	    stage_parse_only(x->stage, l, &x->call.j,
		parts, JSON_UNIQUE, &r, e);

	if (rc != 1)
		return rc == -1 || !rejects ? rc :
		    stage_reject(x->stage, l, &r, e);
	if ((name = each_find_name(x->o, &x->call.j)) != NULL)
		return !rejects ? 0 : each_reject_member(x->stage, l,
		    "duplicate_member", name, strlen(name), each_has_name, e);
	rc = encode_id(x, &f, e);
	return rc != 0 || !rejects ? rc : reject_for_id(x, l, &f, e);
}

static const char *const missing[] = { "reject", "null", NULL };

enum { DEFAULT_FLUSH = 1000 };

int
batch_options_check(const struct extract_opts *o, struct err *e)
{
	if (o->batch_each == 0 && (o->ids != NULL || o->match != NULL ||
	    o->missing != NULL || o->many || o->flush != FLUSH_NOT_GIVEN))
		return err_set(e, ERR_USAGE, false, "--ids, --match, "
		    "--missing, --many and --flush need --batch-each N");
	if (o->batch_each != 0 && o->each == NULL)
		return err_set(e, ERR_USAGE, false,
		    "--batch-each needs --each TEMPLATE");
	if (o->batch_each != 0 && o->jobs > 1)
		return err_set(e, ERR_USAGE, false, "--batch-each makes one "
		    "request at a time: remove --jobs");
	return 0;
}

int
batch_options_parse(struct batch_options *b, const struct extract_opts *o,
    struct err *e)
{
	int choice = o->missing == NULL ? 0 :
	    suggest_choice("--missing", o->missing, missing, e);

	if (choice == -1)
		return -1;
	*b = (struct batch_options){ .ids = o->ids == NULL ? "/id" : o->ids,
	    .match = o->match == NULL ? "id" : o->match,
	    .missing_is_null = choice == 1, .many = o->many,
	    .flush = o->flush == FLUSH_NOT_GIVEN ? DEFAULT_FLUSH :
	    o->flush > INT_MAX ? INT_MAX : (int64_t)o->flush };
	if (b->ids[0] == '\0' || !pointer_is_valid(b->ids))
		return err_set(e, ERR_USAGE, false, "--ids %s: not a JSON "
		    "Pointer to a member, such as /id or /user/id", b->ids);
	return 0;
}

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

enum { OUTCOME_MAX = 2048, ID_SHOWN = 100 };

void
batch_show_id(struct buf *b, const char *id, size_t n)
{
	text_show(b, id, text_cut_length(id, n, ID_SHOWN));
}

/* Rejects a record because the answer has no record with its id, or has several
 * of them. */
static int
reject_for_count(struct batch_run *x, const struct line *l,
    const struct join_group *g, struct err *e)
{
	struct reject r = { .code = "http",
	    .http_status = x->call.answer.status };
	const struct join *j = &x->join;
	struct buf b;
	int rc;

	buf_init(&b, OUTCOME_MAX);
	if (g->answers > 1) {
		buf_printf(&b, "the answer has %zu records with the id ",
		    g->answers);
		batch_show_id(&b, g->id, g->id_len);
		buf_str(&b, ": to take all of them give --many");
	} else {
		buf_str(&b, "the answer has no record with the id ");
		batch_show_id(&b, g->id, g->id_len);
		if (j->without > 0)
			buf_printf(&b, ", and %zu of its records have no "
			    "valid member %.100s: check --match", j->without,
			    x->option.match);
	}
	r.message = buf_text(&b);
	rc = buf_check(&b, e) == -1 ? -1 : stage_reject(x->stage, l, &r, e);
	buf_release(&b);
	return rc;
}

/* Appends the member --as: the answer of the record's group, null if it has
 * none, or with --many an array of its answers. */
static void
put_answers(struct batch_run *x, const struct join_group *g)
{
	struct buf *out = &x->call.out;
	size_t at = g->first;

	json_put_raw(out, x->o->as, "", 0);
	if (g->answers == 0) {
		buf_str(out, "null");
		return;
	}
	if (x->option.many)
		buf_char(out, '[');
	for (size_t i = 0; i < g->answers; i++) {
		if (i > 0) {
			at = x->join.v[at].next;
			buf_char(out, ',');
		}
		json_put_compact(out, &x->call.body.j, x->join.v[at].token);
	}
	if (x->option.many)
		buf_char(out, ']');
}

/* Writes a record with its answers, or rejects it. */
static int
write_joined(struct batch_run *x, const struct batch_record *r, struct err *e)
{
	const struct line l = batch_line(&x->batch, r);
	const struct join_group *g;

	if (r->id_len == 0)
		return batch_read_id(x, &l, true, e);
	g = &x->join.group[r->group];
	if ((g->answers == 0 && !x->option.missing_is_null &&
	    !x->call.answer.is_ignored) || (g->answers > 1 && !x->option.many))
		return reject_for_count(x, &l, g, e);
	buf_clear(&x->call.out);
	buf_add(&x->call.out, l.data + r->open.at, r->open.len);
	if (x->o->as != NULL)
		put_answers(x, g);
	if (x->o->count_as != NULL)
		json_put_int(
		    &x->call.out, x->o->count_as, (int64_t)g->answers);
	return each_emit(x->stage, &x->call.out, &l, e);
}

int
batch_write(struct batch_run *x, size_t from, size_t to, const struct err *why,
    struct err *e)
{
	const struct batch_record *r;
	struct line l;

	for (size_t i = from; i < to; i++) {
		r = &x->batch.v[i];
		l = batch_line(&x->batch, r);
		if ((why == NULL || r->id_len == 0 ?
		    write_joined(x, r, e) :
		    each_reject_request(
			x->stage, &l, x->call.answer.status, why, e)) == -1)
			return -1;
	}
	return 0;
}

enum { FIRST_ANSWERS = 64, ID_MAX = 1 << 20 };

void
join_init(struct join *j)
{
	*j = (struct join){ 0 };
	buf_init(&j->value, ID_MAX);
	buf_init(&j->example, ID_MAX);
}

void
join_release(struct join *j)
{
	free(j->group);
	free(j->v);
	buf_release(&j->value);
	buf_release(&j->example);
	*j = (struct join){ 0 };
}

static int
compare_ids(const struct join_group *a, const struct join_group *b)
{
	size_t n = a->id_len < b->id_len ? a->id_len : b->id_len;
	int order = memcmp(a->id, b->id, n);

	return order != 0 ? order : (a->id_len > b->id_len) -
	    (a->id_len < b->id_len);
}

/* Orders groups by id, and groups of the same id by the place of their
 * record. */
static int
compare_groups(const void *x, const void *y)
{
	const struct join_group *a = x, *b = y;
	int order = compare_ids(a, b);

	return order != 0 ? order : (a->record > b->record) -
	    (a->record < b->record);
}

static int
compare_ids_only(const void *x, const void *y)
{
	return compare_ids(x, y);
}

static int
reserve_groups(struct join *j, size_t n, struct err *e)
{
	struct join_group *g;

	if (n <= j->cap_groups)
		return 0;
	if ((g = realloc(j->group, n * sizeof(*g))) == NULL)
		return err_nomem(e);
	j->group = g;
	j->cap_groups = n;
	return 0;
}

/* Merges the groups with equal ids. The merged group keeps the first record,
 * and all records with this id get its index. */
static void
merge_equal_ids(struct join *j, struct batch *b)
{
	size_t to = 0;

	for (size_t i = 0; i < j->groups; i++) {
		if (i == 0 || compare_ids(
		    &j->group[i], &j->group[to - 1]) != 0)
			j->group[to++] = j->group[i];
		b->v[j->group[i].record].group = to - 1;
	}
	j->groups = to;
}

int
join_make_groups(struct join *j, struct batch *b, size_t from, size_t to,
    struct err *e)
{
	j->groups = 0;
	if (reserve_groups(j, to - from, e) == -1)
		return -1;
	for (size_t i = from; i < to; i++)
		if (b->v[i].id_len > 0)
			j->group[j->groups++] = (struct join_group){
			    .id = b->ids.data + b->v[i].id_at,
			    .id_len = b->v[i].id_len, .record = i };
	if (j->groups == 0)
		return 0;
	qsort(j->group, j->groups, sizeof(j->group[0]), compare_groups);
	merge_equal_ids(j, b);
	return 0;
}

static int
add_answer(struct join *j, struct join_group *g, uint32_t token, struct err *e)
{
	struct join_answer *v = j->v;

	if (j->n == j->cap) {
		size_t cap = j->cap == 0 ? FIRST_ANSWERS : 2 * j->cap;

		if ((v = realloc(v, cap * sizeof(*v))) == NULL)
			return err_nomem(e);
		j->v = v;
		j->cap = cap;
	}
	if (g->answers++ == 0)
		g->first = j->n;
	else
		v[g->last].next = j->n;
	g->last = j->n;
	v[j->n++] = (struct join_answer){ .token = token };
	return 0;
}

/* Returns the group with the id in j->value, or NULL if no record has this
 * id. */
static struct join_group *
find_group_of_id(struct join *j)
{
	const struct join_group wanted = { .id = j->value.data,
	    .id_len = j->value.len };

	return j->groups == 0 ? NULL : bsearch(&wanted, j->group, j->groups,
	    sizeof(wanted), compare_ids_only);
}

/* Counts an answer whose id was not requested. Keeps the first such id as the
 * example of the warning. */
static int
note_unknown_id(struct join *j, struct err *e)
{
	if (j->unknown++ > 0)
		return 0;
	buf_clear(&j->example);
	buf_add(&j->example, j->value.data, j->value.len);
	return buf_check(&j->example, e);
}

/* Adds an element of the answer to the group of its id. An element without a
 * valid id, or with an id that was not requested, is only counted. */
static int
add_element(struct join *j, const struct json *body, uint32_t token,
    const char *match, struct err *e)
{
	uint32_t member = body->tok[token].type != JSON_OBJECT ? 0 :
	    json_member_value(body, token, match, strlen(match));
	struct template_fault ignored;
	struct join_group *g;
	bool is_valid;

	is_valid = template_value_text(body, member, &j->value, &ignored) == 1;
	if (j->value.failed && !j->value.full)
		return err_nomem(e);
	if (!is_valid || j->value.failed || j->value.len == 0) {
		j->without++;
		return 0;
	}
	if ((g = find_group_of_id(j)) == NULL)
		return note_unknown_id(j, e);
	return add_answer(j, g, token, e);
}

int
join_add_answers(struct join *j, const struct body *b, const char *match,
    struct err *e)
{
	const struct json_tok *t = b->j.tok;

	j->n = j->unknown = j->without = 0;
	for (size_t i = 0; i < j->groups; i++)
		j->group[i].answers = 0;
	if (b->no_records)
		return 0;
	for (uint32_t i = b->array + 1; i < t[b->array].next; i = t[i].next)
		if (add_element(j, &b->j, i, match, e) == -1)
			return -1;
	return 0;
}
