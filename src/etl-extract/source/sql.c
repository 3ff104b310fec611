#include "base/process.h"
#include "base/retry.h"
#include "cursor/cursor.h"
#include "db/db.h"
#include "json/pointer.h"
#include "source/source.h"
#include "sql/sql_columns.h"

#include <stdlib.h>
#include <string.h>

/* RECORD_MAX: json_scan() accepts no more. MOST_LEAST: with a small
 * --max-record, rows of so many bytes are read all the same. MEMORY_LEAST: for
 * everything but the rows. */
enum { RECORD_MAX = 2047 << 20, MOST_LEAST = 1 << 20,
	MEMORY_LEAST = 64 << 20 };

struct sql {
	const struct extract *x;
	const struct sql_database *database;
	const char *uri;
	void *reader;
	struct sql_query query;
	struct sql_row row;
	bool has_started, has_paused;
	uint64_t former_limit;          /* of memory_limit() */
};

static void
sql_close(void *self)
{
	struct sql *s = self;

	if (s == NULL)
		return;
	if (s->has_started)
		memory_unlimit(s->former_limit);
	if (s->reader != NULL)
		s->database->close(s->reader);
	free(s->query.cursor);
	sql_row_release(&s->row);
	free(s);
}

/* Sets the column of --cursor-field, which is the first part of the pointer,
 * with ~1 and ~0 decoded. */
static int
set_cursor_name(struct sql_query *q, const char *pointer, struct err *e)
{
	const char *p = pointer + 1;
	char *to;

	if ((q->cursor = strdup(p)) == NULL)
		return err_nomem(e);
	q->cursor_is_inside = pointer_count(pointer) > 1;
	to = q->cursor;
	for (; *p != '\0' && *p != '/'; p++, to++) {
		*to = *p;
		if (*p == '~' && *++p == '1')
			*to = '/';
	}
	*to = '\0';
	return 0;
}

/* Checks that the parameters of the query fit the options of the checkpoint. */
static int
check_parameters(const struct sql *s, struct err *e)
{
	const struct extract_opts *o = &s->x->opts;

	if (o->checkpoint == NULL && s->query.table == NULL &&
	    (s->query.has_since || s->query.has_until))
		return err_set(e, ERR_CONFIG, false, "--query: :since and "
		    ":until have a value only with --checkpoint");
	if (o->checkpoint != NULL && !s->query.has_since)
		return err_set(e, ERR_CONFIG, false, "--query: with "
		    "--checkpoint the query must have the parameter :since, as "
		    "in WHERE updated_at >= :since: else each run reads all "
		    "rows");
	if (o->checkpoint != NULL && s->query.table == NULL &&
	    s->query.has_until != (o->until != NULL))
		return err_set(e, ERR_CONFIG, false, "--query: %s",
		    o->until != NULL ? "--until is given, but the query does "
		    "not have the parameter :until" : "the parameter :until "
		    "has no value: give --until");
	return 0;
}

/* Connects to the database and lets it check the query. */
static int
connect_once(void *self, struct err *e)
{
	struct sql *s = self;

	return s->database->open(&s->reader, s->uri, &s->query, e);
}

/* If the database cannot be reached for a reason that may pass, tries again as
 * --retries says. */
static int
open_query(struct sql *s, struct err *e)
{
	const struct extract_opts *o = &s->x->opts;
	struct retry retry = { .max = o->retries };

	s->query.text = o->query;
	s->query.table = o->table;
	if (o->cursor_field != NULL &&
	    set_cursor_name(&s->query, o->cursor_field, e) == -1)
		return -1;
	s->database = strncmp(s->uri, "sqlite:", 7) == 0 ?
	    &sql_database_sqlite : &sql_database_pg;
	if (retry_parse(&retry, o->backoff, e) == -1 ||
	    retry_call(&retry, connect_once, s, e) == -1)
		return -1;
	return check_parameters(s, e);
}

static int
sql_open(void **self, struct extract *x, const char *uri, struct err *e)
{
	struct sql *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_nomem(e);
	s->x = x;
	s->uri = uri;
	if (db_url_has_password(uri))
		err_warn("etl-extract", "SOURCE: other users can read a "
		    "password on the command line: use PGPASSFILE");
	buf_init(&s->row.text, RECORD_MAX);
	s->row.max = x->opts.max_record;
	s->query.most = 2 * x->opts.max_record > MOST_LEAST ?
	    2 * x->opts.max_record : MOST_LEAST;
	if (open_query(s, e) == -1) {
		sql_close(s);
		return -1;
	}
	*self = s;
	return 0;
}

/* Starts the query with the bounds of the cursor. */
static int
start_query(struct sql *s, struct err *e)
{
	struct cursor *c = s->x->cursor;
	const char *since = NULL, *until = NULL;

	if (c != NULL) {
		cursor_get_bounds(c, &since, &until);
		if (s->query.table != NULL)
			cursor_set_ordered(c);
		if (s->query.orders_times_as_text)
			cursor_distrust_times(c);
		if (since == NULL && s->query.table == NULL)
			return err_set(e, ERR_CONFIG, false, "--query: :since "
			    "has no value, because no checkpoint is stored: "
			    "give --start, the lowest value of the cursor");
	}
	/* libpq has no limit of its own: it receives each row into a buffer of
	 * up to twice its size, and then copies it. A row of SQLite may have
	 * many long values. */
	s->query.peak_before = memory_peak();
	s->former_limit = memory_limit(MEMORY_LEAST + 5 * s->query.most);
	s->has_started = true;
	return s->database->start(s->reader, since, until, e);
}

/* Sets *it to the row in s->row. */
static void
fill_row_item(struct sql *s, struct item *it)
{
	struct sql_row *r = &s->row;

	memset(&it->line, 0, sizeof(it->line));
	it->line.data = r->text.data;
	it->line.len = it->line.bytes = r->text.len;
	if (r->is_too_long) {
		it->line.too_long = true;
		it->line.bytes = r->bytes;
		hash_finish(r->hash, it->line.sha256);
		r->hash = NULL;
	}
	it->kind = "sql";
	it->uri = s->database->name(s->reader);
	it->page = 0;
	it->index = r->number;
}

/* Gives the next row. Returns SOURCE_PAUSE once before it waits for a row. */
static enum source_next
sql_next(void *self, struct item *it, struct err *e)
{
	struct sql *s = self;
	bool begins = !s->has_started;
	int rc = begins ? start_query(s, e) : 0;

	if (rc == 0 && begins)
		return SOURCE_MARK;
	if (rc == 0 && !s->has_paused && !s->database->is_ready(s->reader)) {
		s->has_paused = true;
		return SOURCE_PAUSE;
	}
	s->has_paused = false;
	sql_row_begin(&s->row);
	if (rc == 0)
		rc = s->database->next(s->reader, &s->row, e);
	if (rc == 1) {
		fill_row_item(s, it);
		return SOURCE_ITEM;
	}
	if (rc == -1 && e->code != ERR_GONE)
		err_prefix(e, "%s", s->database->name(s->reader));
	return rc == 0 ? SOURCE_END : SOURCE_FAILED;
}

/* Writes the mark columns, before the first row. */
static int
sql_write_types(void *self, struct stage *stage, struct err *e)
{
	const struct sql *s = self;
	struct buf types;
	int rc;

	buf_init(&types, SIZE_MAX / 4);
	sql_columns_put_types(&types, s->database->columns(s->reader));
	rc = buf_check(&types, e);
	if (rc == 0 && types.len > 0)
		rc = stage_write_columns(stage, types.data, types.len, e);
	buf_release(&types);
	return rc;
}

static const char *const schemes[] = { "postgresql", "postgres", "sqlite",
	NULL };

const struct source source_sql = {
    .kind = KIND_SQL,
    .schemes = schemes,
    .open = sql_open,
    .next = sql_next,
    .close = sql_close,
    .write_mark = sql_write_types,
};
