#!/bin/sh
# mutants-rows.sh [TEST|NAME...]: can the tests of the fault matrix fail?  See
# mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

mutant io.t 'an interrupted write fails' lib/stream/fdwrite.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1) {/'
mutant io.t 'a full disk is no failure' lib/stream/fdwrite.c \
    's/} else if (done == -1 \&\& errno != EINTR) {/} else if (done == -1 \&\& errno != EINTR) { return 0;/'
mutant 'point.sh memory 1 dlq-sqlite-list' 'SQL with parts missing' lib/db/letters_where.c \
    's/return buf_check(\&w->sql, e) == -1 ? NULL : text/return text/'
mutant 'point.sh memory 1 load-sqlite-upsert' 'a key that has no hash' src/etl-load/outcome.c \
    '/hash_new/{n;s/return err_nomem(e)/return 0/;}'
mutant commits.t 'an unknown COMMIT is done again' src/etl-load/commit.c \
    's/rc = l->unknown ? decide(l, e) : 0;/rc = 0;/'
mutant commits.t 'the ledger is not compared' sql/postgresql/ledger_update.sql \
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
mutant outage.t 'a lost line is for good' src/etl-load/commit.c \
    's/(!l->fault.again \&\& !l->fault.lost)/(!l->fault.again || l->fault.lost)/'
mutant schema.t 'a new NOT NULL ends it all' lib/db/fault.c \
    's/{ "23", ERR_DATA, false, true, false }/{ "23", ERR_REFUSED, false, false, false }/'
mutant fd3.t 'the same as stdin is taken' lib/base/stdfd.c \
    's/same_file(REJECT_FD, STDIN_FILENO)/false/'
mutant fd3.t 'a socket is taken' lib/base/stdfd.c \
    's/return S_ISREG(st->st_mode) ||/return S_ISSOCK(st->st_mode) || S_ISREG(st->st_mode) ||/'
mutant fd3.t 'nothing is parked on 3' lib/base/stdfd.c \
    's/return park(REJECT_FD, O_RDONLY | O_CLOEXEC, e);/return 0;/'
mutant clock.t 'a descriptor of a library is taken' lib/base/stdfd.c \
    's/opened_here(REJECT_FD) ||//'
mutant clock.t 'waits go by the wall clock' lib/base/clock.c \
    's/CLOCK_MONOTONIC/CLOCK_REALTIME/'
mutant signals.t 'a stop is an exit' lib/base/stop.c \
    's/(void)raise(sig);/_exit(0);/; s/#include <stddef.h>/#include <stddef.h>\n#include <unistd.h>/'
mutant signals.t 'stopped time is the filter'"'"'s' src/etl-transform/pool_watch.c \
    's/if (gone > 2 \* tick)/if (0)/'
mutant secrets.t 'what libpq quotes is told' lib/db/fault.c \
    's/if (!inside || \*p == .". *)/if (1)/'
mutant power.t 'SQLite does not sync' lib/db/sqlite.c \
    's/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/'
mutant power.t 'a state file is renamed before it is synced' lib/db/replace.c \
    '/write_all(fd, p, n) == -1 ||/{N;s/ ||\n[^|]*sync_fd(fd) == -1)/)/;}'
mutant power.t 'its folder is not synced' lib/db/replace.c \
    's/return sync_fd(r->folder) == -1 ? err_errno(e, ERR_IO, r->path) : 0;/return 0;/'
done_testing
