#include "base/clock.h"
#include "base/text.h"
#include "each.h"
#include "http/url.h"
#include "json/pointer.h"
#include "json/write.h"
#include "run.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A batch is full if it uses LARGE bytes. A buffer of more than KEPT bytes is
 * freed after the batch. MESSAGE_MAX and OUTCOME_MAX: the longest messages;
 * ID_SHOWN: how much of an id they show. ID_MAX: the longest id in an
 * answer. */
enum { LARGE = 16 << 20, KEPT = 1 << 20, FIRST_RECORDS = 64,
	DEFAULT_FLUSH = 1000, FIRST_ANSWERS = 64, ID_MAX = 1 << 20,
	MESSAGE_MAX = 1024, OUTCOME_MAX = 2048, ID_SHOWN = 100 };

/* The records of --batch-each that wait for their request.
 * Owns:  copies of their lines and of their ids, until batch_clear().
 * Gives: the records in the order of the input. A record without a valid id is
 *        in the batch too: it will be rejected, and its reject must keep its
 *        place in this order. */

struct batch_record {
	struct line line;       /* without data: see batch_line() */
	size_t at;              /* where its bytes are in `lines` */
	struct each_open_record open;
	size_t id_at, id_len;   /* in `ids`; id_len 0: it has no id */
	bool id_is_string;      /* in the record the id is a JSON string; `ids`
				 * has its decoded text */
	size_t group;           /* index in join.group */
};

struct batch {
	struct buf lines, ids;
	struct batch_record *v;
	size_t n, cap;
	size_t id_bytes;        /* length of the encoded ids, with a comma after
				 * each */
	int64_t since;          /* clock_ms() when the first record was added */
};

static void
batch_init(struct batch *b)
{
	*b = (struct batch){ 0 };
	buf_init(&b->lines, SIZE_MAX / 4);
	buf_init(&b->ids, SIZE_MAX / 4);
}

static void
batch_release(struct batch *b)
{
	buf_release(&b->lines);
	buf_release(&b->ids);
	free(b->v);
	b->v = NULL;
	b->n = b->cap = 0;
}

static void
batch_clear(struct batch *b)
{
	if (b->lines.cap > KEPT)
		buf_release(&b->lines);
	buf_clear(&b->lines);
	buf_clear(&b->ids);
	b->n = b->id_bytes = 0;
}

/* Adds a copy of the line as a record without an id. Returns the record, which
 * is valid until the next call, or NULL. */
static struct batch_record *
batch_add(struct batch *b, const struct line *l, struct err *e)
{
	struct batch_record *r = b->v;

	if (b->n == b->cap) {
		size_t cap = b->cap == 0 ? FIRST_RECORDS : 2 * b->cap;

		if ((r = realloc(r, cap * sizeof(*r))) == NULL) {
			(void)err_nomem(e);
			return NULL;
		}
		b->v = r;
		b->cap = cap;
	}
	r = &b->v[b->n];
	*r = (struct batch_record){ .line = *l, .at = b->lines.len };
	buf_add(&b->lines, l->data, l->len);
	if (buf_check(&b->lines, e) == -1)
		return NULL;
	if (b->n++ == 0)
		b->since = clock_ms();
	return r;
}

/* Sets the id of the record that was added last. The id needs id_bytes bytes in
 * the request. */
static int
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

/* True if the records of the batch use so much memory that no more may be
 * added. */
static bool
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

/* Joins the elements of an answer to the records of a batch by their ids. Ids
 * are compared as text: 7 and "7" are equal, 7 and 7.0 are not.
 * Owns:  the groups and the list of answers.
 * Borrows: the ids of the batch. An answer is stored as a token number.
 * Gives: one group for each id; records with equal ids have the same group. */

struct join_group {
	const char *id;
	size_t id_len;
	size_t record;          /* index of the first record that has this id */
	size_t answers;         /* number of elements that have this id */
	size_t first, last;     /* indexes in join.v of these elements */
};

struct join_answer {
	uint32_t token;
	size_t next;            /* the next answer of this group; not set in the
				 * last one */
};

struct join {
	struct join_group *group;       /* sorted by their ids */
	size_t groups, cap_groups;
	struct join_answer *v;
	size_t n, cap;
	size_t unknown;         /* elements with an id that no record has */
	size_t without;         /* elements without a valid id */
	struct buf value;
	struct buf example;     /* the id of an unknown element */
};

static void
join_init(struct join *j)
{
	*j = (struct join){ 0 };
	buf_init(&j->value, ID_MAX);
	buf_init(&j->example, ID_MAX);
}

static void
join_release(struct join *j)
{
	free(j->group);
	free(j->v);
	buf_release(&j->value);
	buf_release(&j->example);
	*j = (struct join){ 0 };
}

static int
compare_ids(const void *x, const void *y)
{
	const struct join_group *a = x, *b = y;
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

/* Makes the groups of the records from..to of the batch, and sets the group of
 * each record. */
static int
join_make_groups(struct join *j, struct batch *b, size_t from, size_t to,
    struct err *e)
{
	struct join_group *g = j->group;
	size_t n = 0;

	j->groups = 0;
	if (to - from > j->cap_groups) {
		if ((g = realloc(g, (to - from) * sizeof(*g))) == NULL)
			return err_nomem(e);
		j->group = g;
		j->cap_groups = to - from;
	}
	for (size_t i = from; i < to; i++)
		if (b->v[i].id_len > 0)
			g[j->groups++] = (struct join_group){
			    .id = b->ids.data + b->v[i].id_at,
			    .id_len = b->v[i].id_len, .record = i };
	if (j->groups == 0)
		return 0;
	qsort(g, j->groups, sizeof(*g), compare_groups);
	/* Merge the groups with equal ids. The merged group keeps the first
	 * record, and all records with this id get its index. */
	for (size_t i = 0; i < j->groups; i++) {
		if (i == 0 || compare_ids(&g[i], &g[n - 1]) != 0)
			g[n++] = g[i];
		b->v[g[i].record].group = n - 1;
	}
	j->groups = n;
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
	    sizeof(wanted), compare_ids);
}

/* Adds an element of the answer to the group of its id. An element without a
 * valid id, or with an id that was not requested, is only counted. The first id
 * that was not requested is the example of the warning. */
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
	if ((g = find_group_of_id(j)) == NULL) {
		if (j->unknown++ > 0)
			return 0;
		buf_clear(&j->example);
		buf_add(&j->example, j->value.data, j->value.len);
		return buf_check(&j->example, e);
	}
	return add_answer(j, g, token, e);
}

/* Removes the answers of the previous request. Then adds each element of the
 * array of records in the body to a group: the one whose id equals the
 * element's member `match`. */
static int
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

/* The parsed options, with defaults for those that were not given. */
struct batch_options {
	const char *ids, *match;
	bool missing_is_null, many;
	int64_t flush;          /* milliseconds */
};

static const char *const missing[] = { "reject", "null", NULL };

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

static int
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

/* In the URL and in a form the ids are percent-encoded. */
enum ids_place { IDS_IN_URL, IDS_IN_FORM, IDS_IN_JSON };

/* The state of a run with --batch-each.
 * Owns:  everything except the options and the stage. */
struct batch_run {
	const struct extract_opts *o;
	struct batch_options option;
	struct stage *stage;
	struct each_call call;
	enum ids_place place;
	struct template_list list;      /* the URL or body before and after
					 * {ids} */
	size_t room;                    /* how many bytes of ids the request can
					 * have */
	struct batch batch;
	struct join join;
	struct buf value, encoded;      /* the id of an input record */
	bool is_string;                 /* the id is a JSON string */
	uint64_t unknown;               /* the sum of join.unknown of all
					 * answers */
};

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
	const size_t n = strcspn(type, "; \t");
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

/* Finds {ids} in the URL or in --body; the client must be open. Sets x->place,
 * x->list and x->room. If {ids} is in --body, also makes the URL, which is then
 * the same for all requests. Fails with ERR_USAGE if {ids} is missing, or
 * stands where a list of values is not possible. */
static int
batch_place_init(struct batch_run *x, struct err *e)
{
	const char *url = x->o->each;
	const struct buf *body = &x->call.request.given_body;
	const char *at = find_ids(body, body->data);
	size_t max = x->call.url.max, used;

	if (at == NULL) {
		if (template_list_split(&x->list, url, "ids", e) == -1)
			return -1;
	} else {
		if (split_body(x, at, e) == -1 || choose_place(x, e) == -1)
			return -1;
		if (strchr(url, '{') != NULL)
			return err_set(e, ERR_USAGE, false, "--each %s: with "
			    "{ids} in --body one request is for several "
			    "records, so the URL must have no {NAME} of a "
			    "single record: remove it", url);
		percent_encode(&x->call.url, url, strlen(url), true);
		if (buf_check(&x->call.url, e) == -1 ||
		    request_set_url(&x->call.request, x->o,
		x->call.url.data, x->call.url.len, e) == -1)
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

/* Appends the id `value`, encoded for x->place. Returns 0 with the code and the
 * reason in *f if the request cannot contain this id. */
static int
batch_put_id(const struct batch_run *x, const struct buf *value, bool is_string,
    struct buf *out, struct template_fault *f)
{
	if (x->place != IDS_IN_JSON || value->len == 0)
		return template_list_put(&x->list, value, out, f);
	if (is_string)
		json_put_string(out, value->data, value->len);
	else
		buf_add(out, value->data, value->len);
	return 1;
}

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

/* Checks an input record and reads its id into x->value, x->encoded and
 * x->is_string. Returns 1 if the id can be requested, else 0. If it returns 0
 * and `rejects` is true, it has also rejected the record. */
static int
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

/* Appends an id to a message. A long id is cut. */
static void
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

/* Writes the records from..to with their answers, or rejects them. If `why` is
 * not NULL, their request has failed for this reason. */
static int
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

/* Parses the answer, finds its array of records, and joins the elements of this
 * array to the records of the request. */
static int
take_answer(void *self, const struct http_answer *a, struct err *e)
{
	struct batch_run *x = self;

	if (body_parse(&x->call.body, a, e) == -1 ||
	    body_find_records(&x->call.body, e) == -1)
		return -1;
	return join_add_answers(&x->join, &x->call.body, x->option.match, e);
}

/* Makes the request with the ids of the records from..to. An id that several
 * records have is put into the request once. */
static int
make_ids_request(struct batch_run *x, size_t from, size_t to, struct err *e)
{
	const struct batch *b = &x->batch;
	struct buf *out = x->place == IDS_IN_URL ? &x->call.url :
	    &x->call.request.given_body;
	struct template_fault ignored;
	bool is_first = true;

	buf_clear(out);
	buf_add(out, x->list.before.data, x->list.before.len);
	for (size_t i = from; i < to; i++) {
		const struct batch_record *r = &b->v[i];

		if (r->id_len == 0 || x->join.group[r->group].record != i)
			continue;
		buf_clear(&x->value);
		buf_add(&x->value, b->ids.data + r->id_at, r->id_len);
		if (buf_check(&x->value, e) == -1)
			return -1;
		if (!is_first)
			buf_char(out, ',');
		is_first = false;
		(void)batch_put_id(x, &x->value, r->id_is_string, out,
		    &ignored);
	}
	buf_add(out, x->list.after.data, x->list.after.len);
	return buf_check(out, e) == -1 ? -1 :
	    request_set_url(&x->call.request, x->o,
		x->call.url.data, x->call.url.len, e);
}

/* The service has refused the request. It may do so for one of the ids, for
 * their number or for the length of the URL or the answer, so a request for
 * fewer of them may succeed. */
static bool
may_halve(const struct batch_run *x, const struct err *e)
{
	return x->join.groups > 1 && !e->transient && (e->code == ERR_INPUT ||
	    e->code == ERR_REFUSED || x->call.answer.body.full);
}

/* Makes one request for the records from..to and writes them. If the request
 * fails for a reason that affects every record, such as a wrong secret, the run
 * ends. If the service refuses the request, requests each half of the records
 * separately. So in the end only those records are rejected whose id the
 * service refuses. */
static int
send_records(struct batch_run *x, size_t from, size_t to, struct err *e)
{
	const struct answer_check check = { take_answer, x };
	const size_t middle = from + (to - from) / 2;
	struct err why;

	if (join_make_groups(&x->join, &x->batch, from, to, e) == -1)
		return -1;
	if (x->join.groups == 0)
		return batch_write(x, from, to, NULL, e);
	if (make_ids_request(x, from, to, e) == -1 ||
	    stage_flush(x->stage, e) == -1)
		return -1;
	if (fetch_whole(x->call.fetch, &x->call.request, &check,
		&x->call.answer, e) == 0) {
		x->unknown += x->join.unknown;
		return batch_write(x, from, to, NULL, e);
	}
	if (fetch_fails_all(x->call.fetch, e))
		return -1;
	if (!may_halve(x, e)) {
		why = *e;
		return batch_write(x, from, to, &why, e);
	}
	if (send_records(x, from, middle, e) == -1)
		return -1;
	return send_records(x, middle, to, e);
}

static int
send_batch(void *self, struct err *e)
{
	struct batch_run *x = self;
	int rc = send_records(x, 0, x->batch.n, e);

	batch_clear(&x->batch);
	return rc;
}

/* Adds a record to the batch. If the request would become too long, first sends
 * the batch without this record. If the batch is full afterwards, sends it. */
static int
add_record(void *self, const struct item *it, struct err *e)
{
	struct batch_run *x = self;
	const struct line *l = &it->line;
	struct batch *b = &x->batch;
	struct batch_record *r;
	int has_id = batch_read_id(x, l, false, e);

	if (has_id == -1)
		return -1;
	if (has_id == 1 && b->id_bytes > 0 &&
	    b->id_bytes + x->encoded.len > x->room) {
		if (send_batch(x, e) == -1)
			return -1;
		/* The id may have been overwritten: to reject a record of the
		 * batch, batch_write() reads the id of that record. */
		has_id = batch_read_id(x, l, false, e);
	}
	if (has_id == -1 || (r = batch_add(b, l, e)) == NULL)
		return -1;
	if (has_id == 1) {
		r->open = each_record_start(&x->call.j);
		if (batch_set_id(b, &x->value, x->is_string, x->encoded.len,
			e) == -1)
			return -1;
	}
	return b->n >= x->o->batch_each || batch_is_large(b) ?
	    send_batch(x, e) : 0;
}

/* Sends the batch before it passes the mark on. */
static int
pass_mark(void *self, struct stage *s, struct err *e)
{
	struct batch_run *x = self;

	return send_batch(x, e) == -1 ? -1 :
	    stage_pass(s, e);
}

/* Returns how many milliseconds the current batch may still wait for records,
 * or -1 (no limit) if it is empty. */
static int
batch_wait_ms(const struct batch_run *x)
{
	int64_t left;

	if (x->batch.n == 0)
		return -1;
	left = x->batch.since + x->option.flush - clock_ms();
	return left < 0 ? 0 : (int)left;
}

/* Returns SOURCE_PAUSE if no record has come within --flush. */
static enum source_next
next_record(void *self, struct item *it, struct err *e)
{
	struct batch_run *x = self;

	return run_stage_item(x->stage, stage_next(x->stage, &it->line,
	    batch_wait_ms(x), e), &x->call.raw, it, e);
}

/* Warns if the service answered with records that were not requested. It then
 * probably does not know the parameter of {ids} and ignores it. */
static void
warn_unknown_ids(struct batch_run *x)
{
	struct buf b;

	if (x->unknown == 0)
		return;
	buf_init(&b, MESSAGE_MAX);
	batch_show_id(&b, x->join.example.data, x->join.example.len);
	err_warnf("etl-extract", "the answers had %llu records with an id that "
	    "was not asked for, for example %s: they were ignored: check that "
	    "the service knows the parameter of {ids}",
	    (unsigned long long)x->unknown, buf_text(&b));
	buf_release(&b);
}

int
run_batch(struct extract *from, struct stage *stage, struct err *e)
{
	struct batch_run x = { .o = &from->opts, .stage = stage };
	const struct run run = { .next = next_record, .write_mark = pass_mark,
	    .from = &x, .use = add_record, .pause = send_batch, .self = &x };
	int rc = -1;

	each_call_init(&x.call, x.o);
	x.call.body.levels_in_records = 1;
	template_list_init(&x.list, REQUEST_URL_MAX);
	batch_init(&x.batch);
	join_init(&x.join);
	buf_init(&x.value, REQUEST_URL_MAX);
	buf_init(&x.encoded, REQUEST_URL_MAX);
	if (batch_options_parse(&x.option, x.o, e) == 0 &&
	    each_call_open(&x.call, from, e) == 0 &&
	    batch_place_init(&x, e) == 0 &&
	    run_items(&run, stage, e) == READ_WHOLE)
		rc = send_batch(&x, e);
	warn_unknown_ids(&x);
	each_call_release(&x.call);
	template_list_release(&x.list);
	batch_release(&x.batch);
	join_release(&x.join);
	buf_release(&x.value);
	buf_release(&x.encoded);
	return rc;
}
