/* Deletes the rows that a load replaces: with --mode replace all rows of the
 * table, with --mode delete-insert the rows of the scopes. */
#include "json/write.h"
#include "loader.h"
#include "phase.h"
#include "row.h"
#include "stream.h"
#include "target.h"

/* Adds the scopes of some records, which were made by scope_put_record().
 * Counts in *unreadable those that the columns of --scope cannot have. */
static int
add_made_records(const struct loader *l, const struct loaded_table *t,
    struct outcome *o, const struct spool *records, uint64_t *unreadable,
    struct err *e)
{
	const uint16_t *table_of = o->table_of;
	int rc;

	o->chunk = records;
	o->table_of = NULL;
	o->reader.by_name = true;
	rc = l->sink->scopes->add(t->self, o, unreadable, e);
	o->reader.by_name = false;
	o->table_of = table_of;
	o->chunk = NULL;
	return rc;
}

static int
make_scope_record(struct spool *records, const struct target *t,
    const char *value, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	rc = scope_put_record(&b, t, value, e);
	if (rc == 0) {
		const struct line line = { .data = b.data, .len = b.len };

		rc = spool_add(records, ITEM_RECORD, &line, e);
	}
	buf_release(&b);
	return rc;
}

/* Adds the scope of one --scope-value to the scopes of the sink. */
static int
add_scope_value(const struct loader *l, const struct loaded_table *t,
    struct outcome *o, const char *value, struct err *e)
{
	uint64_t unreadable = 0;
	struct spool one;
	int rc;

	spool_init(&one);
	rc = make_scope_record(&one, &t->target, value, e);
	if (rc == 0)
		rc = add_made_records(l, t, o, &one, &unreadable, e);
	spool_release(&one);
	if (rc == 0 && unreadable > 0)
		return err_set(e, ERR_CONFIG, false, "--scope-value %s: table "
		    "%s cannot have this value in the columns of --scope",
		    value, t->target.table->name);
	return rc;
}

/* Makes a record for each file in `j`, the list of a mark. The value of a path
 * is written as a JSON array, as for --scope-value. */
static int
make_file_records(struct spool *records, const struct target *t,
    const struct json *j, struct err *e)
{
	uint32_t file = 1, path;
	struct buf value;
	int rc = 0;

	buf_init(&value, SIZE_MAX / 4);
	for (size_t i = 0; i < j->tok[0].members && rc == 0; i++) {
		path = json_member_value(j, file, "path", 4);
		buf_clear(&value);
		buf_char(&value, '[');
		buf_add(&value, j->text + j->tok[path].at, j->tok[path].len);
		buf_char(&value, ']');
		(void)buf_text(&value);
		rc = buf_check(&value, e);
		if (rc == 0)
			rc = make_scope_record(records, t, value.data, e);
		file = j->tok[file].next;
	}
	buf_release(&value);
	return rc;
}

/* Adds the scopes of the files that the marks of the batch list: a file that
 * has no record any more has a scope, too. */
static int
add_file_scopes(struct loader *l, struct loaded_table *t, struct err *e)
{
	uint64_t unreadable = 0;        /* no row can have such a path */
	struct json_fault f = { 0 };
	struct json j = { 0 };
	struct spool records;
	struct buf list;
	int rc;

	if (l->stream.files.len == 0)
		return 0;
	spool_init(&records);
	buf_init(&list, SIZE_MAX / 4);
	buf_add(&list, l->stream.files.data, l->stream.files.len);
	buf_char(&list, ']');
	(void)buf_text(&list);
	rc = buf_check(&list, e);
	if (rc == 0 &&
	    json_scan(&j, list.data, list.len, 3, JSON_LAST, &f) == -1)
		rc = f.nomem ? err_nomem(e) : err_bug(e, "the list of files");
	if (rc == 0)
		rc = make_file_records(&records, &t->target, &j, e);
	if (rc == 0)
		rc = add_made_records(
		    l, t, &t->outcome, &records, &unreadable, e);
	json_release(&j);
	buf_release(&list);
	spool_release(&records);
	return rc;
}

/* Starts the scopes of the sink, and adds those of --scope-value. */
static int
start_scopes(const struct loader *l,
    const struct loaded_table *t, struct outcome *o, struct err *e)
{
	const struct opt_list *values = &l->o->scope_values;

	if (l->sink->scopes->start(t->self, e) == -1)
		return -1;
	for (size_t i = 0; i < values->n; i++)
		if (add_scope_value(l, t, o, values->v[i], e) == -1)
			return -1;
	return 0;
}

/* Passes all values of --scope-value to the sink, to see whether it accepts
 * them. The sink may delete rows as soon as it gets a scope, so this runs in a
 * transaction that is rolled back. */
static int
try_scope_values(const struct loader *l, const struct loaded_table *t,
    struct err *e)
{
	struct outcome o;
	int rc = -1;

	if (outcome_init(&o, l->stage, &t->target, JSON_LAST, e) == 0 &&
	    db_begin(l->db, e) == 0) {
		rc = start_scopes(l, t, &o, e);
		db_rollback(l->db);
	}
	outcome_release(&o);
	return rc;
}

/* Fails if the load may not delete rows of the table. */
static int
check_may_delete(const struct loader *l, const struct loaded_table *t,
    struct err *e)
{
	if (!t->target.swaps && check_referring(&t->target, l->db, e) == -1)
		return -1;
	if (l->mode->replaces)
		return l->sink->check_empty == NULL ? 0 :
		    l->sink->check_empty(t->self, e);
	if (l->sink->scopes->check(t->self, e) == -1)
		return -1;
	return l->o->scope_values.n > 0 ? try_scope_values(l, t, e) : 0;
}

static bool
wants(const struct loader *l)
{
	return l->mode->replaces || l->mode->by_scope;
}

/* Fails with ERR_CONFIG or ERR_DENIED if the load may not delete rows of the
 * table, for example because the database would delete rows of another table
 * with them. Also fails if the columns of --scope cannot hold a value of
 * --scope-value. */
static int
check(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++)
		if (check_may_delete(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}

static int
delete_scopes(struct loader *l, struct loaded_table *t, struct err *e)
{
	struct outcome *o = &t->outcome;
	uint64_t unreadable = 0;
	int more;

	if (start_scopes(l, t, o, e) == -1 ||
	    spool_rewind(&l->batch.spool, e) == -1)
		return -1;
	while ((more = spool_next_chunk(&l->batch.spool, e)) == 1) {
		if (loader_start_chunk(l, e) == -1 ||
		    l->sink->scopes->add(t->self, o, &unreadable, e) == -1)
			return -1;
	}
	if (more == -1)
		return -1;
	if (l->stream.by_file &&
	    (l->sink->scopes->put_ids(t->self, &t->recorded, e) == -1 ||
		add_file_scopes(l, t, e) == -1))
		return -1;
	return l->sink->scopes->put_ids(t->self, &t->scopes, e) == -1 ||
	    complete_lock_scopes(l, t, e) == -1 ? -1 :
	    l->sink->scopes->finish(t->self, o, e);
}

static int
delete_old_rows(struct loader *l, struct loaded_table *t, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	int rc;

	/* Checked again here: since the load began, another table may have got
	 * a foreign key to this table. */
	if (!t->target.swaps && check_referring(&t->target, l->db, e) == -1)
		return -1;
	if (l->mode->by_scope)
		rc = delete_scopes(l, t, e);
	else
		rc = l->sink->empty(t->self, &t->outcome.sums.removed, e);
	if (rc == -1 && !t->target.swaps &&
	    (f->sqlstate[0] != '\0' || f->data))
		err_prefix(e, "table %s: the rows that the load replaces "
		    "cannot be deleted", t->target.table->name);
	return rc;
}

/* Deletes the rows and counts them as removed. */
static int
begin(struct loader *l, struct err *e)
{
	/* The last table comes first: it may have a foreign key to a table
	 * before it in --tables. */
	for (size_t i = l->ntables; i-- > 0;)
		if (delete_old_rows(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}

static bool
wants_swap(const struct loader *l)
{
	return l->mode->replaces && l->sink->swap != NULL;
}

/* If the sink has made a new table for the rows, drops the old table and gives
 * the new one its name. */
static int
swap_tables(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++)
		if (l->sink->swap(l->tables[i].self, e) == -1)
			return -1;
	return 0;
}

/* If the origin of a reject line is a file, adds to `made` a reject line whose
 * record has only the scope of this file. */
static int
make_reject_of_file(struct spool *made, const struct target *t,
    const struct line *reject, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	struct buf value, record;
	uint32_t origin = 0, uri = 0;
	int rc = 0;

	buf_init(&value, SIZE_MAX / 4);
	buf_init(&record, SIZE_MAX / 4);
	if (json_scan(&j, reject->data, reject->len, 2, JSON_LAST, &f) == 0)
		origin = json_member_value(&j, 0, "origin", 6);
	else if (f.nomem)
		rc = err_nomem(e);
	if (origin != 0 && j.tok[origin].type == JSON_OBJECT)
		uri = json_member_value(&j, origin, "uri", 3);
	if (uri != 0 && j.tok[uri].type == JSON_STRING) {
		buf_char(&value, '[');
		buf_add(&value, j.text + j.tok[uri].at, j.tok[uri].len);
		buf_char(&value, ']');
		rc = scope_put_record(&record, t, buf_text(&value), e);
		buf_clear(&value);
		buf_str(&value, "{\"raw\":");
		json_put_string(&value, record.data, record.len);
		buf_char(&value, '}');
		if (rc == 0 && (rc = buf_check(&value, e)) == 0)
			rc = spool_add(made, ITEM_REJECT, &(struct line){
			    .data = value.data, .len = value.len }, e);
	}
	json_release(&j);
	buf_release(&value);
	buf_release(&record);
	return rc;
}

/* Notes the scopes of the files whose records an earlier stage has rejected.
 * The bytes of such a record may not name the file, for example in a line of
 * CSV. */
static int
note_rejects_of_files(
    const struct loader *l, struct loaded_table *t, struct err *e)
{
	struct outcome *o = &t->outcome;
	const struct outcome was = *o;
	struct spool made;
	int rc = 0;

	spool_init(&made);
	for (size_t i = 0; i < l->batch.spool.n && rc == 0; i++) {
		const struct line line = spool_get_line(&l->batch.spool, i);

		if (l->batch.spool.items[i].kind == ITEM_REJECT)
			rc = make_reject_of_file(&made, &t->target, &line, e);
	}
	if (rc == 0 && made.n > 0) {
		o->chunk = &made;
		o->table_of = NULL;
		o->refused.n = 0;
		o->reader.by_name = true;
		rc = l->sink->scopes->add_rejected(t->self, o, e);
		o->chunk = was.chunk;
		o->table_of = was.table_of;
		o->refused.n = was.refused.n;
		o->reader.by_name = was.reader.by_name;
	}
	spool_release(&made);
	return rc;
}

/* --mode delete-insert: notes the scopes of rejected records. */
static int
note_rejects(struct loader *l, struct loaded_table *t, struct err *e)
{
	if (!l->mode->by_scope || l->o->delete_despite_rejects ||
	    t->outcome.sums.removed == 0)
		return 0;
	if (l->stream.by_file && note_rejects_of_files(l, t, e) == -1)
		return -1;
	return l->sink->scopes->add_rejected(t->self, &t->outcome, e);
}

/* Fails if rows of a scope were deleted of which a record was rejected. */
static int
check_rejects(struct loader *l, const struct loaded_table *t, struct err *e)
{
	int64_t scopes;

	if (l->sink->scopes->count_emptied(t->self, &scopes, e) == -1)
		return -1;
	if (scopes == 0)
		return 0;
	(void)err_set(e, ERR_DATA, false, "table %s: the load would replace "
	    "the rows of %lld scope%s of which a record was rejected, so the "
	    "old row of this record would be lost: nothing was changed; mend "
	    "the records, or give --delete-despite-rejects",
	    t->target.table->name, (long long)scopes, scopes == 1 ? "" : "s");
	rejects_explain(l, e);
	return -1;
}

/* Fails if rows of a file would be deleted of which no record came. */
static int
check_files(const struct loader *l, const struct loaded_table *t, struct err *e)
{
	int64_t files;

	if (l->sink->scopes->count_recordless(
		t->self, &t->recorded, &files, e) == -1)
		return -1;
	return files == 0 ? 0 : err_set(e, ERR_DATA, false, "table %s: %lld "
	    "changed file%s came without records, so --mode delete-insert "
	    "would only delete the rows of %s: nothing past the last commit "
	    "was changed; give --allow-empty if this is right",
	    t->target.table->name, (long long)files, files == 1 ? "" : "s",
	    files == 1 ? "this file" : "these files");
}

/* Fails with ERR_DATA if --mode replace would leave an empty table, or if
 * --mode delete-insert has deleted rows and inserted none. */
static int
check_empty(const struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++) {
		const struct sums *sums = &l->tables[i].outcome.sums;
		const char *name = l->tables[i].target.table->name;

		if (l->stream.by_file && !l->tables[i].scopes.many) {
			if (check_files(l, &l->tables[i], e) == -1)
				return -1;
			continue;
		}
		if (sums->inserted > 0)
			continue;
		if (l->mode->replaces)
			return err_set(e, ERR_DATA, false, "table %s: no "
			    "record of the input was inserted, so --mode "
			    "replace would leave the table empty: nothing was "
			    "changed; give --allow-empty if this is right",
			    name);
		if (sums->removed > 0)
			return err_set(e, ERR_DATA, false, "table %s: no "
			    "record of the input was inserted, so --mode "
			    "delete-insert would only delete %llu row%s: "
			    "nothing was changed; give --allow-empty if this "
			    "is right", name,
			    (unsigned long long)sums->removed,
			    sums->removed == 1 ? "" : "s");
	}
	return 0;
}

/* Fails if it is not safe that the old rows are gone, unless the user has said
 * that it is. */
static int
finish(struct loader *l, struct err *e)
{
	bool checks_rejects = l->mode->by_scope &&
	    !l->o->delete_despite_rejects;

	for (size_t i = 0; i < l->ntables && checks_rejects; i++)
		if (check_rejects(l, &l->tables[i], e) == -1)
			return -1;
	return l->o->allow_empty ? 0 : check_empty(l, e);
}

const struct phase replace_phase = {
	.wants = wants, .check = check, .begin = begin, .table = note_rejects,
	.finish = finish,
};
const struct phase swap_phase = {
	.wants = wants_swap, .finish = swap_tables,
};
