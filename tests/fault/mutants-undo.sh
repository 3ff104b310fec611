#!/bin/sh
# mutants-undo.sh [TEST|NAME...]: shows that the tests of etl-load --keep-before,
# --undo and --emit can fail.  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

mutant etl-load/undo.t 'a row that was changed since is overwritten' \
    src/etl-load/undo.c \
    's/undo_rows_check_left(&rows, &rows.tables\[i\], e) == -1 ||//' \
    '--undo if a row was changed since: exit code 65'
mutant etl-load/undo.t 'a row that a trigger changes again passes' \
    src/etl-load/undo.c \
    's/undo_rows_check_restored(&rows, &rows.tables\[i\], e) == -1 ||//' \
    'a trigger that changes the rows again: --undo exits with 65'
mutant etl-load/undo.t 'the ledger still says that the stream is loaded' \
    src/etl-load/undo.c 's/if (delete_ledger_rows(u, e) == -1)/if (false)/' \
    "--undo deletes the stream's row of the ledger"
mutant etl-load/undo.t 'a checkpoint that has moved is moved back' \
    sql/sqlite/before.sql@before_move_checkpoint_back \
    's/ AND version = \$3/ AND $3 = $3/' \
    'a checkpoint that has moved since: --with-checkpoint exits with 65'
mutant etl-load/undo.t 'the last image before the load wins' \
    sql/sqlite/before.sql@before_store \
    's/SET after = excluded.after,/& before = excluded.before,/' \
    '--undo of two batches gives the first values back'
mutant etl-load/undo.t 'a change of another session between two batches is not seen' \
    sql/sqlite/before.sql@before_store \
    's/disturbed = b.disturbed OR .*/disturbed = b.disturbed/' \
    'another session changes a row between two batches: no undo'
mutant etl-load/undo_random.t 'PostgreSQL: the old key of a change is not noted' \
    src/etl-load/pg/pg_sets.c 's/if (t->mode->changes) {/if (false) {/' \
    'postgresql: --undo gives exactly the rows back'
mutant etl-load/undo.t 'old values are never deleted' \
    src/etl-load/load.c 's/keep_before_prune(&l);/;/' \
    '--keep-runs 2 keeps the values of the last two runs'
mutant etl-load/undo_random.t 'PostgreSQL: the keys of inserted rows are not noted' \
    src/etl-load/pg/pg_merge.c \
    's/return t->keeps_images \&\& .*/return false;/' \
    'postgresql: --undo gives exactly the rows back'
mutant etl-load/undo_random.t 'PostgreSQL: rows that mirror deletes are not noted' \
    src/etl-load/pg/pg_sets.c \
    's/store_missing(self, e) == -1/false/' \
    'postgresql: --undo gives exactly the rows back'
mutant etl-load/undo_random.t 'SQLite: a real loses digits' \
    lib/db/sqlite.c 's/%\.17g/%.15g/' \
    'sqlite: --undo gives exactly the rows back'
mutant etl-load/emit.t 'a stream that failed ends with the mark end' \
    src/etl-load/load.c 's/emit_write_failed(&l, e);/(void)emit_finish(\&l, \&(struct err){ 0 });/' \
    'a cut stream: what was committed is emitted, and then failed'
mutant etl-load/emit.t 'inserts come before deletes' \
    src/etl-load/emit.c 's/WHEN i.after IS NULL THEN 0 "/WHEN i.after IS NULL THEN 3 "/' \
    'a change of a key is a delete and an insert; deletes come first'
mutant etl-load/emit.t 'changes have generated columns' \
    src/etl-load/emit.c 's/return c->generated \&\& .*/return false;/' \
    'changes of an upsert; an equal row gives nothing'
mutant etl-load/undo_cascade.t 'rows that refer to rows of the run are deleted with them' \
    src/etl-load/undo.c 's/if (rc == 0 \&\& found)/if (false)/' \
    'a row refers to one of the run: exit code 65'
mutant etl-load/undo_run.t 'rows of another table of the run count as later ones' \
    src/etl-load/undo.c 's/if (strcmp(u->tables\[i\].table->quoted, k->table) == 0)/if (false)/' \
    'sqlite: ON DELETE CASCADE: --undo with its number: exit code 0'
mutant etl-load/undo_run.t 'a load without old values is not seen' \
    sql/sqlite/before.sql@before_not_kept 's/l.run = \$1/false AND &/' \
    'sqlite: a table was loaded without --keep-before: exit code 65'
mutant etl-load/undo_run.t 'digits are the start of an id' \
    src/etl-load/undo.c 's/DIGITS_OF_ID = 8/DIGITS_OF_ID = 1/' \
    'sqlite: few digits are a number and not the start of an id: exit code 64'
mutant etl-load/undo_run.t 'a table is looked for on the search_path' \
    src/etl-load/undo.c 's/"public."/""/' \
    'postgresql: all three are as before'
done_testing
