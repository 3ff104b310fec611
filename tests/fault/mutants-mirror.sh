#!/bin/sh
# mutants-mirror.sh [TEST|NAME...]: shows that the tests of etl-load --mode mirror
# can fail.  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

rows=src/etl-load/mirror.c

mutant etl-load/mirror.t 'any number of rows is deleted' $rows \
    's/if (missing <= limit_allowed(&limit, before))/if (true)/' \
    'three of four rows: exit code 1'
mutant etl-load/mirror.t 'rejects without a readable key are ignored' $rows \
    's/if (rejected == 0 || /if (true || /' \
    'a record without a readable key: x: exit code 65'
mutant etl-load/mirror.t 'rejects of earlier stages in a file are ignored' $rows \
    's/rejected += last->stages\[i\].aside;/;/' \
    'an earlier stage has rejected a record aside: exit code 65'
mutant etl-load/mirror.t 'the row of a rejected record is deleted' \
    src/etl-load/batch.c \
    '/^chunk_each_rejected/,/^}/s/call_take(&v, &l, e) == -1/false/' \
    'the rows of rejected records stay'
mutant etl-load/mirror.t 'the row of a reject line is deleted' \
    src/etl-load/batch.c \
    '/^chunk_each_rejected/,/^}/s/take_rejected(&v, &l, e) == -1/false/' \
    'a reject line without a key: exit code 65'
mutant etl-load/mirror.t 'of a key that comes twice the last one is read' \
    src/etl-load/row.c 's/r->duplicates == JSON_UNIQUE \&\&/false \&\&/' \
    'a record without a readable key: {"k":"b","k":"c"}: exit code 65'
mutant etl-load/mirror.t 'PostgreSQL: a row is marked as deleted again' \
    src/etl-load/pg/pg_sets.c 's/soft_delete_put_live(b, t, " AND ".*//' \
    'a row that is marked is not marked again'
mutant etl-load/mirror.t 'SQLite: a row is marked as deleted again' \
    src/etl-load/sqlite/sqlite_sets.c 's/soft_delete_put_live(b, t, " AND ".*//' \
    'a row that is marked is not marked again'
mutant etl-load/mirror.t 'an equal row stays marked as deleted' \
    src/etl-load/columns_sql.c 's/t->soft_delete != NO_COLUMN ||//' \
    'a record with its key only removes the mark'
mutant etl-load/mirror.t 'a second stream deletes the rows of the first one' \
    src/etl-load/stream.c 's/ \&\& !m->mirrors \&\&/ \&\&/' \
    'a second stream in the input: exit code 78'
mutant etl-load/mirror_faults.t 'PostgreSQL: rows under other keys are deleted' \
    src/etl-load/pg/pg_sets.c \
    's/return c->missing > 0 ?$/return false ?/' \
    'postgresql: a trigger that changes a key: exit code 78'
mutant etl-load/mirror_faults.t 'SQLite: rows under other keys are deleted' \
    src/etl-load/sqlite/sqlite_sets.c \
    's/m->strays += found == 0 .*//' \
    'sqlite: a trigger that changes a key: exit code 78'
mutant etl-load/mirror_faults.t 'foreign keys are judged before all rows are deleted' \
    src/etl-load/sqlite/sqlite_sets.c \
    's/PRAGMA defer_foreign_keys = ON/SELECT 1/' \
    'the rows that came stay'
done_testing
