#include "sink.h"

#include "base/clock.h"
#include "base/stop.h"
#include "keyset.h"
#include "sql_text.h"
#include "sqlite_sql.h"
#include "sqlite_value.h"

#include <stdlib.h>
#include <string.h>

enum { STOP_EVERY = 256, NO_ITEM = -1, LATER = -2 };

struct statements {                     /* of one shape */
	struct db_stmt *insert, *update, *seen;
};

struct lite_sink {
	struct db *db;
	const struct target *target;
	struct statements *by_shape;
	size_t nshapes;
	struct db_value *values;        /* of the record, then now */
	struct buf scratch;
	char now[CLOCK_STAMP];
	struct keyset keys;
	bool ahead;                     /* keys come twice in a chunk: look
	                                 * for that before applying it */
	int32_t *earlier;               /* by item: the one before it of the
	                                 * same key, NO_ITEM; */
	bool *loses;                    /* a later one of its key came */
	size_t room;
};

static void
statements_forget(struct lite_sink *s)
{
	for (size_t i = 0; i < s->nshapes; i++) {
		db_stmt_free(s->by_shape[i].insert);
		db_stmt_free(s->by_shape[i].update);
		db_stmt_free(s->by_shape[i].seen);
	}
	free(s->by_shape);
	s->by_shape = NULL;
	s->nshapes = 0;
}

static void
lite_sink_close(void *self)
{
	struct lite_sink *s = self;

	if (s == NULL)
		return;
	statements_forget(s);
	keyset_release(&s->keys);
	buf_release(&s->scratch);
	free(s->values);
	free(s->earlier);
	free(s->loses);
	free(s);
}

static int
lite_sink_open(void **self, struct db *db, const struct target *t,
    struct err *e)
{
	struct lite_sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->db = db;
	s->target = t;
	keyset_init(&s->keys);
	buf_init(&s->scratch, SIZE_MAX / 2);
	s->values = calloc(t->table->n + 1, sizeof(*s->values));
	if (s->values == NULL) {
		lite_sink_close(s);
		return err_nomem(e);
	}
	*self = s;
	return 0;
}

static int
prepare(struct lite_sink *s, struct db_stmt **stmt, const struct shape *shape,
    void (*text)(struct buf *, const struct target *, const struct shape *),
    struct err *e)
{
	struct buf b;
	int rc = -1;

	if (*stmt != NULL)
		return 0;
	buf_init(&b, SIZE_MAX / 2);
	text(&b, s->target, shape);
	(void)buf_text(&b);
	if (buf_check(&b, e) == 0)
		rc = db_prepare(s->db, stmt, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

static struct statements *
statements_of(struct lite_sink *s, const struct shape *shape, struct err *e)
{
	struct statements *p;

	if (shape->id >= s->nshapes) {
		p = realloc(s->by_shape, (shape->id + 1) * sizeof(*p));
		if (p == NULL) {
			(void)err_nomem(e);
			return NULL;
		}
		s->by_shape = p;
		memset(p + s->nshapes, 0,
		    (shape->id + 1 - s->nshapes) * sizeof(*p));
		s->nshapes = shape->id + 1;
	}
	p = &s->by_shape[shape->id];
	return prepare(s, &p->insert, shape, sqlite_insert, e) == -1 ? NULL :
	    p;
}

/* The record's values, encoded. 1, 0 a reject, -1. */
static int
encode(struct lite_sink *s, struct reader *r, const struct line *l,
    struct reject *why, struct err *e)
{
	const struct shape *shape;
	int rc = reader_next(r, l, why, e);

	if (rc != 1)
		return rc;
	buf_clear(&s->scratch);
	if (!buf_room(&s->scratch, l->len + 1))
		return buf_check(&s->scratch, e);
	shape = r->shape;
	for (size_t i = 0; i < shape->n; i++)
		if (sqlite_value(&s->values[i], r, shape->columns[i],
		    &s->scratch, why) == 0)
			return 0;
	s->values[shape->n] = (struct db_value){ .type = DB_TEXT,
		.p = s->now, .len = CLOCK_STAMP - 1 };
	return 1;
}

/* One value of a key: no other value gives the same bytes, and the bytes
 * ascend where values do. Texts hold no NUL. */
static void
key_put(struct buf *b, const struct db_value *v)
{
	uint64_t u = (uint64_t)v->i ^ (uint64_t)1 << 63;
	char bytes[8];

	buf_char(b, (char)v->type);
	if (v->type == DB_REAL) {
		buf_add(b, &v->r, sizeof(v->r));
	} else if (v->type == DB_INT) {
		for (int i = 7; i >= 0; i--, u >>= 8)
			bytes[i] = (char)(u & 0xff);
		buf_add(b, bytes, sizeof(bytes));
	} else if (v->type == DB_TEXT) {
		buf_add(b, v->p, v->len);
		buf_char(b, '\0');
	} else {
		buf_add(b, &v->len, sizeof(v->len));
		buf_add(b, v->p, v->len);
	}
}

/* *holder: of the item that has this record's key already, or NULL. */
static int
key_seen(struct lite_sink *s, const struct shape *shape, size_t item,
    uint32_t **holder, struct err *e)
{
	const struct target *t = s->target;
	size_t at = s->keys.bytes.len;
	bool nomem;

	for (size_t k = 0, i = 0; k < t->nkey; k++, i = 0) {
		while (shape->columns[i] != t->key[k])
			i++;
		key_put(&s->keys.bytes, &s->values[i]);
	}
	*holder = keyset_add(&s->keys, at, (uint32_t)item, &nomem);
	return nomem ? err_nomem(e) : 0;
}

/* A row of this key is there. */
static int
update(struct lite_sink *s, struct statements *st, const struct shape *shape,
    struct sums *sums, struct err *e)
{
	int64_t changed = 0;

	if (sql_can_change(s->target, shape)) {
		if (prepare(s, &st->update, shape, sqlite_update, e) == -1 ||
		    db_step(st->update, s->values, shape->n + 1, NULL,
		    &changed, e) == -1)
			return -1;
	}
	if (changed > 0) {
		sums->updated++;
		return 0;
	}
	sums->unchanged++;
	if (s->target->seen == NO_COLUMN)
		return 0;
	if (prepare(s, &st->seen, shape, sqlite_seen, e) == -1)
		return -1;
	return db_step(st->seen, s->values, shape->n + 1, NULL, NULL, e);
}

/* 1 the record is in the table, 0 it is a reject, -1. */
static int
store(struct lite_sink *s, struct outcome *o, size_t item, struct err *e)
{
	const struct shape *shape = o->reader.shape;
	struct statements *st = statements_of(s, shape, e);
	int64_t changed = 0;
	struct sums sums = o->tally;
	struct db_fault fault;
	struct err why;
	int rc;

	if (st == NULL)
		return -1;
	rc = db_step(st->insert, s->values, shape->n + 1, NULL, &changed, e);
	if (rc == 0 && (!s->target->upsert || changed > 0))
		o->tally.inserted++;
	else if (rc == 0)
		rc = update(s, st, shape, &o->tally, e);
	if (rc == 0)
		return 1;
	if (!db_fault(s->db)->data)
		return -1;
	o->tally = sums;
	fault = *db_fault(s->db);
	why = *e;
	return outcome_refused(o, item, &fault, why.msg, e);
}

/* 1 in the table, 0 a reject, -1, LATER: the key came twice. */
static int
put(struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	struct line l = spool_line(o->chunk, i);
	struct reject why;
	uint32_t *holder = NULL;
	int rc = encode(s, &o->reader, &l, &why, e);

	if (rc == 0)
		return outcome_reject(o, i, &why, e);
	if (rc == -1)
		return -1;
	if (s->target->upsert && !s->ahead &&
	    key_seen(s, o->reader.shape, i, &holder, e) == -1)
		return -1;
	return holder != NULL ? LATER : store(s, o, i, e);
}

/* From the last item to the first: the last of each key is applied, and when
 * it is a reject, the one before it. */
static int
look_ahead(struct lite_sink *s, struct outcome *o, struct err *e)
{
	const struct spool *c = o->chunk;
	uint32_t *holder;

	if (c->n > s->room) {
		free(s->earlier);
		free(s->loses);
		s->room = c->n;
		s->earlier = calloc(c->n, sizeof(*s->earlier));
		s->loses = calloc(c->n, sizeof(*s->loses));
		if (s->earlier == NULL || s->loses == NULL) {
			s->room = 0;
			return err_nomem(e);
		}
	}
	for (size_t i = c->n; i-- > 0;) {
		struct line l = spool_line(c, i);
		struct reject why;
		int rc = 0;

		s->earlier[i] = NO_ITEM;
		s->loses[i] = false;
		if (c->items[i].kind == ITEM_RECORD &&
		    (rc = encode(s, &o->reader, &l, &why, e)) == -1)
			return -1;
		if (rc == 0)
			continue;
		if (key_seen(s, o->reader.shape, i, &holder, e) == -1)
			return -1;
		if (holder == NULL)
			continue;
		s->loses[i] = true;
		s->earlier[*holder] = (int32_t)i;
		*holder = (uint32_t)i;
	}
	return 0;
}

/* An item and those of its key before it, until one is in the table. */
static enum sink_result
apply_item(struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	int rc = put(s, o, i, e);
	int32_t k;

	if (rc == LATER) {
		s->ahead = true;
		return SINK_ANEW;
	}
	k = s->ahead ? s->earlier[i] : NO_ITEM;
	for (; rc == 0 && k != NO_ITEM; k = s->earlier[k])
		rc = put(s, o, (size_t)k, e);
	if (rc == -1)
		return SINK_FAILED;
	for (; k != NO_ITEM; k = s->earlier[k])
		o->tally.superseded++;
	return SINK_DONE;
}

static enum sink_result
lite_sink_apply(void *self, struct outcome *o, struct err *e)
{
	struct lite_sink *s = self;
	enum sink_result rc;

	if (reader_renew(&o->reader))
		statements_forget(s);
	if (o->ordinal == 0)
		clock_stamp(s->now);
	keyset_clear(&s->keys);
	if (s->ahead && look_ahead(s, o, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < o->chunk->n; i++) {
		if (o->chunk->items[i].kind != ITEM_RECORD)
			continue;
		o->tally.in++;
		if (i % STOP_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		if (s->ahead && s->loses[i])
			continue;
		if ((rc = apply_item(s, o, i, e)) != SINK_DONE)
			return rc;
	}
	return SINK_DONE;
}

static enum sink_result
lite_sink_settle(void *self, struct err *e)
{
	return SINK_DONE;
}

static void
lite_sink_fresh(void *self)
{
}

const struct sink sink_sqlite = {
	.kind = DB_SQLITE, .open = lite_sink_open, .apply = lite_sink_apply,
	.settle = lite_sink_settle, .fresh = lite_sink_fresh,
	.close = lite_sink_close,
};
