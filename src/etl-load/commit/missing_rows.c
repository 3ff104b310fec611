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
	if (!l->target.mode->mirrors)
		return 0;
	return refuse_referring_tables(&l->target, l->db, e) == -1 ? -1 :
	    l->sink->mirror->check(l->self, e);
}

int
missing_rows_start(struct loader *l, struct err *e)
{
	l->unreadable = 0;
	return !l->target.mode->mirrors ? 0 :
	    l->sink->mirror->start(l->self, &l->mirror, e);
}

int
missing_rows_note_keys_of_chunk(struct loader *l, struct err *e)
{
	return !l->target.mode->mirrors ? 0 :
	    l->sink->mirror->add(l->self, &l->outcome, &l->unreadable, e);
}

/* Rejects that an earlier stage has written to a file or to file descriptor 3
 * are not in the stream; only the counts of the stage tell of them. */
static uint64_t
count_unreadable_rejects(const struct loader *l)
{
	const struct boundary *last = &l->stream.last;
	uint64_t n = l->unreadable;

	for (size_t i = 0; l->marked && i < last->nstages; i++)
		n += last->stages[i].aside;
	return n;
}

static const char *
what_happens(const struct loader *l)
{
	if (l->target.mode->history)
		return "be closed";
	return l->target.soft_delete != NO_COLUMN ? "be marked as deleted" :
	    "be deleted";
}

/* `missing` rows did not come. */
static int
check_limit_of_deletes(
    const struct loader *l, uint64_t missing, struct err *e)
{
	uint64_t before = (uint64_t)l->mirror.before;
	struct limit limit;

	if (limit_parse(&limit, "--max-deletes", get_max_deletes(l), e) == -1)
		return -1;
	if (missing <= limit_most(&limit, before))
		return 0;
	return err_set(e, ERR_LIMIT, false, "table %s: %llu of %llu rows did "
	    "not come and would %s, more than --max-deletes %s: nothing was "
	    "changed; if this is right, give a greater --max-deletes",
	    l->target.table->name, (unsigned long long)missing,
	    (unsigned long long)before, what_happens(l), get_max_deletes(l));
}

static int
check_all_keys_are_known(struct loader *l, uint64_t missing, struct err *e)
{
	uint64_t rejected = count_unreadable_rejects(l);
	struct buf causes;

	if (rejected == 0 || l->o->delete_despite_rejects)
		return 0;
	rejects_count_causes(l);
	buf_init(&causes, 64 << 10);
	causes_append_text(&causes, l->causes, "\n  ", 2048);
	(void)err_set(e, ERR_DATA, false, "table %s: %llu rows did not come "
	    "and would %s, but %llu records were rejected whose keys cannot "
	    "be read, and which may be the records of these rows: nothing was "
	    "changed; mend the records, or give --delete-despite-rejects%s%s",
	    l->target.table->name, (unsigned long long)missing,
	    what_happens(l), (unsigned long long)rejected,
	    causes.len > 0 ? ":\n  " : "", buf_text(&causes));
	buf_release(&causes);
	return -1;
}

/* A trigger or a rule may store a row under another key than the record's, or
 * an index may compare keys in another way than the column. Then the loader
 * cannot tell which rows came. */
static int
check_no_strays(const struct loader *l, struct err *e)
{
	if (l->mirror.strays == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: %lld records were "
	    "loaded, but the table has no rows with their keys, perhaps "
	    "because a trigger changes keys or keeps rows away: --mode %s "
	    "cannot tell which rows did not come and would %s: nothing was "
	    "changed; load %s", l->target.table->name,
	    (long long)l->mirror.strays, l->target.mode->name, what_happens(l),
	    l->target.mode->history ? "without --missing" :
	    "with --mode upsert");
}

static int
check_deletes(struct loader *l, uint64_t missing, struct err *e)
{
	return check_no_strays(l, e) == -1 ||
	    check_limit_of_deletes(l, missing, e) == -1 ||
	    check_all_keys_are_known(l, missing, e) == -1 ? -1 : 0;
}

/* While the rows were counted, other sessions may have added rows, so the rows
 * that were deleted are compared with the limit too. */
static int
delete_and_check_limit(struct loader *l, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	uint64_t removed = 0;

	if (l->sink->mirror->remove(l->self, &removed, e) == -1) {
		if (f->sqlstate[0] != '\0' || f->data)
			err_prefix(e, "table %s: the rows that did not come "
			    "cannot %s", l->target.table->name,
			    what_happens(l));
		return -1;
	}
	l->outcome.sums.removed += removed;
	return check_limit_of_deletes(l, removed, e);
}

int
missing_rows_delete(struct loader *l, struct err *e)
{
	uint64_t missing;

	if (!l->target.mode->mirrors)
		return 0;
	if (l->sink->mirror->count(l->self, &l->mirror, e) == -1)
		return -1;
	missing = (uint64_t)l->mirror.missing;
	if (missing == 0)
		return 0;
	/* A table may refer to this one since the load began. */
	return refuse_referring_tables(&l->target, l->db, e) == -1 ||
	    check_deletes(l, missing, e) == -1 ? -1 :
	    delete_and_check_limit(l, e);
}
