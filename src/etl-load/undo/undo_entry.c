#include "undo/undo_entry.h"

#include "control/find_by_id.h"
#include "control/run_counts.h"
#include "images/image_sql.h"
#include "json/scan.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text of fewer digits is a number of a run and not the start of an id: it
 * may be a mistake. */
enum { DIGITS_OF_ID = 8 };

struct reading {
	struct db *db;
	struct undo_entry *entry;
	struct undo_table *at;          /* the table whose streams are read */
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
	while (n->ntables > 0) {
		table_free(n->tables[--n->ntables].table);
		free(n->tables[n->ntables].key);
	}
	free(n->tables);
	free(n->streams);
	free(n->run);
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
fail_no_images(const struct db *db, const char *name, const char *table,
    struct err *e)
{
	return err_set(e, ERR_LIMIT, false, "--undo %s: %s keeps no old values "
	    "of such a run%s%s: it was loaded without --keep-before, or its "
	    "old values were deleted (--keep-runs)", name, db_name(db),
	    table != NULL ? " for table " : "", table != NULL ? table : "");
}

enum { RANK_START = 1 };        /* the name is only the start of the id */

static int
check_found(const struct undo_entry *n, const struct db *db, const char *name,
    const char *table, int found, int64_t rank, struct err *e)
{
	if (found == 0)
		return fail_no_images(db, name, table, e);
	if (rank != RANK_START)
		return 0;
	if (found > 1)
		return err_set(e, ERR_USAGE, false, "--undo %s: the ids of "
		    "several runs start with this: give more of the id",
		    name);
	if (parse_row_number(name) > 0 && strlen(name) < DIGITS_OF_ID)
		return err_set(e, ERR_USAGE, false, "--undo %s: no run has "
		    "this number, but the id of run %s starts with it: to "
		    "undo that run, give at least %d characters of the id",
		    name, n->run, DIGITS_OF_ID);
	return 0;
}

static int
find_run(struct undo_entry *n, struct db *db, const char *name,
    const char *table, struct err *e)
{
	const struct db_value v[] = { db_text(name),
		DB_I(parse_row_number(name)) };
	struct db_rows *r;
	int64_t rank = 0;
	int found = 0, rc;

	if (db_query(db, &r, db_sql(db, SQL_BEFORE_FIND), v, 2, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && found++ == 0) {
		rank = db_column(r, 1).i;
		if (copy_text(&n->run, db_column(r, 0), e) == -1) {
			rc = -1;
			break;
		}
	}
	db_end(r);
	return rc == -1 ? -1 : check_found(n, db, name, table, found, rank, e);
}

static struct undo_table *
add_table(struct undo_entry *n, struct err *e)
{
	struct undo_table *more = reallocarray(
	    n->tables, n->ntables + 1, sizeof(*more));

	if (more == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	n->tables = more;
	n->tables[n->ntables] = (struct undo_table){ .table = NULL };
	return &n->tables[n->ntables++];
}

/* Reads the table of a target. The target is a name that needs no search_path
 * if its schema is added. In messages the table has the name of the target. */
static int
read_target(struct undo_entry *n, struct db *db, const char *target,
    struct err *e)
{
	struct undo_table *t = add_table(n, e);
	bool quoted = false, dot = false;
	char *name;
	int rc;

	if (t == NULL)
		return -1;
	for (const char *p = target; *p != '\0'; p++) {
		quoted ^= *p == '"';
		dot |= *p == '.' && !quoted;
	}
	if (asprintf(&name, "%s%s", dot ? "" : db_kind(db) == DB_SQLITE ?
	    "main." : "public.", target) == -1)
		return err_nomem(e);
	rc = table_read(&t->table, db, name, ": the run has loaded it; to undo "
	    "the run in its other tables, name each of them with --table", e);
	free(name);
	if (rc == -1)
		return -1;
	free(t->table->name);
	t->table->name = strdup(target);
	return t->table->name == NULL ? err_nomem(e) : 0;
}

/* Fails if the run has also written rows whose old values were not kept. */
static int
check_all_kept(const struct undo_entry *n, struct db *db, struct err *e)
{
	const struct db_value v = db_text(n->run);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_BEFORE_NOT_KEPT), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		struct run_counts counts = { 0 };
		struct db_value json = db_column(r, 1);

		if (json.type == DB_TEXT &&
		    run_counts_add_json(&counts, json.p, json.len, e) == -1)
			rc = -1;
		else if (run_counts_sum(&counts, COUNT_INSERTED) +
		    run_counts_sum(&counts, COUNT_UPDATED) +
		    run_counts_sum(&counts, COUNT_DELETED) +
		    run_counts_sum(&counts, COUNT_REMOVED) > 0)
			rc = err_set(e, ERR_DATA, false, "run %s has also "
			    "loaded table %s, without --keep-before: nothing "
			    "was undone; to undo the run in another table, "
			    "name that table with --table", n->run,
			    db_column(r, 0).p);
		run_counts_release(&counts);
		if (rc == -1)
			break;
	}
	db_end(r);
	return rc;
}

/* Reads the tables of the run that were not undone before. */
static int
read_all_tables(struct undo_entry *n, struct db *db, struct err *e)
{
	const struct db_value v = db_text(n->run);
	struct buf targets;
	struct db_rows *r;
	size_t undone = 0;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_BEFORE_TARGETS), &v, 1, e) == -1)
		return -1;
	buf_init(&targets, SIZE_MAX / 4);
	while ((rc = db_next(r, e)) == 1) {
		struct db_value target = db_column(r, 0);

		if (strcmp(db_column(r, 1).p, "undone") == 0) {
			undone++;
			continue;
		}
		buf_add(&targets, target.p, target.len);
		buf_char(&targets, '\0');
	}
	db_end(r);
	if (rc == 0)
		rc = buf_check(&targets, e);
	if (rc == 0 && targets.len == 0)
		rc = undone == 0 ? fail_no_images(db, n->run, NULL, e) :
		    err_set(e, ERR_LIMIT, false, "run %s was undone before: "
		    "nothing was changed", n->run);
	for (size_t at = 0; rc == 0 && at < targets.len;
	    at += strlen(targets.data + at) + 1)
		rc = read_target(n, db, targets.data + at, e);
	buf_release(&targets);
	return rc == -1 ? -1 : check_all_kept(n, db, e);
}

int
undo_entry_find(struct undo_entry *n, struct db *db, const char *name,
    const char *table, struct err *e)
{
	struct undo_table *t;

	if (table != NULL && ((t = add_table(n, e)) == NULL ||
	    table_read(&t->table, db, table, ": --undo needs the table that "
	    "the run has loaded", e) == -1))
		return -1;
	if (find_run(n, db, name, table, e) == -1)
		return -1;
	return table != NULL ? 0 : read_all_tables(n, db, e);
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
		while (c < u->at->table->n &&
		    strcmp(u->at->table->columns[c].name, name.data) != 0)
			c++;
		if (c == u->at->table->n || u->at->nkey == u->at->table->n)
			rc = err_set(e, ERR_DATA, false, "table %s has no "
			    "column %s, which was in its key: the run cannot "
			    "be undone", u->at->table->name, name.data);
		else
			u->at->key[u->at->nkey++] = c;
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

	u->at->nkey = 0;
	free(u->at->key);
	u->at->key = calloc(u->at->table->n + 1, sizeof(*u->at->key));
	if (u->at->key == NULL)
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
	image_put_names(&b, u->at->table, NULL, u->at->table->n);
	rc = buf_check(&b, e);
	if (rc == 0 && (b.len != names.len ||
	    memcmp(b.data, names.p, b.len) != 0))
		rc = err_set(e, ERR_DATA, false, "table %s has other columns "
		    "than when the run loaded it: the run cannot be undone",
		    u->at->table->name);
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
		.whole = db_column(r, 6).i != 0,
		.number = db_column(r, 8).i, .target = u->at->table->full };
	u->at->last = s->number;
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
		db_text(u->at->table->full) };
	size_t before = u->entry->n;
	struct db_rows *r;
	int rc;

	if (db_query(u->db, &r, db_sql(u->db, SQL_BEFORE_STREAMS), v, 2,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		if ((rc = add_stream(u, r, e)) == -1)
			break;
	db_end(r);
	if (rc == 0 && u->entry->n == before)
		return fail_no_images(u->db, u->entry->run, u->at->table->name,
		    e);
	return rc;
}

static int
compare_streams(const void *a, const void *b)
{
	const struct loaded *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int
compare_tables(const void *a, const void *b)
{
	const struct undo_table *x = a, *y = b;

	return (x->last < y->last) - (x->last > y->last);
}

int
undo_entry_read(struct undo_entry *n, struct db *db, struct err *e)
{
	struct reading u = { db, n, NULL };

	for (size_t i = 0; i < n->ntables; i++) {
		u.at = &n->tables[i];
		if (read_streams(&u, e) == -1)
			return -1;
	}
	if (n->n > 0)
		qsort(n->streams, n->n, sizeof(*n->streams), compare_streams);
	qsort(n->tables, n->ntables, sizeof(*n->tables), compare_tables);
	return 0;
}
