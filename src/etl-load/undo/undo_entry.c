#include "undo/undo_entry.h"

#include "images/image_sql.h"
#include "json/scan.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

/* --undo accepts the start of an id if it has at least this number of
 * characters. A shorter text may be a mistake: for etl-status, 12 is the number
 * of a run and not the start of an id. */
enum { START_OF_ID = 8 };

struct reading {
	struct db *db;
	const struct table *table;
	const char *name;
	struct undo_entry *entry;
};

void
undo_entry_release(struct undo_entry *n)
{
	while (n->n > 0) {
		struct loaded *s = &n->streams[--n->n];

		free(s->stream);
		free(s->checkpoint);
		free(s->value);
	}
	free(n->streams);
	free(n->run);
	free(n->key);
	*n = (struct undo_entry){ 0 };
}

static int
copy_text(char **to, struct db_value v, struct err *e)
{
	*to = NULL;
	if (v.type == DB_NULL)
		return 0;
	*to = strndup(v.p == NULL ? "" : v.p, v.len);
	return *to == NULL ? err_nomem(e) : 0;
}

static int
check_name(const struct reading *u, int found, bool exact, struct err *e)
{
	if (exact)
		return 0;
	if (found > 1)
		return err_set(e, ERR_USAGE, false, "--undo %s: the ids of "
		    "several runs start with this: give more of the id",
		    u->name);
	if (found == 0)
		return err_set(e, ERR_LIMIT, false, "--undo %s: %s keeps no "
		    "old values of such a run for table %s: it was loaded "
		    "without --keep-before, or its old values were deleted "
		    "(--keep-runs)",
		    u->name, db_name(u->db), u->table->name);
	return strlen(u->name) >= START_OF_ID ? 0 : err_set(e, ERR_USAGE,
	    false, "--undo %s: this is only the start of the id of run %s: "
	    "give at least %d characters of the id", u->name, u->entry->run,
	    START_OF_ID);
}

/* Finds the run whose id is u->name or, if there is none, the only run whose id
 * starts with it. The query returns at most two runs. */
static int
find_run(struct reading *u, struct err *e)
{
	const struct db_value v[] = { db_text(u->table->full),
		db_text(u->name) };
	struct db_rows *r;
	bool exact = false;
	int n = 0, rc;

	if (db_query(u->db, &r, db_sql(u->db, SQL_BEFORE_FIND), v, 2, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && n++ == 0) {
		exact = db_column(r, 1).i == 1;
		if (copy_text(&u->entry->run, db_column(r, 0), e) == -1) {
			rc = -1;
			break;
		}
	}
	db_end(r);
	return rc == -1 ? -1 : check_name(u, n, exact, e);
}

/* Finds the columns of the key, whose names are in a JSON array. */
static int
find_key_columns(struct reading *u, const struct json *j, struct err *e)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, SIZE_MAX / 4);
	for (uint32_t i = 1; i < j->n && rc == 0; i++) {
		size_t c = 0;

		buf_clear(&name);
		json_unescape(&name, j, i);
		(void)buf_text(&name);
		if ((rc = buf_check(&name, e)) == -1)
			break;
		while (c < u->table->n &&
		    strcmp(u->table->columns[c].name, name.data) != 0)
			c++;
		if (c == u->table->n || u->entry->nkey == u->table->n)
			rc = err_set(e, ERR_DATA, false, "table %s has no "
			    "column %s, which was in its key: the run cannot "
			    "be undone", u->table->name, name.data);
		else
			u->entry->key[u->entry->nkey++] = c;
	}
	buf_release(&name);
	return rc;
}

static int
read_key(struct reading *u, struct db_value names, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	int rc = -1;

	u->entry->nkey = 0;
	free(u->entry->key);
	u->entry->key = calloc(u->table->n + 1, sizeof(*u->entry->key));
	if (u->entry->key == NULL)
		return err_nomem(e);
	if (json_scan(&j, names.p, names.len, 2, JSON_LAST, &f) == 0)
		rc = find_key_columns(u, &j, e);
	else
		rc = f.nomem ? err_nomem(e) : err_set(e, ERR_DATA, false,
		    "etl_before_runs: the column key_columns of the run is not "
		    "a JSON array: another program has changed it");
	json_release(&j);
	return rc;
}

static int
check_columns(const struct reading *u, struct db_value names, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	image_put_names(&b, u->table, NULL, u->table->n);
	rc = buf_check(&b, e);
	if (rc == 0 && (b.len != names.len ||
	    memcmp(b.data, names.p, b.len) != 0))
		rc = err_set(e, ERR_DATA, false, "table %s has other columns "
		    "than when the run loaded it: the run cannot be undone",
		    u->table->name);
	buf_release(&b);
	return rc;
}

static int
check_status(const struct reading *u, struct db_value status, struct err *e)
{
	if (status.len == 4)            /* kept */
		return 0;
	return err_set(e, ERR_LIMIT, false, *status.p == 'u' ? "run %s was "
	    "undone before: nothing was changed" : "run %s: its old values "
	    "were deleted (--keep-runs): nothing was changed", u->entry->run);
}

static int
add_stream(struct reading *u, const struct db_rows *r, struct err *e)
{
	struct undo_entry *n = u->entry;
	struct loaded *s = realloc(n->streams, (n->n + 1) * sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	n->streams = s;
	s = &s[n->n++];
	*s = (struct loaded){ .version = db_column(r, 3).i,
		.whole = db_column(r, 6).i != 0 };
	if (copy_text(&s->stream, db_column(r, 0), e) == -1 ||
	    copy_text(&s->checkpoint, db_column(r, 1), e) == -1 ||
	    copy_text(&s->value, db_column(r, 2), e) == -1 ||
	    check_status(u, db_column(r, 7), e) == -1 ||
	    check_columns(u, db_column(r, 4), e) == -1)
		return -1;
	return read_key(u, db_column(r, 5), e);
}

static int
read_streams(struct reading *u, struct err *e)
{
	const struct db_value v[] = { db_text(u->entry->run),
		db_text(u->table->full) };
	struct db_rows *r;
	int rc;

	if (db_query(u->db, &r, db_sql(u->db, SQL_BEFORE_STREAMS), v, 2,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = add_stream(u, r, e)) == -1)
			break;
	db_end(r);
	if (rc == 0 && u->entry->n == 0)
		return err_set(e, ERR_LIMIT, false, "run %s: its old "
		    "values were deleted (--keep-runs): nothing was changed",
		    u->entry->run);
	return rc;
}

int
undo_entry_read(struct undo_entry *n, struct db *db, const struct table *t,
    const char *name, struct err *e)
{
	struct reading u = { db, t, name, n };

	return find_run(&u, e) == -1 ? -1 : read_streams(&u, e);
}
