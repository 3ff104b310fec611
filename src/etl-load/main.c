/* etl-load loads records into tables of PostgreSQL or SQLite.
 *
 * main.c     reads the options and sets the exit code
 * load.c     reads the stream line by line and decides when to commit
 * summary.c  prints the counts at the end
 * loader.c   opens the database, the table and the sink (struct loader)
 * sink.[ch]  the interface to a database, and the list of its two kinds
 * table/     mode: the load modes (--mode); target: the table and its options;
 *            mapping: which value each column gets (--map, --columns, --extra);
 *            record, row_values, record_reject: a record's values by column;
 *            option_column, target_columns: the columns that options name;
 *            name_list: lists of names; table_list: the tables of --tables;
 *            columns_sql: lists of columns as SQL; exact_number: the digits
 *            that a number needs; scope: the values of --scope; referring:
 *            foreign keys to the table; soft_delete: the column that marks a
 *            row as deleted; record_part, record_key: some values of a record;
 *            change, change_key: the changes of --mode cdc; history: the
 *            columns of --mode scd2; as_of, time_of_change: the time of a
 *            change
 * create/    create_table: makes the table (--create) from a sample, the first
 *            records; value_kinds, create_sql: its statements; absent_table
 * nested/    nested, child_rows, element_lines, child_columns, key_equality:
 *            load the elements of --nested; create_children
 * plan/      plan_open, plan_print, plan_columns: what a load would do (--plan)
 * evolve/    evolve: how the table must change to take rejected records
 *            (--evolve); evolve_alter: alters it; column_width: wider types
 * expect/    expect: the tests of --expect; expect_sql: their queries
 * batch/     spool: the lines of a batch, in memory or in a temporary file;
 *            outcome: the counts and rejects of one try of a table's records;
 *            reject_lines: the reject lines of one try of a batch;
 *            keyset: finds equal keys; chunk_records: visits the records that
 *            are in memory; rejected_bytes: the bytes in a reject line
 * pg/        PostgreSQL: rows are sent by COPY (pg_rows, pg_copy_text) into a
 *            staging table and merged (pg_stage, pg_merge, pg_sql), or straight
 *            into the table (pg_straight); pg_around, pg_row_by_row find
 *            the rows that the table refuses; pg_unchanged and pg_time_text
 *            find values that a column would change; pg_scopes deletes the
 *            rows of scopes, pg_mirror those that did not come; pg_literal,
 *            pg_composite: arrays and objects as values; pg_table_limits:
 *            rules, and tables of 1600 columns; pg_empty deletes all rows;
 *            pg_swap puts a new table in the place of the table; pg_newer
 *            compares rows by --newer-by; pg_changes applies the changes of
 *            --mode cdc; pg_history, pg_history_sql and pg_history_row merge
 *            the rows of --mode scd2
 * sqlite/    SQLite: one prepared INSERT for each record (sqlite_store,
 *            sqlite_sql, sqlite_value); sqlite_scopes deletes rows of scopes,
 *            sqlite_mirror those that did not come; sqlite_newer compares rows
 *            by --newer-by; sqlite_changes applies changes of --mode cdc;
 *            sqlite_history stores the records of --mode scd2
 * commit/    batch_commit: the transaction of a batch; batch_limit: how many
 *            records it has; workers*, worker_*: the connections of
 *            --connections; batch_rejects: the batch's dead letters;
 *            stream_marks: the marks of the stream; ledger_row,
 *            ledger_counts: the stream's row in the ledger (table etl_loads);
 *            reconnect: after a lost connection; evolve_tables: changes
 *            of tables (--evolve); open_tables: opens
 *            the tables; table_again: after the table
 *            was altered; complete: input that must be complete; old_rows:
 *            the rows that a mode replaces; missing_rows: the rows that did
 *            not come; time_limits: --lock-timeout and the like;
 *            expect_check: judges the tests of --expect; tally: how many
 *            records were rejected; sums: adds counts up; loaded_tables: what
 *            concerns all tables; keep_before: the images that --keep-before
 *            stores
 * images/    image_sql: texts that hold the values of a row; pg_images and
 *            sqlite_images take them
 * undo/      undo: --undo; undo_entry: what is known about the run; undo_rows:
 *            gives the rows their images back
 * emit/      emit: the output of --emit; emit_row: a row as JSON */
#include "base/core_dump.h"
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "db/db.h"
#include "emit/emit.h"
#include "load.h"
#include "stream/stage.h"
#include "stream/lines.h"
#include "table/table_list.h"
#include "undo/undo.h"

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
    "                [--map COL=POINTER] [--max-deletes N|N%]\n"
    "                [--max-record SIZE] [--max-rejects N|N%] [--missing WAY]\n"
    "                [--mode MODE] [--nested TABLE=POINTER] [--newer-by COL]\n"
    "                [--no-checkpoint] [--plain] [--plan] [--rejects FILE]\n"
    "                [--replace-by WAY] [--retries N] [--scope COLS]\n"
    "                [--scope-value V] [--seen COL] [--single-transaction]\n"
    "                [--soft-delete COL]\n"
    "                [--statement-timeout DURATION] [--strict]\n"
    "                [--synchronous LEVEL] [--touch COL] [--undo RUN]\n"
    "                [--valid-from COL] [--valid-to COL] [--with-checkpoint]\n"
    "                --table NAME |\n"
    "                --table-from POINTER --tables NAME=TABLE[:KEY+KEY],...";

#define AT(member) offsetof(struct load_opts, member)
static const struct opt options[] = {
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	{ "table", OPT_STRING, AT(table), "NAME", "the table to load", NULL,
	    0 },
	{ "table-from", OPT_STRING, AT(table_from), "POINTER",
	    "the value at this JSON Pointer names the record's table", NULL,
	    0 },
	{ "tables", OPT_LIST, AT(tables), "LIST",
	    "the tables: NAME=TABLE:KEY+KEY,...", NULL, 0 },
	{ "nested", OPT_LIST, AT(nested), "TABLE=POINTER",
	    "the elements of this array are rows of TABLE", NULL, 0 },
	{ "key", OPT_STRING, AT(key), "COLS",
	    "columns whose values identify a row", NULL, 0 },
	{ "mode", OPT_STRING, AT(mode), "MODE",
	    "append, upsert, ignore, delete-insert, replace, mirror, cdc "
	    "or scd2 (default: upsert if --key is given)", NULL, 0 },
	{ "as-of", OPT_STRING, AT(as_of), "MEMBER",
	    "scd2: the member with the time of the change", NULL, 0 },
	{ "valid-from", OPT_STRING, AT(valid_from), "COL",
	    "scd2: the column with the begin of validity (valid_from)", NULL,
	    0 },
	{ "valid-to", OPT_STRING, AT(valid_to), "COL",
	    "scd2: the column with the end of validity (valid_to)", NULL, 0 },
	{ "current", OPT_STRING, AT(current), "COL",
	    "scd2: the column that is true in current rows (is_current)", NULL,
	    0 },
	{ "missing", OPT_STRING, AT(missing), "WAY",
	    "scd2: close: end the current rows of keys that did not come",
	    NULL, 0 },
	{ "scope", OPT_STRING, AT(scope), "COLS",
	    "delete-insert: replace the rows with equal values here", NULL,
	    0 },
	{ "scope-value", OPT_LIST, AT(scope_values), "V",
	    "delete-insert: also replace the rows of this scope", NULL, 0 },
	{ "complete", OPT_FLAG, AT(complete), NULL,
	    "delete-insert, replace, mirror: this plain input is known to be "
	    "complete", NULL, 0 },
	{ "replace-by", OPT_STRING, AT(replace_by), "WAY",
	    "replace: keep the table and delete its rows by delete or "
	    "truncate", NULL, 0 },
	{ "allow-empty", OPT_FLAG, AT(allow_empty), NULL,
	    "replace: the table may be empty afterwards", NULL, 0 },
	{ "max-deletes", OPT_STRING, AT(max_deletes), "N|N%",
	    "mirror: how many rows the load may delete (default: 50%)", NULL,
	    0 },
	{ "delete-despite-rejects", OPT_FLAG, AT(delete_despite_rejects), NULL,
	    "mirror: delete rows even if keys of rejects cannot be read",
	    NULL, 0 },
	{ "strict", OPT_FLAG, AT(strict), NULL,
	    "cdc: reject an update or delete that finds no row", NULL, 0 },
	{ "ddl", OPT_STRING, AT(ddl), "FILE",
	    "run this SQL script before the load", NULL, 0 },
	{ "create", OPT_FLAG, AT(create), NULL,
	    "make the table from the first records if it does not exist", NULL,
	    0 },
	{ "evolve", OPT_FLAG, AT(evolve), NULL,
	    "add columns for new members, and widen columns", NULL, 0 },
	{ "plan", OPT_FLAG, AT(plan), NULL,
	    "print what the load would do, and change nothing", NULL, 0 },
	{ "batch", OPT_NUMBER, AT(batch), "N",
	    "commit after N records (default: 10000)", "BATCH_SIZE", 0 },
	{ "flush", OPT_DURATION, AT(flush), "DURATION",
	    "commit at the latest after this time (default: 1s)", NULL, 0 },
	{ "single-transaction", OPT_FLAG, AT(single), NULL,
	    "load everything in one transaction, or nothing", NULL, 0 },
	{ "connections", OPT_NUMBER, AT(connections), "N",
	    "PostgreSQL: upsert or ignore over N connections (default: 1)",
	    NULL, 0 },
	{ "compare", OPT_STRING, AT(compare), "COLS",
	    "leave a row alone if these columns are equal", NULL, 0 },
	{ "newer-by", OPT_STRING, AT(newer_by), "COL",
	    "leave a row alone if it has a greater value in COL", NULL, 0 },
	{ "columns", OPT_STRING, AT(columns), "COLS",
	    "load only these columns, and those of --map", NULL, 0 },
	{ "map", OPT_LIST, AT(map), "COL=POINTER",
	    "the column gets the value at this JSON Pointer", NULL, 0 },
	{ "extra", OPT_STRING, AT(extra), "WHAT",
	    "members without a column: reject, ignore, error or a column",
	    NULL, 0 },
	{ "empty-as-null", OPT_FLAG, AT(empty_as_null), NULL,
	    "store an empty string as NULL", NULL, 0 },
	{ "bytes", OPT_STRING, AT(bytes), "FORM",
	    "how strings write bytes: hex or base64 (default: hex)", NULL,
	    0 },
	{ "touch", OPT_STRING, AT(touch), "COL",
	    "set COL to the time in rows that are inserted or updated", NULL,
	    0 },
	{ "seen", OPT_STRING, AT(seen), "COL",
	    "set COL to the time in every row that a record names", NULL,
	    0 },
	{ "soft-delete", OPT_STRING, AT(soft_delete), "COL",
	    "mark a row as deleted in COL instead of deleting it", NULL, 0 },
	{ "expect", OPT_LIST, AT(expect), "TEST",
	    "load nothing unless the written rows pass this test", NULL, 0 },
	{ "keep-before", OPT_FLAG, AT(keep_before), NULL,
	    "keep the rows that the load changes, for --undo", NULL, 0 },
	{ "keep-runs", OPT_NUMBER, AT(keep_runs), "N",
	    "keep the rows of the last N runs (default: 10)", NULL, 0 },
	{ "emit", OPT_STRING, AT(emit), "WHAT",
	    "write what was committed to standard output: changes or rows",
	    NULL, 0 },
	{ "undo", OPT_STRING, AT(undo), "RUN",
	    "undo what the load of this run has done to the table", NULL, 0 },
	{ "with-checkpoint", OPT_FLAG, AT(with_checkpoint), NULL,
	    "undo: also move the checkpoint back", NULL, 0 },
	{ "lock-timeout", OPT_DURATION, AT(lock_timeout), "DURATION",
	    "wait at most so long for a lock of the database", NULL, 0 },
	{ "statement-timeout", OPT_DURATION, AT(statement_timeout),
	    "DURATION", "let a statement run at most so long", NULL, 0 },
	{ "synchronous", OPT_STRING, AT(synchronous), "LEVEL",
	    "SQLite: full, or normal, which waits less for the disk", NULL,
	    0 },
	OPTION_DUPLICATE_MEMBERS(AT(duplicates)),
	{ "again", OPT_FLAG, AT(again), NULL,
	    "load a saved stream a second time", NULL, 0 },
	{ "no-checkpoint", OPT_FLAG, AT(no_checkpoint), NULL,
	    "neither check nor move the checkpoint (one of several loaders)",
	    NULL, 0 },
	{ "lossy", OPT_FLAG, AT(lossy), NULL,
	    "store values that the database changes, such as rounded numbers",
	    NULL, 0 },
	OPTION_PLAIN(AT(plain)),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
	OPTION_MAX_RECORD(AT(max_record)),
	OPTION_RETRIES(AT(retries)),
	OPTION_BACKOFF(AT(backoff)),
	{ "verbose", OPT_FLAG, AT(verbose), NULL,
	    "print a summary on standard error", NULL, 'v' },
};

static const struct opt_spec spec = { .program = "etl-load", .usage = usage,
	.opts = options, .n = sizeof(options) / sizeof(options[0]),
	.is_given = AT(is_given) };
_Static_assert(sizeof(options) / sizeof(options[0]) <= LOAD_OPTIONS_MAX,
    "is_given[] has a place for each option");

static int
check_options_and_print_notes(
    const struct load_opts *o, int argc, struct err *e)
{
	if (optind < argc)
		return err_set(e, ERR_USAGE, false, "etl-load takes no "
		    "arguments: it reads records from standard input");
	if (table_list_check_options(o, e) == -1 ||
	    undo_check_options(o, &spec, e) == -1 ||
	    emit_check_options(o, e) == -1)
		return -1;
	if (o->keep_runs == 0)
		return err_set(e, ERR_USAGE, false,
		    "--keep-runs is 0: it must be at least 1");
	if (o->batch == 0)
		return err_set(e, ERR_USAGE, false,
		    "--batch or BATCH_SIZE is 0: it must be at least 1");
	err_warn("etl-load", db_warning_if_url_has_password(o->db));
	err_note("etl-load", db_note_if_default_missing(o->db));
	return 0;
}

int
main(int argc, char *argv[])
{
	struct load_opts o = { .batch = 10000, .flush = 1000, .retries = 3,
		.connections = 1, .max_record = LINES_MAX, .keep_runs = 10 };
	struct stdfd fds = { 0 };
	struct err e = { 0 };
	enum opt_result r;
	int rc;

	memory_init();
	core_dump_forbid_also_in_commands();
	if (stdfd_check_rejects_and_fill_closed(&fds, &e) == -1)
		return err_report("etl-load", &e);
	r = opt_parse_env_and_argv(&spec, &o, argc, argv, &e);
	if (r == OPT_RUN && check_options_and_print_notes(&o, argc, &e) == -1)
		r = OPT_FAILED;
	if (r == OPT_FAILED)
		stage_report_failed_early("load", &e);
	if (r != OPT_RUN) {
		opt_release(&spec, &o);
		return opt_print_result(&spec, r, &e);
	}
	stop_install_handlers_ignore_sigpipe();
	rc = o.undo != NULL ? undo_run(&o, &e) : load_run(&o, &fds, &e);
	opt_release(&spec, &o);
	if (rc == 0)
		return 0;
	stop_raise_signal_if_received();
	return err_report("etl-load", &e);
}
