#include "table/mode.h"

#include "base/limit.h"
#include "base/suggest.h"

#include <stddef.h>
#include <string.h>

enum { APPEND, UPSERT, IGNORE, DELETE_INSERT, REPLACE, MIRROR, CDC, SCD2,
	MODES, SCD2_CLOSING = MODES, ALL_MODES };

static const struct load_mode modes[ALL_MODES] = {
	[APPEND] = { .name = "append", .written_known = true },
	[UPSERT] = { .name = "upsert", .keyed = true, .updates = true,
		.repeatable = true, .written_known = true, .nests = true,
		.splits = true },
	[IGNORE] = { .name = "ignore", .keyed = true, .skips = true,
		.repeatable = true, .written_known = true, .splits = true },
	[DELETE_INSERT] = { .name = "delete-insert", .repeatable = true,
		.written_known = true, .complete = true, .by_scope = true,
		.removes = true },
	[REPLACE] = { .name = "replace", .repeatable = true, .complete = true,
		.written_known = true, .replaces = true, .removes = true },
	[MIRROR] = { .name = "mirror", .keyed = true, .updates = true,
		.repeatable = true, .written_known = true, .complete = true,
		.mirrors = true, .removes = true },
	[CDC] = { .name = "cdc", .keyed = true, .updates = true,
		.deletes = true, .changes = true },
	[SCD2] = { .name = "scd2", .keyed = true, .history = true },
	[SCD2_CLOSING] = { .name = "scd2 --missing close", .keyed = true,
		.history = true, .complete = true, .mirrors = true,
		.removes = true },
};

/* Without --mode, the mode is upsert if --key is given, else append. */
static int
choose_mode(const struct load_mode **mode, const struct load_opts *o,
    struct err *e)
{
	const char *names[MODES + 1] = { NULL };
	int found = o->key != NULL ? UPSERT : APPEND;

	for (int i = 0; i < MODES; i++)
		names[i] = modes[i].name;
	if (o->mode != NULL)
		found = suggest_choice("--mode", o->mode, names, e);
	if (found == -1)
		return -1;
	if (found == SCD2 && o->missing != NULL)
		found = SCD2_CLOSING;
	*mode = &modes[found];
	return 0;
}

struct rule {
	bool broken;
	const char *message;
};

static int
check_rules(const struct rule *rules, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].broken)
			return err_set(
			    e, ERR_USAGE, false, "%s", rules[i].message);
	return 0;
}

static int
check_row_options(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	const struct rule rules[] = {
		{ o->key != NULL && !m->keyed,
		    "--key needs --mode upsert, ignore, mirror, cdc "
		    "or scd2" },
		{ o->strict && !m->changes, "--strict needs --mode cdc" },
		{ o->key == NULL && m->history,
		    "--mode scd2 needs --key and the columns whose values "
		    "identify what the rows describe" },
		{ !m->history && (o->as_of != NULL || o->valid_from != NULL ||
		    o->valid_to != NULL || o->current != NULL),
		    "--as-of, --valid-from, --valid-to and --current need "
		    "--mode scd2" },
		{ o->missing != NULL && !m->history,
		    "--missing needs --mode scd2" },
		{ o->seen != NULL && m->skips,
		    "--seen cannot be used with --mode ignore, which never "
		    "changes an existing row" },
		{ o->replay_over && (m->complete ||
		    (!m->updates && !m->history)),
		    "--replay-over needs --key, or --mode upsert, cdc or "
		    "scd2, which write rows that exist" },
		{ o->compare != NULL && !m->updates && !m->history,
		    "--compare needs --key, or --mode upsert or another mode "
		    "that updates rows" },
		{ o->newer_by != NULL && m->changes,
		    "--newer-by cannot be used with --mode cdc, which applies "
		    "changes in the order in which they come" },
		{ o->newer_by != NULL && m->history,
		    "--newer-by cannot be used with --mode scd2, which inserts "
		    "a late record at its place in the history: give --as-of" },
		{ o->newer_by != NULL && !m->updates,
		    "--newer-by needs --key, or --mode upsert or another mode "
		    "that updates rows" },
	};

	return check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

/* Checks the options about the rows that the table has before the load. */
static int
check_old_options(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	const struct rule rules[] = {
		{ o->scope != NULL && !m->by_scope,
		    "--scope needs --mode delete-insert" },
		{ o->scope == NULL && m->by_scope,
		    "--mode delete-insert needs --scope and the columns whose "
		    "values say which rows the load replaces" },
		{ o->scope_values.n > 0 && !m->by_scope,
		    "--scope-value needs --mode delete-insert" },
		{ o->complete && !m->complete,
		    "--complete needs --mode delete-insert, --mode replace, "
		    "--mode mirror or --missing close" },
		{ o->replace_by != NULL && !m->replaces,
		    "--replace-by needs --mode replace" },
		{ o->max_deletes != NULL && !m->mirrors,
		    "--max-deletes needs --mode mirror or --missing close" },
		{ o->delete_despite_rejects && !m->mirrors && !m->by_scope,
		    "--delete-despite-rejects needs --mode delete-insert, "
		    "--mode mirror or --missing close" },
		{ o->soft_delete != NULL && !m->deletes &&
		    (!m->mirrors || m->history),
		    "--soft-delete needs --mode mirror or --mode cdc" },
		{ o->allow_empty && !m->replaces && !m->by_scope,
		    "--allow-empty needs --mode replace or "
		    "--mode delete-insert" },
		{ (o->keep_before || o->emit != NULL) && m->replaces,
		    "--keep-before and --emit cannot be used with --mode "
		    "replace: use --mode mirror, which changes only the rows "
		    "that differ" },
		{ (o->keep_before || o->emit != NULL) && o->evolve,
		    "--keep-before and --emit cannot be used with --evolve: "
		    "rows of a table that was altered cannot be compared" },
		{ o->emit != NULL && o->plan,
		    "--emit cannot be used with --plan, which loads nothing" },
	};

	return check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

static int
check_connections(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	bool several = o->connections > 1;
	const struct rule rules[] = {
		{ o->connections < 1 || o->connections > CONNECTIONS_MAX,
		    "--connections: the value must be a number from 1 to 16" },
		{ several && !m->splits,
		    "--connections needs --key and --mode upsert or ignore: "
		    "only these modes may load the records of different keys "
		    "at the same time" },
		{ several && o->single,
		    "--connections cannot be used with --single-transaction: "
		    "each connection commits by itself" },
		{ several && o->expect.n > 0,
		    "--connections cannot be used with --expect, which needs "
		    "one transaction: each connection commits by itself" },
		{ several && o->table_from != NULL,
		    "--connections cannot be used with --table-from, which "
		    "loads all tables in one transaction: each connection "
		    "commits by itself" },
		{ several && (o->keep_before || o->emit != NULL),
		    "--connections cannot be used with --keep-before and "
		    "--emit, which need one transaction: each connection "
		    "commits by itself" },
		{ several && o->evolve,
		    "--connections cannot be used with --evolve, which alters "
		    "the table between two tries of a batch" },
	};

	return check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

/* --nested works only with --mode upsert. Other modes delete rows, leave them
 * alone or keep them as history; the rows of --nested would have to be treated
 * in the same way. */
static int
check_nested(const struct load_mode *m, const struct load_opts *o,
    struct err *e)
{
	const struct rule rules[] = {
		{ !m->nests,
		    "--nested needs --mode upsert, which is the default with "
		    "--key: the other modes cannot keep the rows of --nested "
		    "in step with the rows that they belong to" },
		{ o->newer_by != NULL,
		    "--nested cannot be used with --newer-by: the elements of "
		    "a record that is not newer would replace those of the "
		    "newer row" },
		{ o->connections > 1,
		    "--nested cannot be used with --connections: both tables "
		    "need one transaction, and each connection commits by "
		    "itself" },
		{ o->keep_before || o->emit != NULL,
		    "--nested cannot be used with --keep-before and --emit, "
		    "which know the changes of one table only" },
		{ o->evolve,
		    "--nested cannot be used with --evolve: alter the tables "
		    "before the load" },
	};

	return o->nested.n == 0 ? 0 :
	    check_rules(rules, sizeof(rules) / sizeof(rules[0]), e);
}

static int
check_replace_by(const struct load_opts *o, struct err *e)
{
	static const char *const words[] = { "delete", "truncate", NULL };

	return o->replace_by == NULL ? 0 :
	    suggest_choice("--replace-by", o->replace_by, words, e);
}

static int
check_missing(const struct load_opts *o, struct err *e)
{
	static const char *const words[] = { "close", NULL };

	return o->missing == NULL ? 0 :
	    suggest_choice("--missing", o->missing, words, e);
}

static int
check_max_deletes(const struct load_opts *o, struct err *e)
{
	struct limit l;

	return o->max_deletes == NULL ? 0 :
	    limit_parse(&l, "--max-deletes", o->max_deletes, e);
}

bool
load_mode_swaps(const struct load_mode *m, const struct load_opts *o)
{
	return m->replaces && o->replace_by == NULL;
}

bool
load_mode_truncates(const struct load_opts *o)
{
	return o->replace_by != NULL && strcmp(o->replace_by, "truncate") == 0;
}

int
load_mode_choose(const struct load_mode **mode, const struct load_opts *o,
    struct err *e)
{
	if (choose_mode(mode, o, e) == -1 ||
	    check_row_options(*mode, o, e) == -1 ||
	    check_old_options(*mode, o, e) == -1 ||
	    check_connections(*mode, o, e) == -1 ||
	    check_nested(*mode, o, e) == -1)
		return -1;
	return check_replace_by(o, e) == -1 || check_missing(o, e) == -1 ||
	    check_max_deletes(o, e) == -1 ? -1 : 0;
}
