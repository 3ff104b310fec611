#!/bin/sh
# mutants-rows.sh [TEST|NAME...]: can the tests of the fault matrix fail?  See
# mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

mutant 'point.sh io 1 extract-stream' 'an interrupted write fails' lib/stream/fdwrite.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1) {/'
mutant 'point.sh io 1 save-flow' 'a full disk is no failure' lib/stream/fdwrite.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1 \&\& errno != EINTR) { return 0;/'
mutant 'point.sh memory 1 dlq-sqlite-list' 'SQL with parts missing' lib/control/letters_filter.c \
    's/return buf_check(\&w->sql, e) == -1 ? NULL : text/return text/'
mutant 'point.sh memory 1 load-sqlite-upsert' 'a key that has no hash' src/etl-load/batch/outcome.c \
    '/hash_new/{n;s/return err_nomem(e)/return 0/;}'
mutant commits.t 'an unknown COMMIT is done again' src/etl-load/commit/reconnect.c \
    's/rc = l->unknown ? ask_commit_outcome(l, e) : 0;/rc = 0;/'
mutant commits.t 'the ledger is not compared' sql/postgresql/ledger.sql@ledger_update \
    's/batch = \$9/batch >= $9/'
mutant disks.t 'SQLite full is let pass' lib/db/sqlite.c \
    's/{ SQLITE_FULL, ERR_IO, false, false, false }/{ SQLITE_FULL, ERR_DATA, false, true, false }/'
mutant disks.t 'what does not fit is lost' lib/stream/fdwrite.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1 \&\& errno != EINTR) { return 0;/'
mutant disks.t 'SIGXFSZ kills' lib/base/stop.c \
    's/(void)signal(SIGXFSZ, SIG_IGN);//'
mutant limits.t 'no descriptor is no right' src/etl-run/lock.c \
    's/errno == EMFILE ||/errno == 0 ||/'
mutant outage.t 'serialization is the row' lib/db/fault.c \
    's/{ "40", ERR_REFUSED, true, false, true }/{ "40", ERR_DATA, false, true, false }/'
mutant outage.t 'resources are the row' lib/db/fault.c \
    's/{ "53", ERR_REFUSED, true, false, false }/{ "53", ERR_DATA, false, true, false }/'
mutant outage.t 'a lost line is for good' src/etl-load/commit/reconnect.c \
    's/(!f->again \&\& !f->lost)/(!f->again || f->lost)/'
mutant schema.t 'a new NOT NULL ends it all' lib/db/fault.c \
    's/{ "23", ERR_DATA, false, true, false }/{ "23", ERR_REFUSED, false, false, false }/'
mutant fd3.t 'the same as stdin is taken' lib/base/stdfd.c \
    's/refer_to_same_file(REJECT_FD, STDIN_FILENO)/false/'
mutant fd3.t 'a socket is taken' lib/base/stdfd.c \
    's/return S_ISREG(st->st_mode) ||/return S_ISSOCK(st->st_mode) || S_ISREG(st->st_mode) ||/'
mutant fd3.t 'nothing is parked on 3' lib/base/stdfd.c \
    's/return open_null_as(REJECT_FD, O_RDONLY | O_CLOEXEC, e);/return 0;/'
mutant clock.t 'a descriptor of a library is taken' lib/base/stdfd.c \
    's/has_close_on_exec_flag(REJECT_FD) ||//'
mutant clock.t 'waits go by the wall clock' lib/base/clock.c \
    's/CLOCK_MONOTONIC/CLOCK_REALTIME/'
mutant signals.t 'a stop is an exit' lib/base/stop.c \
    's/(void)raise(sig);/_exit(0);/; s/#include <stddef.h>/#include <stddef.h>\n#include <unistd.h>/'
mutant signals.t 'stopped time is the filter'"'"'s' src/etl-transform/pool/pool_watch.c \
    's/if (elapsed > 2 \* tick)/if (0)/'
mutant secrets.t 'what libpq quotes is told' lib/db/fault.c \
    's/if (!inside || \*p == .". *)/if (1)/'
mutant power.t 'SQLite does not sync' lib/db/sqlite.c \
    's/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/'
mutant power.t 'a state file is renamed before it is synced' lib/control/file_replace.c \
    '/write_all(fd, p, n) == -1 ||/{N;s/ ||\n[^|]*sync_fd(fd) == -1)/)/;}'
mutant power.t 'its folder is not synced' lib/control/file_replace.c \
    's/return sync_fd(r->folder) == -1 ? err_errno(e, ERR_IO, r->path) : 0;/return 0;/'

# A loader whose host has gone.
mutant etl-load/faults.t 'a silent session keeps its locks' \
    sql/postgresql/control.sql@control_limit_idle "s/'60s'/'0'/" \
    'idle time-out: once a control row is held'
mutant etl-load/faults.t 'a line that has gone is not looked at' lib/db/pg.c \
    's/SET tcp_keepalives_idle = 60; //' \
    'idle time-out: once a control row is held'

# A reader that leaves.
mutant etl-transform/process.t 'EPIPE is an error as any' lib/base/errval.c \
    's/num == EPIPE/num == 0/' \
    'is no error'
mutant etl-transform/process.t 'EPIPE is said' lib/base/report.c \
    's/if (e->code == ERR_GONE) {/if (false) {/' \
    'is no error'
mutant etl-via/process.t 'EPIPE is an error as any' lib/base/errval.c \
    's/num == EPIPE/num == 0/' \
    'nobody reads'

# Bytes.
mutant unit/json_invalid 'overlong forms pass' lib/base/text.c \
    's/c < 0xc2/c < 0xc0/; s/low = 0xa0/low = 0x80/; s/low = 0x90/low = 0x80/' \
    test_encoding
mutant unit/json_invalid 'surrogates in UTF-8 pass' lib/base/text.c \
    's/high = 0x9f/high = 0xbf/' \
    test_encoding
mutant unit/json_invalid 'bytes past U+10FFFF pass' lib/base/text.c \
    's/high = 0x8f/high = 0xbf/' \
    test_encoding
mutant unit/json_invalid 'control characters pass' lib/json/lex.c \
    's/(unsigned char)\*p < 0x20/false/' \
    test_parse
mutant unit/json_invalid 'numbers have leading zeros' lib/json/scan.c \
    "s/\\*p == '0' ? p + 1 : skip_digits(s, p)/skip_digits(s, p)/" \
    test_parse
mutant unit/json_invalid 'a byte order mark is skipped' lib/json/scan.c \
    's/p = read_value(&s, skip_blanks(text, s.end));/p = read_value(\&s, skip_blanks(text + (len > 2 \&\& memcmp(text, "\\xef\\xbb\\xbf", 3) == 0 ? 3 : 0), s.end));/' \
    test_parse
mutant unit/json_scan 'nesting has another limit' lib/json/scan.h \
    's/JSON_DEPTH_MAX = 256/JSON_DEPTH_MAX = 257/' \
    test_depth
mutant unit/json_scan 'a name may come twice' lib/json/scan.c \
    's/s.unique = dup == JSON_UNIQUE/s.unique = false/' \
    test_twice
mutant unit/json_scan 'a name may come twice among many' lib/json/scan.c \
    's/if (rc == 1)/if (false)/' \
    test_twice_many
mutant etl-transform/filter.t 'half a surrogate pair is no fault' lib/json/lex.c \
    's/\*flags |= JSON_LONE;//' \
    'bad ones are told'
mutant etl-load/values.t 'a NUL goes to the database' lib/json/lex.c \
    '/if (v == 0)/d; s/\*flags |= JSON_NUL;//' \
    'postgresql: what does not fit'
mutant etl-transform/numbers.t 'numbers are printed anew' src/etl-transform/number/numbers.c \
    's/if (!t->active || !find_entries(t, d, &low, &high)) {/if (true) {/'
mutant etl-load/values.t 'what no double holds becomes one' src/etl-load/sqlite/sqlite_value.c \
    's/return isinf(out->r) ? reject_value(.*/return 1;/' \
    'sqlite: what does not fit'
mutant etl-load/values.t 'digits are lost' src/etl-load/sqlite/sqlite_value.c \
    's/return number_equals(text, n, s->text.p, s->text.len);/return true;/' \
    'sqlite: what does not fit'

# Lines.
mutant unit/stream_lines 'a line is too long one byte later' lib/stream/lines.c \
    's/if (l->hash != NULL || out->len > l->max)/if (l->hash != NULL || out->len > l->max + 1)/' \
    long_lines_are_cut_at_the_limit
mutant unit/stream_lines 'a CR makes a line' lib/stream/lines.c \
    "s/ && \\*p != '.r')/)/" \
    nothing_and_blank_lines_are_no_lines
mutant unit/stream_lines 'a last line needs its LF' lib/stream/lines.c \
    's/(l->end > l->start || l->hash != NULL)/l->hash != NULL/' \
    every_chunking_gives_the_same_lines
mutant unit/stream_lines 'a line ends with what was read' lib/stream/lines.c \
    's/	return l->found;/	return l->found || l->end > l->start;/' \
    every_chunking_gives_the_same_lines
mutant etl-extract/ndjson.t 'a CR is no blank' lib/json/scan.c \
    "s/ || \\*p == '.r')/)/" \
    'file: records'
mutant unit/stream_mark 'a mark is spelled one way' lib/stream/mark.c \
    "s/if (end - p >= 6 && p\\[0\\] == '..' && p\\[1\\] == 'u')/if (false)/" \
    marks_are_told_by_their_first_name
mutant etl-record/marks.t 'a filter may write marks' src/etl-transform/engine/filter.c \
    's/memcmp(o->out.data + from, mark, sizeof(mark) - 1) == 0)/false)/' \
    'a filter that forges marks: reserved'
mutant etl-extract/ndjson.t 'a file may hold marks' lib/stream/stage_reject.c \
    's/s->conf->plain || s->conf->source/false/' \
    'broken lines: rejects'

# The filter's process.
worker=src/etl-transform/pool/pool_watch.c
mutant etl-transform/process.t 'a death is nobody'"'"'s' $worker \
    's/s->begun > done && done < b->n/false/' \
    'def f: f; f'
mutant etl-transform/process.t 'a filter may run for ever' $worker \
    's/p->conf->time_limit == 0 || w->killed/true/' \
    'def f: f; f'
mutant etl-transform/process.t 'too little memory is a death as any' $worker \
    's/w->killed || status == -ENGINE_NOMEM/w->killed/' \
    'says so'
mutant etl-transform/process.t 'memory has another limit' src/etl-transform/pool/worker.c \
    's/sysconf(_SC_PAGESIZE) + limit/sysconf(_SC_PAGESIZE) + limit + (1 << 30)/' \
    'memory: no more'
mutant etl-transform/process.t 'a dead keeper is the filter'"'"'s fault' $worker \
    's/err_set(e, ERR_RETRY, true, "the keeper process, which starts/err_set(e, ERR_CONFIG, false, "it was killed, which starts/' \
    'its keeper killed'
mutant etl-transform/process.t 'workers outlive their keeper' src/etl-transform/pool/events.c \
    's/(void)prctl(PR_SET_PDEATHSIG, SIGKILL);//' \
    'KILL: nobody is left'
mutant etl-transform/process.t 'a death takes what was done before it' $worker \
    's/s != NULL ? s->done : 0/0/' \
    'the others pass'
done_testing
