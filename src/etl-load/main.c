/* etl-load loads records into one table of PostgreSQL or SQLite.
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
 *            columns_sql: lists of columns as SQL; exact_number: the digits
 *            that a number needs; scope: the values of --scope; referring:
 *            foreign keys to the table; soft_delete: the column that marks a
 *            row as deleted; record_part, record_key: some values of a record;
 *            change, change_key: the changes of --mode cdc; history: the
 *            columns of --mode scd2; as_of, time_of_change: the time of a
 *            change
 * expect/    expect: the tests of --expect; expect_sql: their queries
 * batch/     spool: the lines of a batch, in memory or in a temporary file;
 *            outcome: the counts and reject lines of one try of a batch;
 *            keyset: finds equal keys; chunk_records: visits the records that
 *            are in memory; rejected_bytes: the bytes in a reject line
 * pg/        PostgreSQL: rows are sent by COPY (pg_rows, pg_copy_text) into a
 *            staging table and merged (pg_merge, pg_sql); pg_row_by_row finds
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
 * commit/    batch_commit: the transaction of a batch; batch_rejects: its dead
 *            letters; stream_marks: the marks of the stream; ledger_row,
 *            ledger_counts: the stream's row in the ledger (table etl_loads);
 *            reconnect: after a lost connection; table_again: after the table
 *            was altered; complete: input that must be complete; old_rows:
 *            the rows that a mode replaces; missing_rows: the rows that did
 *            not come; time_limits: --lock-timeout and the like;
 *            expect_check: judges the tests of --expect; tally: how many
 *            records were rejected */
#include "base/core_dump.h"
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "db/db.h"
#include "load.h"
#include "stream/stage.h"
#include "stream/lines.h"

#include <stddef.h>
#include <unistd.h>

static const char usage[] =
    "usage: etl-load [-v] [--again] [--allow-empty] [--as-of MEMBER]\n"
    "                [--backoff BASE..MAX] [--batch N] [--bytes FORM]\n"
    "                [--columns COLS] [--compare COLS] [--complete]\n"
    "                [--control-schema NAME] [--current COL] [--db URL]\n"
    "                [--ddl FILE] [--delete-despite-rejects]\n"
    "                [--duplicate-members last] [--empty-as-null]\n"
    "                [--expect TEST] [--extra WHAT] [--flush DURATION]\n"
    "                [--key COLS] [--lock-timeout DURATION] [--lossy]\n"
    "                [--map COL=POINTER] [--max-deletes N|N%]\n"
    "                [--max-record SIZE] [--max-rejects N|N%] [--missing WAY]\n"
    "                [--mode MODE] [--newer-by COL] [--no-checkpoint]\n"
    "                [--plain] [--rejects FILE] [--replace-by WAY]\n"
    "                [--retries N] [--scope COLS] [--scope-value V]\n"
    "                [--seen COL] [--single-transaction] [--soft-delete COL]\n"
    "                [--statement-timeout DURATION] [--strict]\n"
    "                [--synchronous LEVEL] [--touch COL] [--valid-from COL]\n"
    "                [--valid-to COL] --table NAME";

#define AT(member) offsetof(struct load_opts, member)
static const struct opt options[] = {
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	{ "table", OPT_STRING, AT(table), "NAME", "the table to load", NULL,
	    0 },
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
	{ "batch", OPT_NUMBER, AT(batch), "N",
	    "commit after N records (default: 10000)", "BATCH_SIZE", 0 },
	{ "flush", OPT_DURATION, AT(flush), "DURATION",
	    "commit at the latest after this time (default: 1s)", NULL, 0 },
	{ "single-transaction", OPT_FLAG, AT(single), NULL,
	    "load everything in one transaction, or nothing", NULL, 0 },
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

static int
check_options_and_print_notes(
    const struct load_opts *o, int argc, struct err *e)
{
	if (optind < argc)
		return err_set(e, ERR_USAGE, false, "etl-load takes no "
		    "arguments: it reads records from standard input");
	if (o->table == NULL)
		return err_set(e, ERR_USAGE, false, "--table NAME is missing");
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
	static const struct opt_spec spec = { .program = "etl-load",
		.usage = usage, .opts = options,
		.n = sizeof(options) / sizeof(options[0]) };
	struct load_opts o = { .batch = 10000, .flush = 1000, .retries = 3,
		.max_record = LINES_MAX };
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
	rc = load_run(&o, &fds, &e);
	opt_release(&spec, &o);
	if (rc == 0)
		return 0;
	stop_raise_signal_if_received();
	return err_report("etl-load", &e);
}
