#include "sqlite/sqlite_scopes.h"

#include "base/hash.h"
#include "json/write.h"
#include "sqlite/sqlite_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Values of the entries of s->ids. */
enum { ID_EMPTIED = 1, ID_REJECTED = 2 };

int
lite_scopes_init(struct lite_scopes *s, struct db *db, const struct target *t,
    struct err *e)
{
	*s = (struct lite_scopes){ .db = db, .target = t };
	keyset_init(&s->done);
	keyset_init(&s->ids);
	buf_init(&s->text, SIZE_MAX / 4);
	return lite_tuple_init(&s->tuple, &t->scope, e);
}

void
lite_scopes_release(struct lite_scopes *s)
{
	db_stmt_free(s->delete);
	lite_tuple_release(&s->tuple);
	keyset_release(&s->done);
	keyset_release(&s->ids);
	buf_release(&s->text);
}

/* The operator IS also finds NULL. It compares with the collation of the
 * column: values that are equal in this collation are one scope. */
static int
prepare_delete(struct lite_scopes *s, struct err *e)
{
	const struct target *t = s->target;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "DELETE FROM %s", t->table->quoted);
	if (t->scope_where != NULL)
		buf_printf(&b, " WHERE %s", t->scope_where);
	for (size_t i = 0; t->scope_where == NULL && i < t->scope.n; i++)
		buf_printf(&b, "%s%s IS $%zu", i > 0 ? " AND " : " WHERE ",
		    t->table->columns[t->scope.columns[i]].quoted, i + 1);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = db_prepare(s->db, &s->delete, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

int
lite_scopes_start(struct lite_scopes *s, struct err *e)
{
	keyset_clear(&s->done);
	keyset_clear(&s->ids);
	s->nrejected = 0;
	return s->delete != NULL ? 0 : prepare_delete(s, e);
}

static void
put_number(struct buf *b, double r)
{
	/* Compares as SQLite does: 1 is equal to 1.0. */
	if (fabs(r) < 4e18 && r == floor(r))
		buf_printf(b, "n%" PRId64, (int64_t)r);
	else
		buf_printf(b, "n%.17g", r);
}

/* Appends a text. The collation of the column may take texts as equal that
 * differ in case or in blanks at their end, so all such texts get the same
 * bytes. Loads of two scopes that differ only in this disturb each other. */
static void
put_text(struct buf *b, const struct db_value *v, bool numeric)
{
	size_t len = v->len, at = b->len;
	const char *p;
	char *end;
	double r;

	while (len > 0 && v->p[len - 1] == ' ')
		len--;
	buf_char(b, 't');
	for (size_t i = 0; i < len; i++) {
		char c = v->p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		buf_char(b, c);
	}
	p = buf_text(b) + at + 1;
	if (!numeric || b->failed || b->len == at + 1)
		return;
	r = strtod(p, &end);
	if (end == p + len) {
		b->len = at;
		put_number(b, r);
	}
}

/* Sets id to the id of the scope in s->tuple. Scopes that SQLite takes as equal
 * have the same id. */
static int
make_id(struct lite_scopes *s, char id[HASH_HEX], struct err *e)
{
	const struct lite_tuple *t = &s->tuple;
	struct buf *b = &s->text;

	buf_clear(b);
	for (size_t i = 0; i < t->columns->n; i++) {
		const struct db_value *v = &t->values[i];
		size_t at = b->len;

		if (v->type == DB_INT) {
			buf_printf(b, "n%" PRId64, v->i);
		} else if (v->type == DB_REAL) {
			put_number(b, v->r);
		} else if (v->type == DB_TEXT) {
			put_text(b, v, s->target->table->columns[
			    t->columns->columns[i]].numeric);
		} else if (v->type == DB_BLOB) {
			buf_char(b, 'x');
			buf_add(b, v->p, v->len);
		}
		buf_printf(b, " %zu", b->len - at);
	}
	if (buf_check(b, e) == -1)
		return -1;
	hash_bytes(b->data, b->len, id);
	return 0;
}

/* Adds the id of the scope in s->tuple to s->ids with this flag, unless there
 * are many. */
static int
note_id(struct lite_scopes *s, uint32_t flag, struct err *e)
{
	char id[HASH_HEX];
	uint32_t *value;

	if (!s->target->mode->by_scope || s->ids.n > SCOPES_MAX)
		return 0;
	if (make_id(s, id, e) == -1 || (value = keyset_value(&s->ids, id,
	    HASH_HEX - 1, e)) == NULL)
		return -1;
	*value |= flag;
	return 0;
}

int
lite_scopes_put_ids(struct lite_scopes *s, struct scope_ids *ids, struct err *e)
{
	struct buf *b = &ids->json;

	ids->n = s->ids.n;
	ids->many = s->ids.n > SCOPES_MAX;
	s->many = ids->many;
	buf_clear(b);
	buf_char(b, '[');
	for (size_t i = 0; i < s->ids.n; i++) {
		buf_str(b, i > 0 ? "," : "");
		json_put_string(
		    b, s->ids.bytes.data + s->ids.v[i].at, s->ids.v[i].len);
	}
	buf_char(b, ']');
	(void)buf_text(b);
	return buf_check(b, e);
}

/* Deletes the rows of the scope in s->tuple, unless this was done before. */
static int
delete_new_scope(struct lite_scopes *s, struct err *e)
{
	const struct lite_tuple *t = &s->tuple;
	size_t at = s->done.bytes.len;
	int64_t deleted = 0;
	bool nomem;

	for (size_t i = 0; i < t->columns->n; i++)
		sqlite_put_bytes(&s->done.bytes, &t->values[i]);
	if (keyset_add(&s->done, at, 0, &nomem) != NULL)
		return 1;
	if (nomem)
		return err_nomem(e);
	if (s->done.bytes.len > REMEMBERED_MAX)
		keyset_clear(&s->done);
	if (db_stmt_run(s->delete, t->values, t->columns->n,
	    NULL, &deleted, e) == -1)
		return -1;
	s->sums->removed += (uint64_t)deleted;
	return note_id(s, deleted > 0 ? ID_EMPTIED : 0, e) == -1 ? -1 : 1;
}

static int
take_scope(void *self, struct reader *r, const struct line *l, struct err *e)
{
	struct lite_scopes *s = self;
	int rc = lite_tuple_read(&s->tuple, r, l, e);

	return rc == 1 ? delete_new_scope(s, e) : rc;
}

int
lite_scopes_delete(struct lite_scopes *s, struct outcome *o,
    uint64_t *unreadable, struct err *e)
{
	s->sums = &o->sums;
	return chunk_each_record(o, take_scope, s, unreadable, e);
}

int
lite_scopes_check(struct lite_scopes *s, struct err *e)
{
	if (db_count_orphans(s->db) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: rows that the load "
	    "replaces are referred to by a foreign key that is INITIALLY "
	    "DEFERRED: load with --mode upsert, or change the foreign key",
	    s->target->table->name);
}

static int
note_rejected(void *self, struct reader *r, const struct line *l, struct err *e)
{
	struct lite_scopes *s = self;
	int rc = lite_tuple_read(&s->tuple, r, l, e);

	if (rc != 1)
		return rc;
	s->nrejected++;
	return note_id(s, ID_REJECTED, e) == -1 ? -1 : 1;
}

int
lite_scopes_add_rejected(
    struct lite_scopes *s, struct outcome *o, struct err *e)
{
	uint64_t unreadable = 0;

	return chunk_each_rejected(o, note_rejected, s, &unreadable, e);
}

int64_t
lite_scopes_emptied(const struct lite_scopes *s)
{
	int64_t n = 0;

	if (s->many)
		return s->sums->removed > 0 ? s->nrejected : 0;
	for (size_t i = 0; i < s->ids.n; i++)
		n += s->ids.v[i].value == (ID_EMPTIED | ID_REJECTED);
	return n;
}

/* The ids are in the order in which the scopes were added. */
int64_t
lite_scopes_recordless(const struct lite_scopes *s,
    const struct scope_ids *recorded)
{
	int64_t n = 0;

	for (size_t i = recorded->n; i < s->ids.n && !s->many; i++)
		n += (s->ids.v[i].value & ID_EMPTIED) != 0;
	return n;
}
