/* For --mode mirror: deletes the rows whose keys are not in the input, or marks
 * them as deleted (--soft-delete). For --mode scd2 with --missing close: ends
 * the validity of these rows.
 * Fails: ERR_LIMIT if more rows would be deleted than --max-deletes allows;
 *        ERR_DATA if a rejected record may belong to such a row, because its
 *        key cannot be read. */
#include "base/opt.h"
#include "loader.h"
#include "phase.h"
#include "stream.h"
#include "target.h"

static const char *
get_max_deletes(const struct loader *l)
{
	return l->o->max_deletes != NULL ? l->o->max_deletes : "50%";
}

static bool
wants(const struct loader *l)
{
	return l->mode->mirrors;
}

/* Fails with ERR_CONFIG or ERR_DENIED if the load may not delete rows of the
 * table. */
static int
check(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++) {
		struct loaded_table *t = &l->tables[i];

		if (check_referring(&t->target, l->db, e) == -1 ||
		    l->sink->mirror->check(t->self, e) == -1)
			return -1;
	}
	return 0;
}

/* From now on the sink notes the keys that come. */
static int
begin(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++) {
		struct loaded_table *t = &l->tables[i];

		t->unreadable = 0;
		if (l->sink->mirror->start(t->self, &t->mirror, e) == -1)
			return -1;
	}
	return 0;
}

/* Notes the keys of the chunk's records, before its reject lines are made. */
static int
note_keys(struct loader *l, struct loaded_table *t, struct err *e)
{
	return l->sink->mirror->add(t->self, &t->outcome, &t->unreadable, e);
}

/* Returns the part of a message that says what happens to the rows that did not
 * come. */
static const char *
say_removal(const struct loaded_table *t)
{
	if (t->target.mode->history)
		return "be closed";
	return t->target.soft_delete != NO_COLUMN ? "be marked as deleted" :
	    "be deleted";
}

/* `missing` is the number of rows whose keys are not in the input. Fails if
 * these are more than --max-deletes allows. */
static int
check_deletes(const struct loader *l, const struct loaded_table *t,
    uint64_t missing, struct err *e)
{
	uint64_t before = (uint64_t)t->mirror.before;
	struct limit limit;

	if (limit_parse(&limit, "--max-deletes", get_max_deletes(l), e) == -1)
		return -1;
	if (missing <= limit_allowed(&limit, before))
		return 0;
	return err_set(e, ERR_LIMIT, false, "table %s: %llu of %llu rows did "
	    "not come in the input and would %s, more than --max-deletes %s: "
	    "nothing was changed; if this is right, give a greater "
	    "--max-deletes", t->target.table->name, (unsigned long long)missing,
	    (unsigned long long)before, say_removal(t), get_max_deletes(l));
}

/* Fails if a rejected record may belong to a missing row, because its key
 * cannot be read. */
static int
check_unreadable(struct loader *l, const struct loaded_table *t,
    uint64_t missing, struct err *e)
{
	const struct boundary *last = &l->stream.last;
	uint64_t rejected = t->unreadable;

	/* The rejects that an earlier stage has written to a file or to file
	 * descriptor 3 are not in the stream: only the counts of the stage show
	 * them. */
	for (size_t i = 0; l->marked && i < last->nstages; i++)
		rejected += last->stages[i].aside;
	if (rejected == 0 || l->o->delete_despite_rejects)
		return 0;
	(void)err_set(e, ERR_DATA, false, "table %s: %llu row%s did not come "
	    "in the input and would %s, but %llu rejected record%s whose key "
	    "cannot be read may belong to such rows: nothing was changed; mend "
	    "the records, or give --delete-despite-rejects",
	    t->target.table->name, (unsigned long long)missing,
	    missing == 1 ? "" : "s", say_removal(t),
	    (unsigned long long)rejected, rejected == 1 ? "" : "s");
	rejects_explain(l, e);
	return -1;
}

/* Fails if the table has no rows with the keys of some loaded records. A
 * trigger or a rule may have stored a row under another key, or an index may
 * compare keys in another way than the column. The loader could then delete
 * rows that belong to records of the input. */
static int
check_strays(const struct loaded_table *t, struct err *e)
{
	if (t->mirror.strays == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: %lld records were "
	    "loaded, but the table has no rows with their keys, perhaps "
	    "because a trigger changes or removes rows: --mode %s cannot tell "
	    "which rows did not come in the input and would %s: nothing was "
	    "changed; load %s", t->target.table->name,
	        (long long)t->mirror.strays, t->target.mode->name,
	        say_removal(t), t->target.mode->history ?
	        "without --missing" : "with --mode upsert");
}

/* Compares the number of deleted rows with --max-deletes again: other sessions
 * may have added rows after the missing rows were counted. */
static int
delete_rows(struct loader *l, struct loaded_table *t, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	uint64_t removed = 0;

	if (l->sink->mirror->remove(t->self, &removed, e) == -1) {
		if (f->sqlstate[0] != '\0' || f->data)
			err_prefix(e, "table %s: the rows that did not come in "
			    "the input cannot %s", t->target.table->name,
			    say_removal(t));
		return -1;
	}
	t->outcome.sums.removed += removed;
	return check_deletes(l, t, removed, e);
}

static int
delete_missing(struct loader *l, struct loaded_table *t, struct err *e)
{
	uint64_t missing;

	if (l->sink->mirror->count(t->self, &t->mirror, e) == -1)
		return -1;
	missing = (uint64_t)t->mirror.missing;
	if (missing == 0)
		return 0;
	/* Checked again here: since the load began, another table may have got
	 * a foreign key to this table. */
	return check_referring(&t->target, l->db, e) == -1 ||
	    check_strays(t, e) == -1 ||
	    check_deletes(l, t, missing, e) == -1 ||
	    check_unreadable(l, t, missing, e) == -1 ? -1 :
	    delete_rows(l, t, e);
}

/* Deletes the rows and counts them as removed, or fails if this is not safe. */
static int
finish(struct loader *l, struct err *e)
{
	/* The last table comes first: it may have a foreign key to a table
	 * before it in --tables. */
	for (size_t i = l->ntables; i-- > 0;)
		if (delete_missing(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}

const struct phase mirror_phase = {
	.wants = wants, .check = check, .begin = begin, .table = note_keys,
	.finish = finish,
};
