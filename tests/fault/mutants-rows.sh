#!/bin/sh
# mutants-rows.sh [TEST|NAME...]: shows that the tests of the fault matrix can
# fail.  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

mutant 'point.sh io 1 extract-stream' 'a write interrupted by a signal fails' lib/stream/line_writer.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1) {/'
mutant 'point.sh io 1 save-flow' 'a failed write is taken as success' lib/stream/line_writer.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1 \&\& errno != EINTR) { return 0;/'
mutant 'point.sh memory 1 dlq-sqlite-list' 'SQL text is used although memory ran out' lib/base/buf.c \
    's/return buf_check(b, e) == -1 ? NULL : text/return text/'
mutant 'point.sh memory 1 load-sqlite-upsert' 'a failed allocation of a hash is ignored' lib/base/hash.c \
    '/hash_new/,/return/s/return err_nomem(e)/return 0/'
mutant commits.t 'a COMMIT of unknown outcome is repeated' src/etl-load/loader.c \
    's/rc = l->batch.unknown ? ask_commit(l, e) : 0;/rc = 0;/'
mutant commits.t 'the ledger update does not compare the batch' sql/postgresql/ledger.sql@ledger_update \
    's/batch = \$10/batch >= $10/'
mutant disks.t 'a full SQLite database is taken as a bad row' lib/db/sqlite.c \
    's/{ SQLITE_FULL, ERR_IO, false, false, false }/{ SQLITE_FULL, ERR_DATA, false, true, false }/'
mutant disks.t 'bytes that do not fit on the disk are lost' lib/stream/line_writer.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1 \&\& errno != EINTR) { return 0;/'
mutant disks.t 'SIGXFSZ is not ignored' lib/base/stop.c \
    's/(void)signal(SIGXFSZ, SIG_IGN);//'
mutant limits.t 'a lack of file descriptors is reported as a lack of rights' src/etl-run/lock.c \
    's/errno == EMFILE ||/errno == 0 ||/'
mutant outage.t 'a serialization failure is not retried' lib/db/fault.c \
    's/{ "40", ERR_REFUSED, true, false, true }/{ "40", ERR_REFUSED, true, false, false }/'
mutant outage.t 'a lack of resources is retried' lib/db/fault.c \
    's/{ "53", ERR_REFUSED, true, false, false }/{ "53", ERR_REFUSED, true, false, true }/'
mutant outage.t 'a lost connection is not retried' src/etl-load/loader.c \
    's/(!f->again \&\& !f->lost)/(!f->again || f->lost)/'
mutant schema.t 'a constraint failure ends the loader' src/etl-load/pg/pg_sink.c \
    's/{ "08", "53"/{ "23", "08", "53"/'
mutant fd3.t 'rejects go to a descriptor 3 that is stdin' lib/base/stdfd.c \
    's/have_same_file(REJECT_FD, STDIN_FILENO)/false/'
mutant fd3.t 'rejects go to a descriptor 3 that is a socket' lib/base/stdfd.c \
    's/return S_ISREG(st->st_mode) ||/return S_ISSOCK(st->st_mode) || S_ISREG(st->st_mode) ||/'
mutant fd3.t 'a closed descriptor 3 is not opened on /dev/null' lib/base/stdfd.c \
    's/return open_null_as(REJECT_FD, O_RDONLY | O_CLOEXEC, e);/return 0;/'
mutant clock.t 'rejects go to a descriptor 3 that a library opened' lib/base/stdfd.c \
    's/has_cloexec(REJECT_FD) ||//'
mutant clock.t 'waits use the wall clock' lib/base/clock.c \
    's/CLOCK_MONOTONIC/CLOCK_REALTIME/'
mutant signals.t 'a program that got a signal exits with 0' lib/base/stop.c \
    's/(void)raise(sig);/_exit(0);/; s/#include <stddef.h>/#include <stddef.h>\n#include <unistd.h>/'
mutant signals.t 'time while stopped counts for the filter' src/etl-transform/pool/pool.c \
    's/if (elapsed > 2 \* tick)/if (0)/'
mutant secrets.t 'text that libpq quotes is printed' lib/db/fault.c \
    's/if (!inside || \*p == .". *)/if (1)/'
mutant power.t 'SQLite does not sync its files' lib/db/sqlite.c \
    's/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/'
mutant power.t 'a state file is renamed without a sync of its data' lib/control/statefile.c \
    '/write_all(fd, p, n) == -1 ||/{N;s/ ||\n[^|]*sync_fd(fd) == -1)/)/;}'
mutant power.t 'the folder of a state file is not synced' lib/control/statefile.c \
    's/return sync_fd(r->folder) == -1 ? err_errno(e, ERR_IO, r->path) : 0;/return 0;/'

# A loader whose host has gone.
mutant etl-load/faults.t 'a session of a silent loader keeps its locks' \
    sql/postgresql/control.sql@control_limit_idle "s/'60s'/'0'/" \
    'idle time-out: it is 1 minute once the ledger row is written'
mutant etl-load/faults.t 'the server does not probe a dead connection' lib/db/pg.c \
    's/{ "tcp_keepalives_idle", "60" },//' \
    'idle time-out: it is 1 minute once the ledger row is written'

# A reader that leaves.
mutant etl-transform/process.t 'EPIPE is reported as any other error' lib/base/errval.c \
    's/num == EPIPE/num == 0/' \
    'is no error'
mutant etl-transform/process.t 'a message is printed for EPIPE' lib/base/report.c \
    's/if (e->code == ERR_GONE) {/if (false) {/' \
    'is no error'
mutant etl-via/process.t 'EPIPE is reported as any other error' lib/base/errval.c \
    's/num == EPIPE/num == 0/' \
    'if the reader exits, SIGPIPE ends etl-via without a message'

# Bytes.
mutant unit/json_invalid 'overlong UTF-8 is accepted' lib/base/text.c \
    's/c < 0xc2/c < 0xc0/; s/low = 0xa0/low = 0x80/; s/low = 0x90/low = 0x80/' \
    test_invalid_utf8_is_refused
mutant unit/json_invalid 'surrogates encoded as UTF-8 are accepted' lib/base/text.c \
    's/high = 0x9f/high = 0xbf/' \
    test_invalid_utf8_is_refused
mutant unit/json_invalid 'code points above U+10FFFF are accepted' lib/base/text.c \
    's/high = 0x8f/high = 0xbf/' \
    test_invalid_utf8_is_refused
mutant unit/json_invalid 'control characters in strings are accepted' lib/json/scan.c \
    's/(unsigned char)\*p < 0x20/false/' \
    test_invalid_json_is_refused
mutant unit/json_invalid 'numbers with leading zeros are accepted' lib/json/scan.c \
    "s/\\*p == '0' ? p + 1 : skip_digits(s, p)/skip_digits(s, p)/" \
    test_invalid_json_is_refused
mutant unit/json_invalid 'a byte order mark is skipped' lib/json/scan.c \
    's/p = read_value(&s, skip_blanks(text, s.end));/p = read_value(\&s, skip_blanks(text + (len > 2 \&\& memcmp(text, "\\xef\\xbb\\xbf", 3) == 0 ? 3 : 0), s.end));/' \
    test_invalid_json_is_refused
mutant unit/json_scan 'the limit of nesting is one higher' lib/json/token.h \
    's/JSON_DEPTH_MAX = 256/JSON_DEPTH_MAX = 257/' \
    test_depth_is_limited
mutant unit/json_scan 'a duplicate name in an object is accepted' lib/json/scan.c \
    's/s.unique = dup == JSON_UNIQUE/s.unique = false/' \
    test_duplicate_names_are_found
mutant unit/json_scan 'a duplicate name in a large object is accepted' lib/json/scan.c \
    's/if (rc == 1)/if (false)/' \
    test_duplicates_among_many_names
mutant etl-transform/filter.t 'a lone surrogate escape is accepted' lib/json/scan.c \
    's/\*flags |= JSON_LONE;//' \
    'each bad line is a reject with its code, line and pointer'
mutant etl-load/values.t 'a NUL character is sent to the database' lib/json/scan.c \
    '/if (v == 0)/d; s/\*flags |= JSON_NUL;//' \
    'postgresql: a value that does not fit its column is rejected'
mutant etl-transform/numbers.t 'libjq may compute with numbers that no double holds' \
    src/etl-transform/jq/jvalue.c \
    's/else if (libjq.messages == 0 \&\& is_lost(v))/else if (false)/' \
    'gives number'
mutant etl-transform/numbers.t 'a computed number takes the digits of another' \
    src/etl-transform/number/numbers.c \
    's/(!moved \&\& numbers_fit(t, d) != NUMBER_HELD)/false/' \
    'infinite'
mutant etl-transform/numbers.t 'untouched numbers lose their digits' src/etl-transform/number/numbers.c \
    '/^numbers_put_at/,/^}/s/if (!t->active) {/if (true) {/'
mutant etl-load/values.t 'a number too large for a double is stored' src/etl-load/sqlite/sqlite_codec.c \
    's/if (isinf(out->r))/if (0)/' \
    'sqlite: a value that does not fit its column is rejected'
mutant etl-load/values.t 'a number that a double rounds is stored' src/etl-load/sqlite/sqlite_codec.c \
    's/return number_equals(text, n, s->text.p, s->text.len);/return true;/' \
    'sqlite: a value that does not fit its column is rejected'

# Values that a column would change.
mutant etl-load/equal_keys.t 'a record that a CHECK refuses is lost before a good one' src/etl-load/pg/pg_merge.c \
    's/ || s->facts.judges_records//' \
    'a CHECK judges each record of a key'
mutant etl-load/equal_keys.t 'a record with NULL is lost before a good one' src/etl-load/pg/pg_sql.c \
    's/ IS NULL DESC/ IS NULL/' \
    'a NULL that its column refuses is a reject, also before a good record'
mutant etl-load/equal_keys.t 'batches with many equal keys stay large' src/etl-load/commit.c \
    's/most > EQUAL_KEYS_MAX/0/' \
    'after a batch with 2,000 equal keys that a CHECK may refuse, the batches have 500 records'
mutant etl-load/unchanged.t 'a value that the column changes is stored' src/etl-load/pg/pg_codec.c \
    's/i < s->n \&\& r->target->checks_change/false/' \
    'postgresql: a value that would change is rejected with the code range'
mutant etl-load/unchanged.t 'a value in an array is not checked' src/etl-load/pg/pg_codec.c \
    's/loss = find_text_loss(c, \*t, i != tok, \&r->text);/loss = NULL;/' \
    'postgresql: a value that would change is rejected with the code range'
mutant etl-load/unchanged.t 'an integer that a double rounds is stored' src/etl-load/exact_number.c \
    's/return number_equals(stored, .*/return true;/' \
    'sqlite: a value that would change is rejected'
mutant etl-load/unchanged.t 'a setting of the database turns null into a text' lib/db/pg.c \
    's/{ "array_nulls", "on" },//' \
    'postgresql: settings of the database do not change how values are read'

# Which value a column gets.
mutant etl-load/columns.t 'a member that no column takes is left out' src/etl-load/row.c \
    's/return reject_extra(r, why, name, len, reason);/return 1;/' \
    'sqlite: --columns: a member of another column is unknown'
mutant etl-load/columns.t 'a key is looked for by its name, not at --map' src/etl-load/row.c \
    's/else if (r->by_name)/else if (true)/' \
    'sqlite: --map: a dead letter has the key that the pointer gives'
mutant etl-load/columns.t 'an object without other members keeps the old one' src/etl-load/row.c \
    's/if (m->extra == EXTRA_COLUMN \&\& store/if (r->extra_text.len > 1 \&\& store/' \
    'sqlite: --extra COLUMN: without other members it is an empty object'
mutant etl-load/columns.t 'of two members of one name both are kept' src/etl-load/row.c \
    's/if (r->duplicates == JSON_LAST/if (false/' \
    'sqlite: --extra COLUMN: of two members of one name the last counts'
mutant etl-load/columns.t 'a text that is not base64 is stored' src/etl-load/row.c \
    's/return m->base64 ? row_check_base64(r, why, e) : 1;/return 1;/' \
    'sqlite: --bytes base64: any other value is a reject'
mutant etl-load/columns.t 'a reject leaves its columns to the next record' src/etl-load/row.c \
    's/r->nguess = 0;  .*/(void)0;/' \
    'sqlite: --bytes base64: the record after a reject has only its members'
mutant etl-load/columns.t 'an identity column gets no value of the record' src/etl-load/pg/pg_sql.c \
    's/ OVERRIDING SYSTEM VALUE//' \
    'postgresql: --columns with an identity ALWAYS, upsert: it is loaded'
mutant etl-load/types.t 'a member that a composite type lacks is lost' src/etl-load/pg/pg_codec.c \
    's/if (r->target->judges_nested/if (false/' \
    'postgresql: each value comes back, or its record is a reject'
mutant etl-load/types.t 'an object becomes an empty array' src/etl-load/pg/pg_codec.c \
    's/return type == JSON_OBJECT;/return false;/' \
    'postgresql: each value comes back, or its record is a reject'
mutant etl-load/types.t 'a value in a composite value is not checked' src/etl-load/pg/pg_codec.c \
    's/loss = find_member_loss(r, c, i, t, scratch);/loss = NULL;/' \
    'postgresql: each value comes back, or its record is a reject'

# A table that is altered during a load.
mutant etl-load/altered.t 'a batch for the old types of the columns is committed' lib/db/table.c \
    's/\*changed = same != 1;/*changed = false;/' \
    '--mode append, a number gets fewer digits: status and rows'
mutant etl-load/altered.t 'a batch is committed without the unique index of its key' src/etl-load/target.c \
    's/if (t->nkey > 0)/if (false)/' \
    'postgresql, the index of the key is dropped, --newer-by n: 78 and no second row'
mutant etl-load/altered.t 'the primary key of images is not looked at' src/etl-load/target.c \
    's/if (primary)/if (false)/' \
    'postgresql, --mode append --keep-before, ALTER TABLE t DROP CONSTRAINT t_pkey: status and rows'
mutant etl-load/altered.t 'an index with a condition carries the key' sql/postgresql/catalog.sql@table_has_columns \
    's/coalesce(k.condition, /coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), /' \
    'postgresql, another index of the key has a condition: 78'

# Records that lack columns.
mutant etl-load/partial.t 'a refused row is not judged as an update' src/etl-load/pg/pg_judge.c \
    '/^put_judge_update/,/^}/s/if (!finds_rows_by_key(t))/if (true)/' \
    'a trigger BEFORE INSERT'
mutant etl-load/partial.t 'an update that a row policy forbids counts as unchanged' src/etl-load/pg/pg_sql.c \
    's/if (secured && updates)/if (false)/' \
    'a row policy: rows that may not change are rejects'
mutant etl-load/partial.t 'SQLite: a refused record is not judged as an update' src/etl-load/sqlite/sqlite_store.c \
    's/if (!s->target->mode->keyed || !fault.data || fault.ended)/if (true)/' \
    'sqlite, --batch 1:  rows whose keys exist are updated'
mutant etl-load/partial.t 'rows of equal keys are updated by one statement' src/etl-load/pg/pg_way.c \
    's/(c->distinct || !f->updates)/true/' \
    'postgresql: 3000 updates, 3 of each key, missing 0: the rows'

# Containers of one host name.
mutant etl-run/machine.t 'the lock folder does not tell machines apart' src/etl-run/lock.c \
    's/(unsigned long)st.st_ino,$/0UL,/' \
    'it does not abandon the run that has another lock folder'
mutant etl-run/lease.t 'the process of another container is looked for' src/etl-run/lock.c \
    's/is_same(self->pid_namespace, other->pid_namespace))/true)/' \
    'sqlite: a run outside the container exits with 75'

# The lease.
mutant etl-run/lease.t 'a process that may not be signalled counts as gone' src/etl-run/child.c \
    's/ours \&\& read_process(proc, path, \&p)/kill(pid, 0) == 0 \&\& read_process(proc, path, \&p)/' \
    'sqlite: a run of another user exits with 75'
mutant etl-run/lease.t 'the start of a process is not compared' src/etl-run/lock.c \
    's/started == (unsigned long long)other->pid_started/started > 0/' \
    'sqlite: a process of the same number does not hold the lease'
mutant etl-run/lease.t 'a run of this process holds its own lease' src/etl-run/lock.c \
    's/other->pid != getpid() \&\&/true \&\&/' \
    'sqlite: etl-run --every does not wait for its own last run'
mutant unit/db_runs 'two starts can both get a row' sql/sqlite/runs.sql@run_start \
    's/DO NOTHING/DO UPDATE SET attempt = excluded.attempt/' \
    a_pipeline_has_one_running_row

# Lines.
mutant unit/stream_lines 'the limit of the line length is one byte higher' lib/stream/lines.c \
    's/if (l->hash != NULL || out->len > l->max)/if (l->hash != NULL || out->len > l->max + 1)/' \
    long_lines_are_cut_at_the_limit
mutant unit/stream_lines 'a line of one CR counts as a line' lib/stream/lines.c \
    "s/ && \\*p != '.r')/)/" \
    empty_input_and_blank_lines_are_skipped
mutant unit/stream_lines 'a last line without LF is dropped' lib/stream/lines.c \
    's/(l->end > l->start || l->hash != NULL)/l->hash != NULL/' \
    every_chunking_gives_the_same_lines
mutant unit/stream_lines 'a line ends where a read ended' lib/stream/lines.c \
    's/	return l->found;/	return l->found || l->end > l->start;/' \
    every_chunking_gives_the_same_lines
mutant etl-extract/ndjson.t 'a CR is not white space in JSON' lib/json/scan.c \
    "s/ || \\*p == '.r')/)/" \
    'a file: white space goes, all other bytes of a record stay'
mutant unit/stream_mark 'a mark whose name has an escape is not found' lib/stream/mark.c \
    "s/if (end - p >= 6 && p\\[0\\] == '..' && p\\[1\\] == 'u')/if (false)/" \
    marks_are_found_by_their_first_member
mutant etl-record/marks.t 'the output of a filter may hold marks' src/etl-transform/engine/outcome.c \
    's/memcmp(o->out.data + from, mark, sizeof(mark) - 1) == 0)/false)/' \
    'its rejects have the code reserved'
mutant etl-extract/ndjson.t 'an input file may hold marks' lib/stream/stage_rejects.c \
    's/s->conf->plain || s->conf->source/false/' \
    'each broken line is a reject with code, file, line and offset'

# The filter's process.
mutant unit/transform_pool 'a worker may write marks' src/etl-transform/pool/pool.c \
    's/has_mark_line(outputs) ? mark/false ? mark/' \
    test_no_mark_passes_from_a_worker
mutant unit/transform_pool 'a worker may make every system call' src/etl-transform/pool/sandbox.c \
    's/rc = seccomp_load(s->filter);/rc = 0;/' \
    test_attacks_end_the_process_and_reject_one_record
mutant etl-transform/sandbox.t 'the environment stays in memory' src/etl-transform/pool/sandbox.c \
    's/explicit_bzero(\*v, strlen(\*v));/(void)v;/' \
    'no environment is left in the memory of the keeper'
mutant etl-transform/imports.t 'an import follows a symbolic link' src/etl-transform/engine/filter_source.c \
    's/rc = is_in_a_folder(m, real, e);/rc = 1;/' \
    'a filter cannot read elsewhere: import "link" as $x; {b: $x}'
mutant etl-transform/terminal.t 'debug gives a terminal commands' src/etl-transform/jq/filter.c \
    's/if (isatty(STDERR_FILENO) != 1)/if (true)/' \
    'debug: control characters are escaped on a terminal'
worker=src/etl-transform/pool/pool.c
mutant etl-transform/process.t 'a crash is not traced to its record' $worker \
    's/return b->done < b->n \&\& b->shared/return false \&\& b->shared/' \
    'def f: f; f'
mutant etl-transform/process.t 'a filter has no time limit' $worker \
    's/limit != 0 \&\& w->busy_ms >= limit/false/' \
    'def f: f; f'
mutant etl-transform/process.t 'a worker without memory is taken as crashed' $worker \
    's/else if (status == -ENGINE_NOMEM)/else if (false)/' \
    'the message names --memory-limit and its value'
mutant etl-transform/process.t 'the memory limit is 1 GiB higher' src/etl-transform/pool/worker.c \
    's/sysconf(_SC_PAGESIZE) + limit/sysconf(_SC_PAGESIZE) + limit + (1 << 30)/' \
    'etl-transform stays near --memory-limit'
mutant etl-transform/process.t 'a killed keeper process is taken as a bad filter' $worker \
    's/err_set(e, ERR_RETRY, true, "the keeper process, which starts/err_set(e, ERR_CONFIG, false, "it was killed, which starts/' \
    'a killed keeper process makes etl-transform exit with 75'
mutant etl-transform/process.t 'worker processes do not exit with their keeper process' src/etl-transform/pool/worker.c \
    's/(void)prctl(PR_SET_PDEATHSIG, SIGKILL);//' \
    'KILL: keeper and worker exit too'
mutant etl-transform/process.t 'a crash of a worker loses records already done' $worker \
    '/^repair_slot(/,/^}/s/s->done = b->done;/s->done = 0;/' \
    'the records beside one'
mutant etl-transform/hostile.t 'the number of results is not checked' $worker \
    's/if (done > b->n)/if (false)/' \
    'each record is accounted for'
mutant unit/transform_pool 'a worker can make its input writable' src/etl-transform/pool/worker.c \
    's/shmat(id, NULL, SHM_RDONLY)/shmat(id, NULL, 0)/' \
    test_a_worker_cannot_write_its_input
mutant etl-transform/hostile.t 'a signal does not stop a busy filter' src/etl-transform/main.c \
    's/return stop_signal() != 0 \&\& stage_next/return false \&\& stage_next/' \
    'TERM ends etl-transform at once'

# Pools, limits of time, and the tests of --expect.
mutant pgbouncer.t 'the programs do not notice a pool' lib/db/pg.c \
    's/pg->pooled = .*/pg->pooled = false;/' \
    'upsert: nothing stays in the session'
mutant pgbouncer.t 'a transaction of a pool has the options of others' lib/db/pg.c \
    's/^	put_options(b, pg, "true");/	buf_str(b, "SELECT 1");/' \
    'the options of other clients: the query gets the values as ever'
mutant etl-load/timeouts.t 'the limit of a lock is not set' lib/db/pg.c \
    's/put_limit(b, "lock_timeout", pg->limits.lock, is_local);//' \
    'postgresql: the table is locked for longer than the limit'
mutant etl-load/timeouts.t 'SQLite always waits ten seconds' lib/db/sqlite.c \
    's/c->limits.lock > 0 ? c->limits.lock : BUSY_MS/BUSY_MS/' \
    'sqlite: no retries: the load ends within 5 seconds'
mutant etl-load/sqlite_beside.t 'SQLite waits for the disk less by default' lib/db/sqlite.c \
    's/PRAGMA synchronous = FULL/PRAGMA synchronous = NORMAL/' \
    'by default each of 20 commits waits for the disk'
mutant etl-load/expect.t 'a batch is committed before the tests' src/etl-load/open.c \
    's/ || l->expect != NULL;/;/' \
    'no batch is committed before the tests'
mutant etl-load/expect.t 'a marked stream is committed before the tests' \
    src/etl-load/stream.c 's/l->once || s->judged/s->judged/' \
    'nothing is stored, no checkpoint moves'
mutant etl-load/expect.t 'SQLite compares a number with a text' \
    src/etl-load/sqlite/sqlite_codec.c 's/if (!fits_type(c, text, number))/if (false)/' \
    'is no test of its column'
mutant etl-load/replay_late.t 'other sessions may write during a replay' src/etl-load/pg/pg_history.c \
    's/IN SHARE ROW EXCLUSIVE MODE/IN ROW EXCLUSIVE MODE/' \
    'the replay waits for the other session'
mutant etl-load/replay_late.t 'a row of the same time is older' src/etl-load/commit.c \
    's/instant_compare(&a, &b) < 0/instant_compare(\&a, \&b) <= 0/' \
    "written '2026-05-30T12:00:00Z': the letter stays open"
mutant etl-load/replay_late.t 'a reject has the time of its line' src/etl-load/batch.c \
    's/who->at = r->at;//' 'the row is not older than the letter'
mutant etl-load/replay_late.t 'a replay is committed in parts' \
    src/etl-load/stream.c 's/l->once || s->judged ||/l->once ||/' \
    'a cut replay loads nothing'
mutant etl-load/replay_late.t 'rejects of letters that stay open are stored' \
    src/etl-load/commit.c 's/^.*kind = ITEM_LEFT_REJECT;//' \
    'an earlier stage has rejected a record again: it is no letter'
mutant etl-load/expect.t 'rows of earlier loads are tested' src/etl-load/pg/pg_sets.c \
    's/ELSE false END/ELSE true END/' \
    'postgresql: holds: --mode append: no written row has NULL'
mutant etl-load/expect.t 'unchanged rows are not tested' src/etl-load/sqlite/sqlite_sink.c \
    's/r != LITE_INSERTED \&\& !notes_row_keys(t)/r != LITE_INSERTED/' \
    'sqlite: unchanged rows count'
mutant etl-load/expect.t 'refused records are tested' src/etl-load/pg/pg_sets.c \
    's/if (some_refused)/if (0)/' \
    'postgresql: a refused record is not tested'

# Hashes, and records that are older than their row.
mutant etl-transform/hash.t 'numbers are hashed as doubles' lib/json/write.c \
    's/number_put_ecma(c->out, text, t->len)/(buf_printf(c->out, "%.17g", number_to_double(text, t->len)), true)/' \
    'two integers that are the same double have different hashes'
mutant unit/json_canonical 'members are sorted by bytes' lib/json/write.c \
    's/if (a >= 0xee \&\& b >= 0xee/if (0/'
mutant etl-transform/hash.t 'an absent member is hashed as null' src/etl-transform/engine/hash.c \
    's/if (v == 0)/if (false)/' \
    'null and an absent member are different'
mutant etl-transform/hash.t 'a record without the members gets a hash' src/etl-transform/engine/hash.c \
    's/if (h->text.len == 1)/if (false)/' \
    'a record with none of the members is a reject'
mutant etl-load/newer.t 'an older record overwrites a row of PostgreSQL' src/etl-load/pg/pg_sql.c \
    '/^pg_put_on_conflict(/,/^}/s/t->newer_by != NO_COLUMN) {/false) {/
    /^pg_put_update_row(/,/^}/s/t->newer_by != NO_COLUMN) {/false) {/' \
    'postgresql: integers: the older record changes nothing'
mutant etl-load/newer.t 'of equal keys the last is loaded and not the newest' src/etl-load/pg/pg_sql.c \
    's/if (t->newer_by != NO_COLUMN)$/if (false)/' \
    'postgresql: --batch 100: records of a new row, the newest first'
mutant etl-load/newer.t 'an older record overwrites a row of SQLite' src/etl-load/sqlite/sqlite_store.c \
    's/if (!newer \&\& shape_can/if (shape_can/' \
    'sqlite: integers: the older record changes nothing'
mutant etl-load/newer.t 'times are compared as texts' src/etl-load/sqlite/sqlite_store.c \
    's/.kind == COLUMN_TIME/.kind == COLUMN_JSON/' \
    'sqlite: times with other offsets and digits'
mutant etl-load/newer.t 'a newer record with an equal hash changes nothing' src/etl-load/target.c \
    's/t->compared\[t->newer_by\] = true;//' \
    'a newer record with an equal hash sets the column'
mutant etl-load/newer.t 'a record of unknown age is loaded' src/etl-load/row.c \
    's/return t->newer_by == NO_COLUMN ? 1 :/return true ? 1 :/' \
    'a record without the member, and one with null, are rejects'
mutant etl-load/newer.t 'a row with NULL is newer than any' src/etl-load/pg/pg_merge.c \
    's/IS DISTINCT FROM NULL AND/IS NULL OR/' \
    'postgresql: integers: the older record changes nothing'
mutant etl-load/newer.t 'older records count as unchanged, row by row' src/etl-load/pg/pg_judge.c \
    's/:= 6;/:= 3;/' \
    'postgresql: records that are judged row by row'
mutant etl-load/views.t 'COPY counts a row that a view has left out' src/etl-load/pg/pg_sink.c \
    's/f->one_by_one || t->table->view)/f->one_by_one)/' \
    'postgresql: a record that the trigger leaves out is counted as unchanged'
mutant etl-load/views.t 'the table of a view has no triggers' sql/postgresql/catalog.sql \
    's/AND w.ev_type/AND false AND w.ev_type/' \
    'a simple view: a trigger of its table sees no row of a later record'
mutant etl-load/groups.t 'a record that a group has kept is stored again' src/etl-load/sqlite/sqlite_store.c \
    's/s->group_aborts ? 0 : (size_t)s->fault.kept;/0;/' \
    'refused by a unique column: the rows'
mutant etl-load/groups.t 'an unknown number of kept records counts as none' lib/db/sqlite.c \
    '/^count_kept_rows(/,/^}/s/return -1;/return 0;/' \
    'refused by a function: the rows'
mutant etl-load/order_sqlite.t '--batch limits the batches only at first' src/etl-load/commit.c \
    's/l->o->batch == BATCH_NOT_GIVEN/true/' \
    'keys not in order, --batch: 9 batches'
mutant etl-load/views.t 'a record that a view of SQLite leaves out counts as inserted' src/etl-load/sqlite/sqlite_store.c \
    's/view ? row != NULL :/view ||/' \
    'sqlite: a record that the trigger leaves out is counted as unchanged'
mutant etl-load/views.t 'an upsert loads a view' src/etl-load/spec.c \
    's/if (mode->keyed || mode->removes)/if (false)/' \
    '--mode upsert of a view: the message says what to do'
mutant etl-load/joins.t 'the staged rows have no statistics' src/etl-load/pg/pg_sink.c \
    's/if (s->rows.n < MANY ||/if (true ||/' \
    '--mode scd2, 60000 new keys: exit code 0'
done_testing
