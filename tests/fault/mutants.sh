#!/bin/sh
# mutants.sh [NAME...]: can the sweep fail?  Each mutant breaks one rule of the
# protocol by an edit of one file, in a copy of the tree; the sweep of a few
# points has to find each.  Prints TAP.
# shellcheck disable=SC2016
. tests/support/lib.sh
wanted=${*:-all}
tree=$scratch/tree
mkdir "$tree"
cp -a Makefile lib src sql man tests "$tree"
cp -a build "$tree/build"
again='db_commit(l->db, e) == -1 || db_begin(l->db, e) == -1'
after='	if (db_commit(l->db, e) == 0'

# mutant NAME FILE EDIT SWEEP'S ARGUMENTS...
mutant() {
	name=$1 file=$2 edit=$3
	shift 3
	case " $wanted " in
	*" all "* | *" $name "*) ;;
	*) return 0 ;;
	esac
	sed "$edit" "$file" >"$tree/$file"
	if cmp -s "$file" "$tree/$file" ||
	    ! make -s -C "$tree" CFLAGS='-O2 -w' all >"$scratch/made" 2>&1; then
		check "$name: can be made" 1
		tail "$scratch/made" >&2
	else
		(cd "$tree" && ETL_BIN=bin ETL_BUILD=build \
		    sh tests/fault/sweep.sh "$@") \
		    >"$scratch/swept" 2>"$scratch/failures" || :
		isnt "$name: $(grep '^# .*points' "$scratch/swept")" 0 \
		    "$(grep -c '^not ok' "$scratch/swept")"
		sed -n '/FAILED/{s/.*FAILED/# first:/p;q}' "$scratch/failures"
	fi
	cp "$file" "$tree/$file"
}

mutant 'letters after their batch' src/etl-load/commit.c "
/(rejects_store(l, row, e) == -1)/,+1d
s/^$after)/$after \&\& db_begin(l->db, e) == 0 \&\& \
rejects_store(l, row, e) == 0 \&\& db_commit(l->db, e) == 0)/" \
    -e 8 sqlite/marks-append/load

mutant 'ledger after its batch' src/etl-load/commit.c "
s/^	if (l->marked && (rc = stream_move/	if ($again) return -1;&/" \
    -e 8 sqlite/marks-append/load

mutant 'checkpoint after its batch' src/etl-load/stream_row.c "
s/if (move_checkpoint(l, e)/if ($again || move_checkpoint(l, e)/" \
    -e 8 sqlite/extract/load

mutant 'checkpoint before its batch' src/etl-load/commit.c "
s/^	rc = apply(l, e);/if (l->marked \&\& (stream_move(l, ended, e) != 1 || \
$again)) return -1;&/
s/^	if (l->marked && (rc = stream_move/	if (false \&\& (rc = stream_move/
" -e 8 sqlite/extract/load

mutant 'version not compared' sql/sqlite/checkpoint_move.sql '
s/version = \$3/version >= 0 * $3/' -e 20 sqlite/overlap

mutant 'resolve not compared' sql/sqlite/letter_resolve.sql '
s/resolved_upto = \$3 AND .*/$3 IS NOT NULL/' -e 20 sqlite/replays

mutant 'saved stream loaded again' sql/sqlite/ledger_read.sql '
s/stream_id = \$1/stream_id = $1 || 0/' -e 20 sqlite/marks-append/load

mutant 'tail of a cut stream stored' src/etl-load/load.c '
s/cause.code != ERR_LIMIT && !l->whole &&/cause.code != ERR_LIMIT \&\&/' \
    -e 3 sqlite/drip/transform

mutant 'value saved before what it covers' src/etl-checkpoint/save.c "
s/^	if (stage_pass(s->stage, e) == -1)/if (m->kind == MARK_CHECKPOINT \
\&\& (saver_take(\&s->saver, m, e) == -1 || saver_save(\&s->saver, e) \
== -1)) return -1;&/
s/^	if (m->kind != MARK_CHECKPOINT)/	if (m != NULL)/" \
    -e 2 sqlite/save/save

mutant 'rows of dead runs stay' sql/sqlite/run_stale.sql '
s/pipeline = \$1/pipeline = $1 AND 0/' -e 8 sqlite/run/run
done_testing
