#!/bin/sh
# mutants-more.sh [TEST|NAME...]: shows that the tests of the fault matrix can
# fail.  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

# clock CODE: an edit that adds CODE to clock_ms(); CODE may use w, the time of the
# wall clock, and off, a static variable.
clock() {
	echo "s/(void)clock_gettime(CLOCK_MONOTONIC, &t);/static int64_t off; \
struct timespec w; (void)clock_gettime(CLOCK_REALTIME, \\&w); & $1/"
}
# Code with which the time of clock_ms() advances only while the wall clock moves.
moves='static int64_t at, passed; int64_t ms = t.tv_sec * 1000 + '\
't.tv_nsec \/ 1000000, now = w.tv_sec * 1000 + w.tv_nsec \/ 1000000; '\
'if (off != now) passed += ms - at; at = ms; off = now; return passed;'

mutant unit/stream_lines 'a line that is too long is kept in memory' lib/stream/lines.c \
    's/if (l->hash != NULL || (n > l->max \&\& n >= LINES_KEPT))/if (false)/' \
    memory_stays_bounded

mutant etl-run/eight.t 'the run lock is not taken' src/etl-run/lock.c \
    's/call_file_lock(fd, F_OFD_SETLK, F_WRLCK, NULL) == -1/false/' 'of eight runs one exits with 0'
mutant etl-run/eight.t 'runs that do not get the lock have rows' src/etl-run/job.c \
    '/if (lock_take/s/.*/	run_attempts(j, \&a, sig);\n&/; s/^	run_attempts(j, &a, sig);$//' \
    'only the runs that exit with 0 have a row'
mutant etl-run/lock.t 'a refused run waits before it exits' src/etl-run/lock.c \
    's/(void)err_set(e, ERR_RETRY, true, "%s: %s", name/(void)usleep(200000);&/' \
    'the second run exits within'
mutant etl-run/lock.t 'the stages do not inherit the run lock' src/etl-run/lock.c \
    's/F_DUPFD, INHERITED/F_DUPFD_CLOEXEC, INHERITED/' \
    'stages of a killed etl-run hold the lock'
mutant etl-run/lock.t 'the lock is released by close() only' src/etl-run/lock.c \
    's/(void)call_file_lock(l->fd[[]i], F_OFD_SETLK, F_UNLCK, NULL);//' 'the daemon does not hold the lock'
mutant etl-run/lock_folder.t 'only the folder of the session is locked' src/etl-run/lock.c \
    's/^	if (add_user_folder(f, e) == 0)/	if (f->n > 0 || add_user_folder(f, e) == 0)/' \
    'the second run exits with 75'
mutant etl-run/lock.t 'the lock of a name is shared by all databases' src/etl-run/lock.c \
    's/hash_add(h, url, strlen(url) + 1);//' 'a run of the same name in another database exits with 0'

mutant fd3.t 'rejects go to a descriptor 3 open for reading' lib/base/stdfd.c \
    's/(flags & O_ACCMODE) == O_RDONLY ||//' \
    '3 open only for reading: the first reject is fatal'
mutant fd3.t 'rejects go to a descriptor 3 that systemd passed' lib/base/stdfd.c \
    's/passed_by_systemd() ||//' '3 was passed by systemd: nothing is written to it'
mutant fd3.t 'a reject that does not fit in the pipe is lost' lib/stream/reject.c \
    's/rc = fd_write_all(a->fd, p, n);/rc = fcntl(a->fd, F_SETFL, O_WRONLY | O_NONBLOCK); (void)!write(a->fd, p, n);/' \
    'a slow reader of 3: every reject'
mutant fd3.t 'EPIPE on descriptor 3 is not an error' lib/stream/reject.c \
    's/err_set(e, ERR_IO, errno == ENOMEM/err_set(e, ERR_GONE, errno == ENOMEM/' \
    "the reader of 3 closed the pipe, SIGPIPE ''"
mutant fd3.t 'SIGPIPE is not ignored' lib/base/stop.c \
    's/(void)signal(SIGPIPE, SIG_IGN);//' \
    "the reader of 3 closed the pipe, SIGPIPE '-'"
mutant fd3.t 'a reject line is written in two pieces' lib/stream/reject.c \
    's/rc = fd_write_all(a->fd, p, n);/(void)set_lock(a, F_UNLCK); rc = fd_write_all(a->fd, p, 50); (void)usleep(500); rc = fd_write_all(a->fd, p + 50, n - 50);/' \
    'three programs write rejects to one pipe'
mutant unit/stream_aside 'writers do not lock the pipe of descriptor 3' lib/stream/reject.c \
    '/^set_lock(/,/^}/s/^{/{ return 0;/' writers_to_one_pipe_never_mix_lines
mutant unit/stream_aside 'a write that would block is not waited for' lib/stream/line_writer.c \
    's/(void)wait_fd(fd, POLLOUT, -1);/return 0;/' \
    a_full_terminal_is_waited_for
mutant unit/stream_aside 'a failed write of a reject is ignored' lib/stream/reject.c \
    's/return rc == -1 ? set_write_error(a, e) : 0;/return 0;/' \
    a_full_disk_and_a_closed_pipe_are_errors
mutant unit/stream_aside 'a reject file is not opened to append' lib/stream/reject.c \
    's/flags | O_APPEND/flags/' descriptor_3_is_set_to_append
mutant unit/stream_aside 'a reject is appended to a torn line' lib/stream/reject.c \
    's/a->regular \&\& !a->whole \&\& fd_lacks_newline(a->fd)/false/' \
    a_file_is_appended_to_after_a_torn_line

mutant exits.t 'an unknown option is ignored' lib/base/opt.c \
    "s/if (c == '?')/if (c == '?') return OPT_RUN; if (c == '?')/" \
    'etl-load with an unknown option: the message'
mutant exits.t 'an invalid option value is accepted' lib/base/opt.c \
    's/if (store_value(o, into, optarg) == 0)/if (store_value(o, into, optarg) != -2)/' \
    'a --batch that is not a number: the exit status'
mutant exits.t 'an invalid value in the environment is accepted' lib/base/opt.c \
    's/if (store_value(o, into, text) == -1)/if (store_value(o, into, text) == -2)/' \
    'a BATCH_SIZE that is not a number: the exit status'
mutant exits.t 'an invalid line of an env file is accepted' src/etl-run/main.c \
    's/^			    err_set(e, ERR_CONFIG, false,/			    0; (void)err_set(e, ERR_CONFIG, false,/' \
    'an env file with a line that is not a variable: the exit status'
mutant exits.t 'options are checked after the database is opened' src/etl-load/open.c \
    's/load_mode_choose(&l->mode, o, e) == -1/(l->mode = NULL) != NULL/' '--mode none: no database file is created'
mutant etl-extract/auth.t 'no warning for a secret file that others may read' lib/base/file.c \
    's/(st.st_mode & 077) != 0/false/' 'a secret file that others can read causes a warning'
mutant etl-extract/auth.t 'an empty secret is accepted' src/etl-extract/http/secret.c \
    '/if (b->len == 0)/,+2d' 'an empty secret file'
mutant etl-extract/auth.t 'the limit of core files is not set' lib/base/process.c \
    's/(void)setrlimit(RLIMIT_CORE, &none);//' 'its limit of core files'
mutant cores.t 'programs that execute commands may dump core' lib/base/process.c \
    's/(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);//' 'a crash of etl-run'
mutant cores.t 'the commands of etl-run may not dump core' src/etl-run/main.c \
    's/core_dump_forbid/core_dump_forbid_all/' \
    'a script of etl-run has the limit'
mutant etl-extract/auth.t 'the secret stays in the environment' src/etl-extract/http/secret.c \
    's/explicit_bzero(v, strlen(v));//' '/proc/PID/environ does not show the secret'
mutant secrets.t 'the row of the run has the database URL' src/etl-run/attempt.c \
    's/\.host = j->host/.host = j->url/' 'no database password in the file dump'
mutant secrets.t 'a message has the token' src/etl-extract/http/fetch.c \
    's/c->secret_from/c->secret/' 'no API token in the file dump'
mutant secrets.t 'the script gets the database URL as an argument' src/etl-run/script.c \
    '/^set_file_argv/,/^}/s/^	name_by_file/	*argv++ = getenv("DATABASE_URL");\n&/' \
    'no database password in the file arguments'
mutant secrets.t 'the script gets the token as an argument' src/etl-run/script.c \
    '/^set_file_argv/,/^}/s/^	name_by_file/	*argv++ = getenv("API_TOKEN");\n&/' \
    'no API token in the file arguments'

mutant etl-dlq/migrate.t 'control tables of a newer version are used' lib/control/control.c \
    's/if (version <= CONTROL_VERSION)/if (true)/' 'of a newer version'
mutant etl-dlq/migrate.t 'control tables of an older version are used' lib/control/control.c \
    's/if (version >= CONTROL_VERSION)/if (version >= 1)/' 'sqlite: migrated'
mutant etl-dlq/migrate.t 'the SQLite migration commits half-way' sql/sqlite/control.sql@control_2 \
    's/^-- Indexes for/COMMIT; BEGIN IMMEDIATE;\n&/' 'a kill at any write'
mutant etl-dlq/migrate.t 'the PostgreSQL migration commits half-way' sql/postgresql/control.sql@control_2 \
    's/^-- The time at/COMMIT; BEGIN;\n&/' 'leaves the tables of version 1'
mutant etl-dlq/migrate.t 'two programs migrate at once' sql/postgresql/control.sql@control_lock \
    's/^SELECT.*/SELECT 1/' 'postgresql: six lists that migrate at once'
mutant etl-dlq/migrate.t 'tables without the version table are not looked for' lib/control/control.c \
    's/(present == 0 \&\& check/(false \&\& check/' 'the message names the missing table etl_control'
mutant etl-dlq/migrate.t 'the migration does not convert times' sql/sqlite/control.sql@control_2 \
    '/^UPDATE dead_letter_attempts/,/;$/d' 'sqlite: migrated occurrences have their times'
mutant unit/db_runs 'half-made control tables are committed' lib/control/control.c \
    's/^	db_rollback(db);/	(void)db_commit(db, \&(struct err){ 0 });/' \
    half_created_tables_are_rolled_back
mutant unit/db_runs 'control tables of a newer version are used' lib/control/control.c \
    's/if (version <= CONTROL_VERSION)/if (true)/' control_tables_are_created_once

mutant signals.t 'a second signal exits with 1' lib/base/stop.c \
    's/SA_RESETHAND/0/; s/if (stopped == 0)/if (stopped != 0) _exit(1);/; s/#include <stddef.h>/&\n#include <unistd.h>/' \
    'twice: the signal is the cause of the end'
mutant signals.t 'etl-run does not handle HUP' src/etl-run/child.c \
    's/SIGINT, SIGHUP, SIGQUIT, SIGTSTP/SIGINT, SIGQUIT, SIGTSTP/' \
    'each run that a signal ended has the status failed'
mutant signals.t 'time while stopped counts as waiting' lib/base/stop.c \
    's/if (r >= 0)/if (timeout_ms > 0 \&\& clock_ms() > end + 200) return -1; &/' \
    'stages stopped and continued succeed (3)'
mutant etl-run/signals.t 'a second signal does not kill at once' src/etl-run/child.c \
    '/^stop_all/,/^}/{/^	else/d; s/^		signal_all(w, SIGKILL);//;}' \
    'a second SIGTERM kills the run at once'
mutant etl-run/signals.t 'CONT is not passed to the pipeline' src/etl-run/child.c \
    's/signal_group(w, SIGCONT);/;/' 'SIGCONT continues the script'
mutant etl-run/signals.t 'TSTP does not stop the pipeline' src/etl-run/child.c \
    's/signal_group(w, SIGSTOP);//' 'SIGTSTP stops the script'

mutant clock.t 'a wall clock set back changes waits' lib/base/clock.c \
    "$(clock 'if (off == 0 || w.tv_sec - t.tv_sec < off) off = w.tv_sec - t.tv_sec; t.tv_sec += off;')" \
    'at @2026-03-19 00:00:00 the loader stores the batch'
mutant clock.t 'a wall clock set forward changes waits' lib/base/clock.c \
    "$(clock 'if (off == 0 || w.tv_sec - t.tv_sec > off) off = w.tv_sec - t.tv_sec; t.tv_sec += off;')" \
    'a run succeeds while its clock jumps'
mutant clock.t 'the start of summer time changes waits' lib/base/clock.c \
    "$(clock 'struct tm l; (void)localtime_r(\&w.tv_sec, \&l); if (l.tm_gmtoff > off) off = l.tm_gmtoff; t.tv_sec += off;')" \
    'a run succeeds while its clock jumps'
mutant clock.t 'the end of summer time changes waits' lib/base/clock.c \
    "$(clock 'struct tm l; (void)localtime_r(\&w.tv_sec, \&l); t.tv_sec += l.tm_gmtoff;')" \
    'at @2026-10-25 03:00:00 the loader stores the batch'
mutant clock.t '--timeout stands while the wall clock stands' lib/base/clock.c \
    "$(clock "$moves")" '--timeout ends a run with 75 while the wall clock stands still'
mutant clock.t 'the time for a blocked write stands with the wall clock' lib/base/clock.c \
    "$(clock "$moves")" 'SIGTERM ends a blocked write while the wall clock stands still'
mutant clock.t '--flush stands while the wall clock stands' lib/base/clock.c \
    "$(clock "$moves")" 'at 1999-12-31 23:59:59 the loader stores the batch'
mutant clock.t 'the time of a reject is local time' lib/base/clock.c \
    's/clock_format(out, t.tv_sec/struct tm l; (void)localtime_r(\&t.tv_sec, \&l); clock_format(out, t.tv_sec + l.tm_gmtoff/' \
    'the time in a reject is in UTC'
mutant clock.t 'ids are made from the wall clock' lib/base/hash.c \
    's/#include .*/&\n#include <time.h>/; s/random_bytes(p, sizeof(p));/{ struct timespec t; (void)clock_gettime(CLOCK_REALTIME, \&t); memcpy(p, \&t, sizeof(p)); }/' \
    'the second of two runs that start at the same time'
mutant clock.t 'a checkpoint moves only if the wall clock advances' sql/sqlite/checkpoints.sql@checkpoint_move \
    "s/version = \\\$3/& AND updated_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')/" \
    'sqlite: a run at -10d'
mutant clock.t 'a checkpoint older than a year does not move' sql/sqlite/checkpoints.sql@checkpoint_move \
    "s/version = \\\$3/& AND updated_at >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 year')/" \
    'sqlite: a run at +3650d'

mutant etl-load/overlap.t 'loads of different scopes have one lock' src/etl-load/stream.c \
    's/if (t->scopes.many)/if (true)/' \
    '100 loads of different days, the first ones of the table'
mutant etl-load/overlap.t 'scopes are locked, but not compared' src/etl-load/stream.c \
    's/return newest <= t->scopes_replaced &&/return/' \
    'of the same scope, the load that ends last exits with 75'
mutant etl-load/overlap.t 'a mirror load does not see loads of scopes' src/etl-load/stream.c \
    's/return now == t->scopes_replaced ? 0/return true ? 0/' \
    'mirror --max-deletes 100%, which ends last: exit code 75'
mutant etl-load/overlap.t 'PostgreSQL: a mirror load counts before it has the lock' src/etl-load/stream.c \
    's/i < l->ntables \&\& !l->mode->by_scope; i++/false; i++/' \
    'two loads at once, --mode mirror --key n'
mutant etl-load/overlap.t 'SQLite: equal scopes have different ids' src/etl-load/sqlite/sqlite_sets.c \
    "s/c = (char)(c - 'A' + 'a');/;/" \
    'the scope "MON","d":1 is one of them'
mutant etl-load/delete_insert.t 'an input without records empties scopes' src/etl-load/replace.c \
    's/if (sums->removed > 0)/if (false)/' \
    'an empty file with --scope-value: exit code 65'
mutant etl-load/delete_insert.t 'PostgreSQL: all scopes count as emptied' src/etl-load/pg/pg_sets.c \
    's/s->ids->n > 1 \&\& !s->ids->many;/false;/; s/s->emptied.len > 0 || !s->ids->many/true/' \
    'a rejected record of a scope without rows: exit code 0'
mutant etl-load/delete_insert.t 'SQLite: all scopes count as emptied' src/etl-load/sqlite/sqlite_sets.c \
    's/deleted > 0 ? ID_EMPTIED : 0/ID_EMPTIED/' \
    'a rejected record of a scope without rows: exit code 0'
mutant etl-load/delete_insert.t 'of two loads that overlap both commit' src/etl-load/stream.c \
    's/return newest <= t->scopes_replaced &&/return/' \
    'the first of two loads, which ends last: exit code 75'
mutant etl-load/delete_insert.t 'plain input from a pipe is taken as complete' src/etl-load/stream.c \
    's/stage_is_complete(l->stage)/true/' \
    'plain input from a pipe: exit code 65'
mutant etl-load/delete_insert.t 'an increment is taken as complete' src/etl-load/stream.c \
    's/m->from != NULL :/false :/' 'an increment: exit code 78'
mutant etl-load/replace.t 'an empty input empties the table' src/etl-load/replace.c \
    's/l->o->allow_empty ? 0 : check_empty(l, e)/0/' 'an empty file: exit code 65'
mutant etl-load/replace.t 'a file that was read in part is taken as complete' lib/stream/stage.c \
    's/s->regular \&\& lseek(STDIN_FILENO, 0, SEEK_CUR) > 0/false/' \
    'a file of which a program has read a part  exit code 65'
mutant etl-load/refused_rows.t 'a row is judged with the rows after it' src/etl-load/pg/pg_sink.c \
    's/pg_rows_select(r, row, row + 1)/pg_rows_select(r, row, r->n)/' \
    'append: all other records are in the table'
mutant etl-load/refused_rows.t 'one of two equal rows is refused, whichever is copied later' src/etl-load/pg/pg_way.c \
    '/^may_copy_by_shape/,/^}/s/return false/return true/' \
    'a batch of all records gives what batches of one record give (few)'
mutant etl-load/small_batches.t 'a batch merges the rows of the batch before too' src/etl-load/pg/pg_sink.c \
    's,"DELETE FROM" : "TRUNCATE","SELECT FROM" : "TRUNCATE",' \
    'each of 200 batches inserts its rows once'
mutant etl-load/replace_swap.t 'what a new table cannot keep is not refused' src/etl-load/pg/pg_swap.c \
    '/^check_keepable/,/^}/s/if (s->sql.len == 0)/if (true)/' \
    'a view: the message names it'
mutant etl-load/replace_swap.t 'a reject shows the name of the new table' src/etl-load/pg/pg_judge.c \
    's/(s->target->swaps \&\& db_script/(false \&\& db_script/' \
    'bad records get the causes that the old table would give'
mutant etl-load/replace_swap.t 'the new table does not get the comments' sql/postgresql/catalog.sql@swap_statements \
    's/SELECT 3, 41/SELECT 9, 41/' 'a table with everything: exit code 0'
mutant etl-load/replace_others.t 'others may write while the new table is filled' src/etl-load/pg/pg_swap.c \
    's/SHARE ROW EXCLUSIVE/SHARE UPDATE EXCLUSIVE/' \
    'another session has waited to write'
mutant etl-load/replace_others.t 'a change of the definition is lost in the swap' src/etl-load/pg/pg_swap.c \
    's/rc = check_unchanged(s, \&now, e);/rc = 0;/' \
    'rights are granted while the load runs: exit code 75'

mutant etl-load/delete_insert_faults.t 'a later try has the scopes of an earlier one' src/etl-load/pg/pg_sets.c \
    '/^start_scopes/,/^}/s/pg_tuples_forget(&s->tuples);//' \
    'the load is repeated as a whole'

mutant etl-load/scd2.t 'the index of past rows is taken for that of current rows' src/etl-load/history.c \
    's/rc = strcmp(buf_text(&have), buf_text(&want)) == 0;/rc = strstr(buf_text(\&have), buf_text(\&want)) != NULL;/' \
    'only other indexes: exit code 78'
mutant etl-load/scd2.t 'a stream that was cut is loaded in part' src/etl-load/spec.c \
    's/.keyed = true, .history = true/.keyed = true, .history = true, .repeatable = true/' \
    'a stream that is cut changes nothing'
mutant etl-load/scd2.t 'a late record opens a second current row' src/etl-load/sqlite/sqlite_history.c \
    's/return rc == 1 && strcmp(f->from, at) <= 0/return rc == 1/' \
    'sqlite: late records'
mutant etl-load/scd2.t 'without --as-of two changes have one time' src/etl-load/history.c \
    's/parse_time(text) + get_unit(digits)/parse_time(text)/' \
    'without --as-of each change has a row'
mutant etl-load/scd2_faults.t 'a refused record of SQLite ends a row' src/etl-load/sqlite/sqlite_store.c \
    's/s->may_leave_changes |= t->mode->history;//' \
    'sqlite: a refused record ends no row'
mutant etl-load/scd2_faults.t 'two loads plan the same row at once' src/etl-load/pg/pg_sink.c \
    's/s->session.deadlocked || s->target->mode->history/s->session.deadlocked/' \
    'postgresql: four loads'
mutant etl-load/scd2_random.t 'a late record of PostgreSQL leaves a gap' src/etl-load/pg/pg_sql.c \
    's/pg_catalog.min(r.%s) FILTER/pg_catalog.max(r.%s) FILTER/' \
    'not as the model'
mutant etl-load/scd2_random.t 'rows that the order may change are merged in rounds' src/etl-load/pg/pg_way.c \
    '/^choose_history/,/^}/s/ || c->order_matters//' \
    'random streams'

mutant io.t 'a failed fsync is tried again' lib/control/statefile.c \
    's/while (rc == -1 \&\& errno == EINTR);/while (rc == -1 \&\& errno != ENOSPC);/' \
    'the first fsync fails'
mutant io.t 'EIO of fsync is ignored' lib/control/statefile.c \
    's/return sync_fd(r->folder) == -1 ?/(void)sync_fd(r->folder); return false ?/' \
    'the second fsync fails'
mutant 'point.sh io 1 load-sqlite-append' 'EIO of SQLite is taken as a bad row' lib/db/sqlite.c \
    's/{ SQLITE_IOERR, ERR_IO, false, false, false }/{ SQLITE_IOERR, ERR_DATA, false, true, false }/'
mutant unit/db_faults 'a COMMIT that rolled back is taken as success' lib/db/pg.c \
    's/if (commits \&\& strcmp(PQcmdStatus(res), sql) != 0)/if (false)/' \
    a_failed_commit_is_reported

# COPY directly into the table while the keys of an upsert are new.
mutant etl-load/new_keys.t 'COPY stores the word now in a text column' src/etl-load/pg/pg_sink.c \
    's/kind == COLUMN_TIME;/kind != COLUMN_ANY;/'
mutant etl-load/new_keys.t 'a COPY follows a chunk with an old key' src/etl-load/pg/pg_merge.c \
    's/all_new = sums->inserted == c->staged/all_new = true/'

mutant etl-record/saved.t 'a file may move a checkpoint without --marked' lib/stream/stage_input.c \
    's/(m->checkpoint == NULL && !m->replay)/!m->replay/' 'a file that moves a checkpoint: exit code 78'
mutant etl-record/saved.t 'a replay is read from a file without --marked' lib/stream/stage_input.c \
    's/(m->checkpoint == NULL && !m->replay)/m->checkpoint == NULL/' 'a replay in a file: exit code 78'
mutant etl-record/saved.t 'a pipe needs --marked' lib/stream/stage_input.c \
    's/s->conf->marked || kind == NULL/s->conf->marked/' 'a pipe needs no option'
done_testing
