/* etl-load loads records into tables of PostgreSQL or SQLite.
 *
 * main.c     reads the options and sets the exit code
 * options.c  the table of the options
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
 * evolve/    evolve: how the table must change to accept rejected records
 *            (--evolve); evolve_alter: alters it; column_width: wider types;
 *            evolve_plan: for --plan
 * expect/    expect: the tests of --expect; expect_sql: their queries
 * batch/     spool: the lines of a batch, in memory or in a temporary file;
 *            outcome: the counts and rejects of one try of a table's records;
 *            reject_lines: the reject lines of one try of a batch;
 *            keyset: finds equal keys; chunk_records: visits the records that
 *            are in memory; rejected_bytes: the bytes in a reject line;
 *            route: finds the table of a record; refusals: refused records;
 *            sums: adds counts up
 * pg/        PostgreSQL: rows are sent by COPY (pg_rows, pg_copy_text) into a
 *            staging table and merged (pg_stage, pg_merge, pg_sql), or straight
 *            into the table (pg_straight); pg_around, pg_row_by_row find
 *            the rows that the table refuses; pg_unchanged and pg_time_text
 *            find values that a column would change; pg_scopes deletes the
 *            rows of scopes, pg_mirror the rows missing from the input;
 *            pg_literal, pg_composite: arrays and objects as values;
 *            pg_table_limits: rules, and tables of 1600 columns; pg_empty
 *            deletes all rows; pg_swap replaces the table by a new one;
 *            pg_newer compares rows by --newer-by; pg_changes applies the
 *            changes of --mode cdc; pg_history, pg_history_sql and
 *            pg_history_row merge the rows of --mode scd2
 * sqlite/    SQLite: one prepared INSERT for each record (sqlite_store,
 *            sqlite_sql, sqlite_value); sqlite_scopes deletes rows of scopes,
 *            sqlite_mirror the rows missing from the input; sqlite_newer
 *            compares rows by --newer-by; sqlite_changes applies changes of
 *            --mode cdc; sqlite_history stores the records of --mode scd2
 * open/      open_tables, loaded_tables: the tables of a load; time_limits:
 *            --lock-timeout and the like; reconnect: after a lost connection;
 *            table_change: finds out that a table was altered
 * ledger/    stream_marks: the marks of the stream; ledger_row,
 *            ledger_counts: the stream's row in the ledger (table etl_loads);
 *            stream_files: the files that the stream has read; complete:
 *            input that must be complete; batch_rejects: the batch's rejects
 *            and dead letters
 * workers/   the connections of --connections, and their shares of a batch
 * commit/    batch_commit: the transaction of a batch; batch_limit: how many
 *            records it has; evolve_tables: changes of tables (--evolve);
 *            table_again: after the table was altered; old_rows: the rows
 *            that a mode replaces; missing_rows: rows missing from the input;
 *            expect_check: judges the tests of --expect; tally: how many
 *            records were rejected; keep_before: the images that
 *            --keep-before stores
 * images/    image_sql: texts that hold the values of a row; pg_images and
 *            sqlite_images make them
 * undo/      undo: --undo; undo_entry: what is known about the run; undo_rows:
 *            restores the rows; undo_cascade: foreign keys to them
 * emit/      emit: the output of --emit; emit_row: a row as JSON */
#include "base/core_dump.h"
#include "base/memory.h"
#include "base/stop.h"
#include "db/db.h"
#include "emit/emit.h"
#include "load.h"
#include "options.h"
#include "stream/stage.h"
#include "table/table_list.h"
#include "undo/undo.h"

#include <unistd.h>

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
