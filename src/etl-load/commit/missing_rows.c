#include "commit/missing_rows.h"

#include "base/limit.h"
#include "table/referring.h"

static const char *
get_max_deletes(const struct loader *l)
{
	return l->o->max_deletes != NULL ? l->o->max_deletes : "50%";
}

int
missing_rows_check_before_load(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables && l->mode->mirrors; i++) {
		struct loaded_table *t = &l->tables[i];

		if (refuse_referring_tables(&t->target, l->db, e) == -1 ||
		    l->sink->mirror->check(t->self, e) == -1)
			return -1;
	}
	return 0;
}

int
missing_rows_start_noting_keys(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables && l->mode->mirrors; i++) {
		struct loaded_table *t = &l->tables[i];

		t->unreadable = 0;
		if (l->sink->mirror->start(t->self, &t->mirror, e) == -1)
			return -1;
	}
	return 0;
}

int
missing_rows_note_keys_of_chunk(
    struct loader *l, struct loaded_table *t, struct err *e)
{
	return !l->mode->mirrors ? 0 : l->sink->mirror->add(
	    t->self, &t->outcome, &t->unreadable, e);
}

/* Returns how many rejected records have a key that the loader cannot know.
 * They include the rejects that an earlier stage has written to a file or to
 * file descriptor 3: they are not in the stream, and only the counts of the
 * stage show them. */
static uint64_t
count_unreadable_rejects(
    const struct loader *l, const struct loaded_table *t)
{
	const struct boundary *last = &l->stream.last;
	uint64_t n = t->unreadable;

	for (size_t i = 0; l->marked && i < last->nstages; i++)
		n += last->stages[i].aside;
	return n;
}

static const char *
say_what_happens_to_missing_rows(const struct loaded_table *t)
{
	if (t->target.mode->history)
		return "be closed";
	return t->target.soft_delete != NO_COLUMN ? "be marked as deleted" :
	    "be deleted";
}

/* `missing` is the number of rows whose keys are not in the input. */
static int
check_limit_of_deletes(const struct loader *l, const struct loaded_table *t,
    uint64_t missing, struct err *e)
{
	uint64_t before = (uint64_t)t->mirror.before;
	struct limit limit;

	if (limit_parse(&limit, "--max-deletes", get_max_deletes(l), e) == -1)
		return -1;
	if (missing <= limit_count_for_total(&limit, before))
		return 0;
	return err_set(e, ERR_LIMIT, false, "table %s: %llu of %llu rows did "
	    "not come in the input and would %s, more than --max-deletes %s: "
	    "nothing was changed; if this is right, give a greater "
	    "--max-deletes", t->target.table->name, (unsigned long long)missing,
	        (unsigned long long)before, say_what_happens_to_missing_rows(t),
	        get_max_deletes(l));
}

static int
fail_if_rejects_have_unknown_keys(struct loader *l,
    const struct loaded_table *t, uint64_t missing, struct err *e)
{
	uint64_t rejected = count_unreadable_rejects(l, t);

	if (rejected == 0 || l->o->delete_despite_rejects)
		return 0;
	(void)err_set(e, ERR_DATA, false, "table %s: %llu row%s did not come "
	    "in the input and would %s, but %llu rejected record%s whose key "
	    "cannot be read may belong to such rows: nothing was changed; mend "
	    "the records, or give --delete-despite-rejects",
	    t->target.table->name, (unsigned long long)missing,
	    missing == 1 ? "" : "s", say_what_happens_to_missing_rows(t),
	    (unsigned long long)rejected, rejected == 1 ? "" : "s");
	rejects_add_causes(l, e);
	return -1;
}

/* Fails if the table has no rows with the keys of some loaded records. A
 * trigger or a rule may have stored a row under another key, or an index may
 * compare keys in another way than the column. The loader could then delete
 * rows that belong to records of the input. */
static int
fail_if_loaded_rows_are_missing(const struct loaded_table *t, struct err *e)
{
	if (t->mirror.strays == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: %lld records were "
	    "loaded, but the table has no rows with their keys, perhaps "
	    "because a trigger changes or removes rows: --mode %s cannot tell "
	    "which rows did not come in the input and would %s: nothing was "
	    "changed; load %s", t->target.table->name,
	        (long long)t->mirror.strays, t->target.mode->name,
	        say_what_happens_to_missing_rows(t), t->target.mode->history ?
	        "without --missing" : "with --mode upsert");
}

static int
fail_if_deletes_are_unsafe(struct loader *l, const struct loaded_table *t,
    uint64_t missing, struct err *e)
{
	return fail_if_loaded_rows_are_missing(t, e) == -1 ||
	    check_limit_of_deletes(l, t, missing, e) == -1 ||
	    fail_if_rejects_have_unknown_keys(l, t, missing, e) == -1 ? -1 : 0;
}

/* Compares the number of deleted rows with --max-deletes again: other sessions
 * may have added rows after the missing rows were counted. */
static int
delete_rows_and_check_limit(
    struct loader *l, struct loaded_table *t, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	uint64_t removed = 0;

	if (l->sink->mirror->remove(t->self, &removed, e) == -1) {
		if (f->sqlstate[0] != '\0' || f->data)
			err_prefix(e, "table %s: the rows that did not come in "
			    "the input cannot %s", t->target.table->name,
			    say_what_happens_to_missing_rows(t));
		return -1;
	}
	t->outcome.sums.removed += removed;
	return check_limit_of_deletes(l, t, removed, e);
}

static int
check_and_delete_rows_of_table(
    struct loader *l, struct loaded_table *t, struct err *e)
{
	uint64_t missing;

	if (l->sink->mirror->count(t->self, &t->mirror, e) == -1)
		return -1;
	missing = (uint64_t)t->mirror.missing;
	if (missing == 0)
		return 0;
	/* Checked again here: since the load began, another table may have got
	 * a foreign key to this table. */
	return refuse_referring_tables(&t->target, l->db, e) == -1 ||
	    fail_if_deletes_are_unsafe(l, t, missing, e) == -1 ? -1 :
	    delete_rows_and_check_limit(l, t, e);
}

int
missing_rows_check_and_delete(struct loader *l, struct err *e)
{
	/* The last table comes first: it may have a foreign key to a table
	 * before it in --tables. */
	for (size_t i = l->ntables; i-- > 0 && l->mode->mirrors;)
		if (check_and_delete_rows_of_table(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}
