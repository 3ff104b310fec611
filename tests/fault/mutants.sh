#!/bin/sh
# mutants.sh [NAME...]: shows that the crash sweep can fail.  Each mutant breaks
# one rule of the protocol, and a sweep of a few kills must find it; see mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh
again='db_commit(l->db, e) == -1 || db_begin(l->db, e) == -1'
after='	if (db_commit(l->db, e) == 0'

mutant 'sweep.sh -e 8 sqlite/marks-append/load' \
    'dead letters are committed after their batch' src/etl-load/commit.c "
s/&letters_phase, &ledger_phase/\&ledger_phase/
s/^$after)/$after \&\& db_begin(l->db, e) == 0 \&\& \
letters_phase.finish(l, e) == 0 \&\& db_commit(l->db, e) == 0)/"

mutant 'sweep.sh -e 8 sqlite/marks-append/load' \
    'the ledger is committed after its batch' src/etl-load/commit.c "
s/rc = phases\[i\]->finish(l, e);/\
if (phases[i] == \&ledger_phase \&\& ($again)) return -1; else &/"

mutant 'sweep.sh -e 8 sqlite/extract/load' \
    'the checkpoint is committed after its batch' src/etl-load/ledger.c "
s/return move_checkpoint(l, e);/return ($again) ? -1 : move_checkpoint(l, e);/"

mutant 'sweep.sh -e 8 sqlite/extract/load' \
    'the checkpoint is committed before its batch' src/etl-load/commit.c "
s/^	switch (l->batch.rows_are_stored ? .*/if (l->marked \&\& \
(ledger_phase.finish(l, e) != 0 || $again)) return -1;&/
s/&letters_phase, &ledger_phase/\&letters_phase/"

mutant 'sweep.sh -e 20 sqlite/overlap' \
    'the version of the checkpoint is not compared' sql/sqlite/checkpoints.sql@checkpoint_move '
s/version = \$3/version >= 0 * $3/'

mutant 'sweep.sh -e 8 sqlite/scopes/load' \
    'scopes are deleted in a transaction of their own' src/etl-load/commit.c "
s/phases\[i\]->begin(l, e) == -1)/(& || (phases[i] == \&replace_phase \&\& ($again)))/"

mutant 'sweep.sh -e 20 sqlite/replays' \
    'the state of a letter is not compared when it is resolved' sql/sqlite/letters.sql@letter_resolve '
s/resolved_upto = \$3 AND .*/$3 IS NOT NULL/'

mutant 'sweep.sh -e 20 sqlite/marks-append/load' \
    'a stream that was already loaded is loaded again' sql/sqlite/ledger.sql@ledger_read '
s/stream_id = \$1/stream_id = $1 || 0/'

mutant 'sweep.sh -e 3 sqlite/drip/transform' \
    'records after the last boundary of a cut stream are stored' src/etl-load/load.c '
s/cause.code != ERR_LIMIT && !l->whole &&/cause.code != ERR_LIMIT \&\&/'

mutant 'sweep.sh -e 2 sqlite/save/save' \
    'the checkpoint is saved before its mark is passed on' src/etl-checkpoint/save_command.c "
s/^	if (stage_pass(s->stage, e) == -1)/if (m->kind == MARK_CHECKPOINT \
\&\& (saver_note_mark(\&s->saver, m, e) == -1 || saver_save(\&s->saver, e) \
== -1)) return -1;&/
s/^	if (m->kind != MARK_CHECKPOINT)/	if (m != NULL)/"

mutant 'sweep.sh -e 8 sqlite/run/run' \
    'the rows of killed runs stay running' sql/sqlite/runs.sql@run_list_running '
s/pipeline = \$1/pipeline = $1 AND 0/'
done_testing
