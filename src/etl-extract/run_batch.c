#include "base/clock.h"
#include "batch.h"
#include "run.h"

enum { MESSAGE_MAX = 1024 };

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

static int
reject_records(struct batch_run *x, size_t from, size_t to, struct err *e)
{
	const struct err why = *e;

	return batch_write(x, from, to, &why, e);
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
	return buf_check(out, e) == -1 ? -1 : each_call_make(&x->call, x->o, e);
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

	if (join_make_groups(&x->join, &x->batch, from, to, e) == -1)
		return -1;
	if (x->join.groups == 0)
		return batch_write(x, from, to, NULL, e);
	if (make_ids_request(x, from, to, e) == -1 ||
	    stage_flush(x->stage, e) == -1)
		return -1;
	if (each_call_fetch(&x->call, &check, e) == 0) {
		x->unknown += x->join.unknown;
		return batch_write(x, from, to, NULL, e);
	}
	if (fetch_fails_all(x->call.fetch, e))
		return -1;
	if (!may_halve(x, e))
		return reject_records(x, from, to, e);
	if (send_records(x, from, middle, e) == -1)
		return -1;
	return send_records(x, middle, to, e);
}

static int
send_batch(struct batch_run *x, struct err *e)
{
	int rc = send_records(x, 0, x->batch.n, e);

	batch_clear(&x->batch);
	return rc;
}

/* Adds a record to the batch. If the request would become too long, first sends
 * the batch without this record. If the batch is full afterwards, sends it. */
static int
add_record(struct batch_run *x, const struct line *l, struct err *e)
{
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
	if (has_id == -1 || batch_add(b, l, &r, e) == -1)
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

/* Adds the record of a raw mark to the batch. Before any other mark is passed
 * on, sends the batch. */
static int
handle_mark(struct batch_run *x, const struct line *mark, struct err *e)
{
	struct line l;

	if (stage_last_mark(x->stage)->kind == MARK_RAW)
		return each_read_raw(&x->call.raw, mark, &l, e) == -1 ?
		    -1 : add_record(x, &l, e);
	return send_batch(x, e) == -1 ? -1 :
	    stage_pass(x->stage, e);
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

static int
process_batches(struct batch_run *x, struct err *e)
{
	struct line l;
	int rc = 0;

	while (rc == 0)
		switch (stage_next(x->stage, &l, batch_wait_ms(x), e)) {
		case STAGE_RECORD:
			rc = add_record(x, &l, e);
			break;
		case STAGE_MARK:
			rc = handle_mark(x, &l, e);
			break;
		case STAGE_WAIT:
			rc = send_batch(x, e);
			break;
		case STAGE_END:
			return send_batch(x, e);
		default:
			return -1;
		}
	return rc;
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

static void
batch_run_init(
    struct batch_run *x, const struct extract_opts *o, struct stage *stage)
{
	*x = (struct batch_run){ .o = o, .stage = stage };
	each_call_init(&x->call, o);
	x->call.body.levels_in_records = 1;
	template_list_init(&x->list, REQUEST_URL_MAX);
	batch_init(&x->batch);
	join_init(&x->join);
	buf_init(&x->value, REQUEST_URL_MAX);
	buf_init(&x->encoded, REQUEST_URL_MAX);
}

static void
batch_run_release(struct batch_run *x)
{
	each_call_release(&x->call);
	template_list_release(&x->list);
	batch_release(&x->batch);
	join_release(&x->join);
	buf_release(&x->value);
	buf_release(&x->encoded);
}

int
run_batch(struct extract *from, struct stage *stage, struct err *e)
{
	struct batch_run x;
	int rc = -1;

	batch_run_init(&x, &from->opts, stage);
	if (batch_options_parse(&x.option, x.o, e) == 0 &&
	    each_call_open(&x.call, from, e) == 0 &&
	    batch_place_init(&x, e) == 0)
		rc = process_batches(&x, e);
	warn_unknown_ids(&x);
	batch_run_release(&x);
	return rc;
}
