#!/bin/sh
# mutants-connections.sh [TEST|NAME...]: shows that the tests of --connections can
# fail.  See mutant.sh.
. tests/fault/mutant.sh

t=etl-load/connections.t
mutant $t 'blanks at the end of a text change its hash' src/etl-load/keys.c \
    "s/n > 0 \&\& text->data\[n - 1\] == ' '/false/" 'varchar with blanks'
mutant $t 'the hash of a uuid depends on its spelling' src/etl-load/keys.c \
    's/if (isxdigit(c))/if (true)/' 'uuid: both spellings'
mutant $t 'an unusual spelling of an integer has a hash of its own' src/etl-load/workers.c \
    's/w->unsure = true;/all->share_of[i] = 1;/' 'integers with a sign'
mutant $t 'a name that is cut has the hash of the whole text' src/etl-load/keys.c \
    's/(c->change == CHANGE_NONE || c->change == CHANGE_BLANKS)/true/; s/return c->equal_as_bytes \&\&/return c->kind == COLUMN_TEXT \&\&/' \
    'the type of the key is refused'
mutant $t 'records of a table that refers to itself are divided' src/etl-load/pg/pg_sink.c \
    's/else if (s->facts.refers_to_itself)/else if (false)/' \
    'a foreign key to the table itself'
mutant $t 'records of a table with a second unique index are divided' src/etl-load/pg/pg_sink.c \
    's/else if (loads_other_unique(s))/else if (false)/' \
    'a second unique index'
mutant $t 'a share is committed although another loader has gone on' src/etl-load/workers.c \
    's/return lock_stream(w, \&w->err) == -1 ? WORKER_FAILED :/return/' \
    'no row is overwritten'
mutant $t 'the checkpoint is not checked before a share is committed' src/etl-load/ledger.c \
    '/^stream_lock/,/^}/s/return !stream_has_checkpoint(s) ||/return true ||/' \
    'no row is overwritten'
mutant $t 'the first batch of a stream is divided' src/etl-load/workers.c \
    's/(!l->marked || s->batches > 0)/true/' 'a stream with checkpoints is loaded'
mutant $t 'committed shares are loaded again' src/etl-load/workers.c \
    '/^mark_committed(/,/^}/s/all->v\[i\].idle = true;/(void)0;/' \
    'the share of one connection fails once'
mutant $t 'rows are loaded again if only the state failed' src/etl-load/workers.c \
    's/if (l->batch.rows_are_stored ||/if (/' \
    'the commit of the state fails once: each row counts as inserted'
mutant $t 'rejects of the second share get the numbers of the first' src/etl-load/workers.c \
    's/w->place\[o->refused.v\[i\].item\]/o->refused.v[i].item/' \
    'several connections give'
mutant $t 'options of --ddl hold for one connection only' src/etl-load/workers.c \
    's/settings->len > 0 \&\&/false \&\&/' 'search_path of --ddl'
mutant $t 'a share waits without --lock-timeout' src/etl-load/workers.c \
    's/return time_limits_set_for(w->db, l->o, e);/return 0;/' \
    '--lock-timeout holds for the connections'
mutant $t 'the columns are not read again' src/etl-load/workers.c \
    's/if (changed)/if (false)/' \
    'a value that the new type would round is rejected'
mutant etl-load/connections_faults.t 'the outcome of a COMMIT without answer is not asked for' \
    src/etl-load/workers.c 's/if (w->xid == 0)/if (true)/' \
    'the answer to the COMMIT of a share is lost: each record'
done_testing
