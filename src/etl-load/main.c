/* etl-load loads records into tables of PostgreSQL or SQLite.
 *
 * main.c     reads the options and sets the exit code
 * load       reads the stream line by line, decides when to commit, and prints
 *            the counts at the end
 * open       opens the database, the tables and the sink
 * loader     the state of a load (struct loader), and what all files do with
 *            it: read a table, explain a failure, connect again
 * sink.h     the interface to a database
 * spec       what the user asked for: the modes (--mode), which value each
 *            column gets (--map, --columns, --extra), --tables, --nested
 * target     the table and its options; columns_sql: lists of columns as SQL
 * history    the columns of --mode scd2, and the time of a change
 * row        the values of a record by column, or why it is rejected
 * change     the changes of --mode cdc
 * exact_number  the digits that a number needs
 * keys       finds equal keys, also among connections
 * batch      the lines of a batch, in memory or in a temporary file; the counts
 *            and rejects of one try; the table of each record
 * commit     the transaction of a batch, its retries, and the table of phases:
 *            what replace, mirror and others do besides (phase.h)
 * stream     the marks of the stream, its files, input that must be complete
 * ledger     the stream's row in the ledger (table etl_loads), and the dead
 *            letters of a batch
 * replace    the rows that a mode replaces
 * mirror     the rows that are missing from the input
 * expect     the tests of --expect
 * images     the images that --keep-before stores
 * emit       the output of --emit
 * nested     loads the elements of --nested; children: the columns that the
 *            loader sets in their tables
 * create     makes the tables (--create) from a sample (sample.c)
 * evolve     alters the table so that it accepts rejected records (--evolve)
 * plan       what a load would do (--plan)
 * undo       --undo
 * workers    the connections of --connections, and their shares of a batch
 * pg/        PostgreSQL: pg_sink is the sink; pg_copy sends rows by COPY into a
 *            staging table, or straight into the table; pg_merge merges them;
 *            pg_judge finds the rows that the table refuses; pg_codec and
 *            pg_time: values as the server reads them; pg_sql: the
 *            statements; pg_history: --mode scd2 and cdc; pg_sets: scopes,
 *            missing rows, images; pg_swap replaces the table by a new one
 * sqlite/    SQLite: one prepared INSERT for each record; sqlite_sink is the
 *            sink; sqlite_store stores the records, sqlite_codec their values;
 *            sqlite_sql: the statements; sqlite_history: --mode scd2;
 *            sqlite_sets: scopes, missing rows, images */
#include "base/process.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "db/db.h"
#include "emit.h"
#include "load.h"
#include "spec.h"
#include "stream/lines.h"
#include "stream/stage.h"
#include "undo.h"

#include <stddef.h>
#include <unistd.h>

static const char usage[] =
    "usage: etl-load [-v] [--again] [--allow-empty] [--as-of MEMBER]\n"
    "                [--backoff BASE..MAX] [--batch N] [--bytes FORM]\n"
    "                [--columns COLS] [--compare COLS] [--complete]\n"
    "                [--connections N] [--control-schema NAME] [--create]\n"
    "                [--current COL] [--db URL] [--ddl FILE]\n"
    "                [--delete-despite-rejects] [--duplicate-members last]\n"
    "                [--emit WHAT] [--empty-as-null] [--evolve]\n"
    "                [--expect TEST] [--extra WHAT]\n"
    "                [--flush DURATION] [--keep-before] [--keep-runs N]\n"
    "                [--key COLS] [--lock-timeout DURATION] [--lossy]\n"
    "                [--map COL=POINTER] [--marked] [--max-deletes N|N%]\n"
    "                [--max-record SIZE] [--max-rejects N|N%] [--missing WAY]\n"
    "                [--mode MODE] [--nested TABLE=POINTER] [--newer-by COL]\n"
    "                [--no-checkpoint] [--plain] [--plan] [--rejects FILE]\n"
    "                [--replace-by WAY] [--replay-over] [--retries N]\n"
    "                [--scope COLS] [--scope-value V] [--seen COL]\n"
    "                [--single-transaction] [--soft-delete COL]\n"
    "                [--statement-timeout DURATION] [--strict]\n"
    "                [--synchronous LEVEL] [--touch COL] [--undo RUN]\n"
    "                [--valid-from COL] [--valid-to COL] [--with-checkpoint]\n"
    "                --table NAME |\n"
    "                --table-from POINTER --tables NAME=TABLE[:KEY+KEY],...";

#define AT(field) offsetof(struct load_opts, field)
#define OPT(name, type, field, arg, help) \
	{ name, type, AT(field), arg, help, NULL, 0 }

static const struct opt options[] = {
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	OPT("table", OPT_STRING, table, "NAME",
	    "the table to load"),
	OPT("table-from", OPT_STRING, table_from, "POINTER",
	    "the value at this JSON Pointer names the record's table"),
	OPT("tables", OPT_LIST, tables, "LIST",
	    "the tables: NAME=TABLE:KEY+KEY,..."),
	OPT("nested", OPT_LIST, nested, "TABLE=POINTER",
	    "the elements of this array are rows of TABLE"),
	OPT("key", OPT_STRING, key, "COLS",
	    "columns whose values identify a row"),
	OPT("mode", OPT_STRING, mode, "MODE",
	    "append, upsert, ignore, delete-insert, replace, mirror, cdc or "
	    "scd2 (default: upsert if --key is given)"),
	OPT("as-of", OPT_STRING, as_of, "MEMBER",
	    "scd2: the member with the time of the change"),
	OPT("valid-from", OPT_STRING, valid_from, "COL",
	    "scd2: the column with the begin of validity (valid_from)"),
	OPT("valid-to", OPT_STRING, valid_to, "COL",
	    "scd2: the column with the end of validity (valid_to)"),
	OPT("current", OPT_STRING, current, "COL",
	    "scd2: the column that is true in current rows (is_current)"),
	OPT("missing", OPT_STRING, missing, "WAY",
	    "scd2: close: end the current rows of keys that did not come"),
	OPT("scope", OPT_STRING, scope, "COLS",
	    "delete-insert: replace the rows with equal values here"),
	OPT("scope-value", OPT_LIST, scope_values, "V",
	    "delete-insert: also replace the rows of this scope"),
	OPT("complete", OPT_FLAG, complete, NULL,
	    "delete-insert, replace, mirror: this plain input is known to be "
	    "complete"),
	OPT("replace-by", OPT_STRING, replace_by, "WAY",
	    "replace: keep the table and delete its rows by delete or "
	    "truncate"),
	OPT("allow-empty", OPT_FLAG, allow_empty, NULL,
	    "replace: the table may be empty afterwards"),
	OPT("max-deletes", OPT_STRING, max_deletes, "N|N%",
	    "mirror: how many rows the load may delete (default: 50%)"),
	OPT("delete-despite-rejects", OPT_FLAG, delete_despite_rejects, NULL,
	    "mirror: delete rows even if keys of rejects cannot be read"),
	OPT("strict", OPT_FLAG, strict, NULL,
	    "cdc: reject an update or delete that finds no row"),
	OPT("ddl", OPT_STRING, ddl, "FILE",
	    "run this SQL script before the load"),
	OPT("create", OPT_FLAG, create, NULL,
	    "make the table from the first records if it does not exist"),
	OPT("evolve", OPT_FLAG, evolve, NULL,
	    "add columns for new members, and widen columns"),
	OPT("plan", OPT_FLAG, plan, NULL,
	    "print what the load would do, and change nothing"),
	{ "batch", OPT_NUMBER, AT(batch), "N",
	    "commit after N records (default: 10000)", "BATCH_SIZE", 0 },
	OPT("flush", OPT_DURATION, flush, "DURATION",
	    "commit at the latest after this time (default: 1s)"),
	OPT("single-transaction", OPT_FLAG, single, NULL,
	    "load everything in one transaction, or nothing"),
	OPT("connections", OPT_NUMBER, connections, "N",
	    "PostgreSQL: upsert or ignore over N connections (default: 1)"),
	OPT("compare", OPT_STRING, compare, "COLS",
	    "leave a row alone if these columns are equal"),
	OPT("newer-by", OPT_STRING, newer_by, "COL",
	    "leave a row alone if it has a greater value in COL"),
	OPT("columns", OPT_STRING, columns, "COLS",
	    "load only these columns, and those of --map"),
	OPT("map", OPT_LIST, map, "COL=POINTER",
	    "the column gets the value at this JSON Pointer"),
	OPT("extra", OPT_STRING, extra, "WHAT",
	    "members without a column: reject, ignore, error or a column"),
	OPT("empty-as-null", OPT_FLAG, empty_as_null, NULL,
	    "store an empty string as NULL"),
	OPT("bytes", OPT_STRING, bytes, "FORM",
	    "how strings write bytes: hex or base64 (default: hex)"),
	OPT("touch", OPT_STRING, touch, "COL",
	    "set COL to the time in rows that are inserted or updated"),
	OPT("seen", OPT_STRING, seen, "COL",
	    "set COL to the time in every row that a record names"),
	OPT("soft-delete", OPT_STRING, soft_delete, "COL",
	    "mark a row as deleted in COL instead of deleting it"),
	OPT("expect", OPT_LIST, expect, "TEST",
	    "load nothing unless the written rows pass this test"),
	OPT("keep-before", OPT_FLAG, keep_before, NULL,
	    "keep the rows that the load changes, for --undo"),
	OPT("keep-runs", OPT_NUMBER, keep_runs, "N",
	    "keep the rows of the last N runs (default: 10)"),
	OPT("emit", OPT_STRING, emit, "WHAT",
	    "write what was committed to standard output: changes or rows"),
	OPT("undo", OPT_STRING, undo, "RUN",
	    "undo what this run has done to its tables"),
	OPT("with-checkpoint", OPT_FLAG, with_checkpoint, NULL,
	    "undo: also move the checkpoint back"),
	OPT("lock-timeout", OPT_DURATION, lock_timeout, "DURATION",
	    "wait at most so long for a lock of the database"),
	OPT("statement-timeout", OPT_DURATION, statement_timeout, "DURATION",
	    "let a statement run at most so long"),
	OPT("synchronous", OPT_STRING, synchronous, "LEVEL",
	    "SQLite: full, or normal, which waits less for the disk"),
	OPTION_DUPLICATE_MEMBERS(AT(duplicates)),
	OPT("replay-over", OPT_FLAG, replay_over, NULL,
	    "let replayed records overwrite rows that may be newer"),
	OPT("again", OPT_FLAG, again, NULL,
	    "load a saved stream a second time"),
	OPT("no-checkpoint", OPT_FLAG, no_checkpoint, NULL,
	    "neither check nor move the checkpoint (one of several loaders)"),
	OPT("lossy", OPT_FLAG, lossy, NULL,
	    "store values that the database changes, such as rounded numbers"),
	OPTION_MARKED(AT(marked)),
	OPTION_PLAIN(AT(plain)),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
	OPTION_MAX_RECORD(AT(max_record)),
	OPTION_RETRIES(AT(retries)),
	OPTION_BACKOFF(AT(backoff)),
	{ "verbose", OPT_FLAG, AT(verbose), NULL,
	    "print a summary on standard error", NULL, 'v' },
};

_Static_assert(sizeof(options) / sizeof(options[0]) <= LOAD_OPTIONS_MAX,
    "is_given[] has a place for each option");

static const struct opt_spec load_option_spec = {
	.program = "etl-load", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]), .is_given = AT(is_given),
};

static const struct load_opts load_option_defaults = {
	.batch = BATCH_NOT_GIVEN, .flush = 1000, .retries = 3, .connections = 1,
	.max_record = LINES_MAX, .keep_runs = 10,
};

/* Checks the options that need no database. Then prints the warning and the
 * note about --db. */
static int
check_arguments(const struct load_opts *o, int argc, struct err *e)
{
	if (optind < argc)
		return err_set(e, ERR_USAGE, false, "etl-load takes no "
		    "arguments: it reads records from standard input");
	if (table_list_check(o, e) == -1 ||
	    undo_check_options(o, &load_option_spec, e) == -1 ||
	    emit_check(o, e) == -1)
		return -1;
	if (o->batch == 0)
		return err_set(e, ERR_USAGE, false,
		    "--batch or BATCH_SIZE is 0: it must be at least 1");
	err_warn("etl-load", db_url_warning(o->db));
	err_note("etl-load", db_url_notice(o->db));
	return 0;
}

int
main(int argc, char *argv[])
{
	struct load_opts o = load_option_defaults;
	struct stdfd fds = { 0 };
	struct err e = { 0 };
	enum opt_result r;
	int rc;

	memory_trim_large();
	core_dump_forbid_all();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report("etl-load", &e);
	r = opt_parse(&load_option_spec, &o, argc, argv, &e);
	if (r == OPT_RUN && check_arguments(&o, argc, &e) == -1)
		r = OPT_FAILED;
	if (r == OPT_FAILED)
		stage_report_early("load", &e);
	if (r != OPT_RUN) {
		opt_release(&load_option_spec, &o);
		return opt_print_result(&load_option_spec, r, &e);
	}
	stop_init();
	rc = o.undo != NULL ? undo_run(&o, &e) : load_run(&o, &fds, &e);
	opt_release(&load_option_spec, &o);
	if (rc == 0)
		return 0;
	stop_raise();
	return err_report("etl-load", &e);
}
