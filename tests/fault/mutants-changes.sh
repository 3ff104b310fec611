#!/bin/sh
# mutants-changes.sh [TEST|NAME...]: shows that the tests of --mode cdc can fail.  See
# mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

# What a change is.
mutant etl-load/cdc.t 'a tombstone is a reject' src/etl-load/change.c \
    's/if (change_is_tombstone(l))/if (false)/' 'tombstones are skipped'
mutant etl-load/cdc.t 'an unknown operation is an INSERT' src/etl-load/change.c \
    's/return reject_operation(c, why, place, text + 1, t->len - 2);/return 1;/' \
    'codes, and pointers into the record'
mutant etl-load/cdc.t 'a payload is not entered' src/etl-load/change.c \
    's/\*inside = v != 0/*inside = false/' "Debezium's envelope in a payload"
mutant etl-load/cdc.t 'a pointer does not name the object' src/etl-load/change.c \
    's/buf_printf(b, "%s%s", c->place, member);/buf_str(b, member);/' \
    'codes, and pointers into the record'
mutant etl-load/cdc.t 'a missing key is not taken from the row before' src/etl-load/change.c \
    's/if (add_missing_key(c, row, e) == -1)/if (false)/' \
    'a partial update leaves absent members alone'
mutant etl-load/cdc.t 'a changed key is not seen' src/etl-load/change.c \
    's/c->moves = old_key_differs(c, row);/c->moves = false;/' \
    'a changed key, and later changes of the row'
mutant etl-load/cdc.t 'an incomplete old key is not completed' src/etl-load/change.c \
    's/ c, \&c->old_text, \&c->old, row,/ c, \&c->old_text, \&c->old, NULL,/' \
    'a key of two columns'
mutant etl-load/cdc_map.t 'a row loses the key that was added to it' src/etl-load/row.c \
    's/memcpy(r->value, r->change.key_value, size);/memset(r->value, 0, size);/' \
    'a key that only the row before has'
mutant etl-load/cdc_map.t 'an empty key is a key' src/etl-load/spec.c \
    's/if (m->empty_as_null \&\&/if (false \&\&/' \
    'a key that only the row before has'
mutant etl-load/cdc_map.t 'the key of a change has the name of its column' src/etl-load/change.c \
    's/^#define KEY_MEMBER.*/#define KEY_MEMBER "n"/' \
    'a pointer does not look into the row before'

# SQLite.
mutant etl-load/cdc.t 'a delete of no row counts as deleted' src/etl-load/sqlite/sqlite_store.c \
    's/return deleted > 0 ? LITE_DELETED/return true ? LITE_DELETED/' \
    'sqlite: an update of no row inserts it, a delete of no row is missed: the counts'
mutant etl-load/cdc.t '--strict lets an update insert its row' src/etl-load/sqlite/sqlite_store.c \
    's/return s->target->strict ? refuse_missing(s) : LITE_NOT_FOUND;/return LITE_NOT_FOUND;/' \
    'sqlite: --strict: the counts'
mutant etl-load/cdc_faults.t 'a change waits for a later one' src/etl-load/sqlite/sqlite_store.c \
    's/ \&\& !s->target->mode->changes;/;/' \
    'sqlite: a row that refers to a later row is a reject'

# PostgreSQL.
mutant etl-load/cdc_faults.t 'the order of changes of different rows is lost' src/etl-load/pg/pg_way.c \
    's/!f->other_unique \&\& !c->moves_rows/!c->moves_rows/' \
    'postgresql: a value of a unique index is free only after the delete'
mutant etl-load/cdc_random.t 'updates of the key are merged by the new key' src/etl-load/pg/pg_merge.c \
    's/(r->v\[i\].moves ||/(false ||/'
mutant etl-load/cdc.t 'all changes of a key are of one round' src/etl-load/pg/pg_sql.c \
    's/AS x WHERE round > 1"/AS x WHERE false"/' \
    'postgresql: changes of one row in one batch'
mutant etl-load/cdc_faults.t 'a trigger sees rows of later changes' src/etl-load/pg/pg_way.c \
    's/!f->strict \&\& !f->in_order/!f->strict/' 'a trigger sees each change with the rows of that moment'
mutant etl-load/cdc_faults.t 'a lack of rights rejects each record' src/etl-load/pg/pg_merge.c \
    's/try_empty_change(s, i, false, e) == -1))/false))/' \
    'a role without the right DELETE: exit code 77'
mutant etl-load/cdc.t 'a marked row is marked again' src/etl-load/pg/pg_sql.c \
    '/^put_not_marked/,/^}/s/if (t->soft_delete == NO_COLUMN)/if (true)/' \
    'postgresql: --soft-delete marks the rows: the counts'
mutant etl-load/cdc.t 'an update that --compare leaves alone inserts' src/etl-load/pg/pg_sql.c \
    's/"IF NOT \\"etl.found\\" THEN\\n\\"etl.found\\" := EXISTS "/"IF false THEN\\n\\"etl.found\\" := EXISTS "/' \
    'postgresql: '

# Streams.
mutant etl-load/cdc_faults.t 'changes may be applied twice' src/etl-load/spec.c \
    's/.deletes = true, .changes = true }/.deletes = true, .changes = true, .repeatable = true }/' \
    'a stream without checkpoints that breaks off changes nothing'
done_testing
