#!/bin/sh
# mutants-more.sh [TEST|NAME...]: can the tests of the fault matrix fail?  See
# mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

# clock DO: an edit of clock_ms(), where w is of the wall clock and off is kept.
clock() {
	echo "s/(void)clock_gettime(CLOCK_MONOTONIC, &t);/static int64_t off; \
struct timespec w; (void)clock_gettime(CLOCK_REALTIME, \\&w); & $1/"
}
# What passes only while the wall clock moves.
moves='static int64_t at, passed; int64_t ms = t.tv_sec * 1000 + '\
't.tv_nsec \/ 1000000, now = w.tv_sec * 1000 + w.tv_nsec \/ 1000000; '\
'if (off != now) passed += ms - at; at = ms; off = now; return passed;'

mutant unit/stream_lines 'a line too long is kept' lib/stream/lines.c \
    's/if (l->hash != NULL || (n > l->max \&\& n >= LINES_KEPT))/if (false)/' \
    memory_stays_bounded

mutant etl-run/eight.t 'the lock is not asked' src/etl-run/lock.c \
    's/call_file_lock(l->fd, F_OFD_SETLK, F_WRLCK, NULL) == -1/false/' 'one of eight'
mutant etl-run/eight.t 'those that do not run have rows' src/etl-run/job.c \
    '/if (lock_take/s/.*/	run_attempts_with_retries(j, \&a, sig);\n&/; s/^	run_attempts_with_retries(j, &a, sig);$//' \
    'with its row'
mutant etl-run/lock.t 'it takes its time to say no' src/etl-run/lock.c \
    's/(void)err_set(e, ERR_RETRY, true, "%s: %s", name/(void)usleep(200000);&/' \
    'ends within'
mutant etl-run/lock.t 'the stages do not have the lock' src/etl-run/lock.c \
    's/F_DUPFD, INHERITED/F_DUPFD_CLOEXEC, INHERITED/' \
    'stages of a killed run live'
mutant etl-run/lock.t 'it is given back by close alone' src/etl-run/lock.c \
    's/(void)call_file_lock(l->fd, F_OFD_SETLK, F_UNLCK, NULL);//' 'without the lock'
mutant etl-run/lock.t 'one name for all databases' src/etl-run/lock.c \
    's/hash_add(h, url, strlen(url) + 1);//' 'another database too'

mutant fd3.t 'one for reading is taken' lib/base/stdfd.c \
    's/(flags & O_ACCMODE) == O_RDONLY ||//' \
    'for reading: the first reject is fatal'
mutant fd3.t 'what systemd passed is taken' lib/base/stdfd.c \
    's/passed_by_systemd() ||//' 'nothing in it'
mutant fd3.t 'a full pipe is not waited for' lib/stream/reject_file.c \
    's/rc = fd_write_all(a->fd, p, n);/rc = fcntl(a->fd, F_SETFL, O_WRONLY | O_NONBLOCK); (void)!write(a->fd, p, n);/' \
    'a slow reader: every reject'
mutant fd3.t 'a dead reader is the quiet end' lib/stream/reject_file.c \
    's/err_set(e, ERR_IO, errno == ENOMEM/err_set(e, ERR_GONE, errno == ENOMEM/' \
    "a reader that has gone, SIGPIPE ''"
mutant fd3.t 'SIGPIPE kills' lib/base/stop.c \
    's/(void)signal(SIGPIPE, SIG_IGN);//' \
    "a reader that has gone, SIGPIPE '-'"
mutant fd3.t 'a line goes in pieces' lib/stream/reject_file.c \
    's/rc = fd_write_all(a->fd, p, n);/(void)set_lock(a, F_UNLCK); rc = fd_write_all(a->fd, p, 50); (void)usleep(500); rc = fd_write_all(a->fd, p + 50, n - 50);/' \
    'three writers'
mutant unit/stream_aside 'nobody locks a pipe' lib/stream/reject_file.c \
    '/^set_lock(/,/^}/s/^{/{ return 0;/' writers_of_one_pipe_never_mix
mutant unit/stream_aside 'a full terminal is not waited for' lib/stream/fdwrite.c \
    's/(void)wait_fd(fd, POLLOUT, -1);/return 0;/' \
    a_terminal_that_is_full_is_waited_for
mutant unit/stream_aside 'a full disk is let pass' lib/stream/reject_file.c \
    's/return rc == -1 ? set_write_error(a, e) : 0;/return 0;/' \
    a_full_disk_and_a_dead_reader_are_told
mutant unit/stream_aside 'writers of one file write over' lib/stream/reject_file.c \
    's/flags | O_APPEND/flags/' descriptor_three_is_made_to_append
mutant unit/stream_aside 'a torn line is continued' lib/stream/reject_file.c \
    's/a->regular \&\& !a->whole \&\& fd_file_lacks_final_newline(a->fd)/false/' \
    a_file_is_appended_to_and_mended

mutant exits.t 'what is unknown is passed over' lib/base/opt.c \
    "s/if (c == '?')/if (c == '?') return OPT_RUN; if (c == '?')/" \
    'etl-load: unknown option: message'
mutant exits.t 'a value of no sense is taken' lib/base/opt.c \
    's/if (parse_and_store_value(o, into, optarg) == 0)/if (parse_and_store_value(o, into, optarg) != -2)/' \
    'a batch of no number: status'
mutant exits.t 'the environment is not judged' lib/base/opt.c \
    's/if (parse_and_store_value(o, into, text) == -1)/if (parse_and_store_value(o, into, text) == -2)/' \
    'BATCH_SIZE of no number: status'
mutant exits.t 'an env file is not judged' src/etl-run/env_file.c \
    's/^			    err_set(e, ERR_CONFIG, false,/			    0; (void)err_set(e, ERR_CONFIG, false,/' \
    'an env file that is none: status'
mutant exits.t 'the database comes first' src/etl-load/loader.c \
    's/check_mode_options(o, e) == -1 ||//' '--mode none: nothing is made'
mutant etl-extract/auth.t 'nobody is warned of a mode' src/etl-extract/http/secret.c \
    's/(st.st_mode & 077) != 0/false/' 'others may read: warned'
mutant etl-extract/auth.t 'an empty secret is one' src/etl-extract/http/secret.c \
    '/if (b->len == 0)/,+2d' 'empty file'
mutant etl-extract/auth.t 'a core is left' src/etl-extract/http/secret.c \
    's/(void)setrlimit(RLIMIT_CORE, &none);//' 'no core file'
mutant etl-extract/auth.t 'it stays in the environment' src/etl-extract/http/secret.c \
    's/explicit_bzero(v, strlen(v));//' 'not in the environment'
mutant secrets.t 'the row has the URL' src/etl-run/attempt.c \
    's/\.host = j->host/.host = j->url/' 'no password in what was stored'
mutant secrets.t 'the token is told' src/etl-extract/http/status.c \
    's/c->secret_from/c->secret/' 'no token in what was stored'
mutant secrets.t 'the script gets the URL' src/etl-run/script.c \
    '/^set_argv_for_file/,/^}/s/^	name_pipeline_after_file/	*argv++ = getenv("DATABASE_URL");\n&/' \
    'no password in what was arguments'
mutant secrets.t 'the script gets the token' src/etl-run/script.c \
    '/^set_argv_for_file/,/^}/s/^	name_pipeline_after_file/	*argv++ = getenv("API_TOKEN");\n&/' \
    'no token in what was arguments'

mutant etl-dlq/migrate.t 'newer tables are used' lib/control/control.c \
    's/if (version <= CONTROL_VERSION)/if (true)/' 'of a newer version'
mutant etl-dlq/migrate.t 'older tables are used' lib/control/control.c \
    's/if (version >= CONTROL_VERSION)/if (version >= 1)/' 'sqlite: migrated'
mutant etl-dlq/migrate.t 'it is done by halves' sql/sqlite/control.sql@control_2 \
    's/^-- Indexes for/COMMIT; BEGIN IMMEDIATE;\n&/' 'killed at any write'
mutant etl-dlq/migrate.t 'it is done by halves on the server' sql/postgresql/control.sql@control_2 \
    's/^-- The time at/COMMIT; BEGIN;\n&/' 'postgresql: it is as before'
mutant etl-dlq/migrate.t 'two do it at once' sql/postgresql/control.sql@control_lock \
    's/^SELECT.*/SELECT 1/' 'postgresql: by six at once'
mutant etl-dlq/migrate.t 'what is older than etl is in the way' lib/control/control.c \
    's/if (present == 0 \&\&/if (false \&\&/' 'from before etl'
mutant etl-dlq/migrate.t 'times stay as they were' sql/sqlite/control.sql@control_2 \
    '/^UPDATE dead_letter_attempts/,/;$/d' 'sqlite: occurrences too'
mutant unit/db_runs 'half made tables stay' lib/control/control.c \
    's/^	db_rollback(db);/	(void)db_commit(db, \&(struct err){ 0 });/' \
    half_made_tables_stay_unmade
mutant unit/db_runs 'newer tables are used' lib/control/control.c \
    's/if (version <= CONTROL_VERSION)/if (true)/' tables_are_made_once

mutant signals.t 'the second signal is another end' lib/base/stop.c \
    's/SA_RESETHAND/0/; s/if (stopped == 0)/if (stopped != 0) _exit(1);/; s/#include <stddef.h>/&\n#include <unistd.h>/' \
    'twice: of the signal'
mutant signals.t 'HUP is left out' src/etl-run/child.c \
    's/SIGINT, SIGHUP, SIGQUIT, SIGTSTP/SIGINT, SIGQUIT, SIGTSTP/' \
    'each run has its end'
mutant signals.t 'who was stopped has waited too long' lib/base/wait.c \
    's/if (r >= 0)/if (timeout > 0 \&\& clock_ms() > end + 200) return -1; &/' \
    'stopped and continued (3)'
mutant etl-run/signals.t 'the second signal waits like the first' src/etl-run/child.c \
    '/^signal_all_and_schedule_kill/,/^}/{/^	else/d; s/^		signal_all(w, SIGKILL);//;}' \
    'the second signal kills at once'
mutant etl-run/signals.t 'CONT does not go on' src/etl-run/child.c \
    's/signal_group(w, SIGCONT);/;/' 'CONT continues it'
mutant etl-run/signals.t 'TSTP stops the run alone' src/etl-run/child.c \
    's/signal_group(w, SIGSTOP);//' 'TSTP stops the pipeline'

mutant clock.t 'a step back counts' lib/base/clock.c \
    "$(clock 'if (off == 0 || w.tv_sec - t.tv_sec < off) off = w.tv_sec - t.tv_sec; t.tv_sec += off;')" \
    'at @2026-03-19 00:00:00 it is stored'
mutant clock.t 'a step forward counts' lib/base/clock.c \
    "$(clock 'if (off == 0 || w.tv_sec - t.tv_sec > off) off = w.tv_sec - t.tv_sec; t.tv_sec += off;')" \
    'goes mad during a run'
mutant clock.t 'the beginning of summer time counts' lib/base/clock.c \
    "$(clock 'struct tm l; (void)localtime_r(\&w.tv_sec, \&l); if (l.tm_gmtoff > off) off = l.tm_gmtoff; t.tv_sec += off;')" \
    'goes mad during a run'
mutant clock.t 'the end of summer time counts' lib/base/clock.c \
    "$(clock 'struct tm l; (void)localtime_r(\&w.tv_sec, \&l); t.tv_sec += l.tm_gmtoff;')" \
    'at @2026-10-25 03:00:00 it is stored'
mutant clock.t 'a limit stands with the clock' lib/base/clock.c \
    "$(clock "$moves")" 'a limit of a run while the clock stands'
mutant clock.t 'the grace of a write stands with the clock' lib/base/clock.c \
    "$(clock "$moves")" 'a signal while the clock stands'
mutant clock.t 'what is due stands with the clock' lib/base/clock.c \
    "$(clock "$moves")" 'at 1999-12-31 23:59:59 it is stored'
mutant clock.t 'a stamp is of local time' lib/base/clock.c \
    's/gmtime_r/localtime_r/' 'a stamp is of UTC'
mutant clock.t 'an id is a time' lib/base/hash.c \
    's/#include .*/&\n#include <time.h>/; s/random_bytes(p, sizeof(p));/{ struct timespec t; (void)clock_gettime(CLOCK_REALTIME, \&t); memcpy(p, \&t, sizeof(p)); }/' \
    'the second run of one moment'
mutant clock.t 'a checkpoint moves on in time only' sql/sqlite/checkpoints.sql@checkpoint_move \
    "s/version = \\\$3/& AND updated_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')/" \
    'sqlite: a run at -10d'
mutant clock.t 'a checkpoint of old stays' sql/sqlite/checkpoints.sql@checkpoint_move \
    "s/version = \\\$3/& AND updated_at >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 year')/" \
    'sqlite: a run at +3650d'

mutant io.t 'an fsync that failed is done again' lib/control/file_replace.c \
    's/while (rc == -1 \&\& errno == EINTR);/while (rc == -1 \&\& errno != ENOSPC);/' \
    'the first fsync fails'
mutant io.t 'EIO on fsync is let pass' lib/control/file_replace.c \
    's/return sync_fd(r->folder) == -1 ?/(void)sync_fd(r->folder); return false ?/' \
    'the second fsync fails'
mutant 'point.sh io 1 load-sqlite-append' 'EIO is the row' lib/db/sqlite.c \
    's/{ SQLITE_IOERR, ERR_IO, false, false, false }/{ SQLITE_IOERR, ERR_DATA, false, true, false }/'
mutant unit/db_faults 'a COMMIT that failed is one' lib/db/pg.c \
    's/if (commits \&\& strcmp(PQcmdStatus(res), sql) != 0)/if (false)/' \
    a_commit_that_fails_is_told
done_testing
