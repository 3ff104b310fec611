#!/bin/sh
# attack.py corrupts valid streams at random and gives them to every program
# that reads a stream. The exit status, the boundaries that the program passes on
# and what it stores must be those that model.py computes from etl-record(5).
# CASES=N runs N cases, SEED=N other random cases, CASE=N only case N.
. tests/support/lib.sh

cases=${CASES:-36} seed=${SEED:-3}
mkdir -p "$etl_build/attack"
attack() {
	python3 tests/etl-record/attack.py "$@"
}
rc=0
attack "$scratch" "$seed" "$cases" >"$scratch/out" || rc=$?
is "seed $seed, $cases corrupted streams: all programs follow etl-record(5)" \
    0 $rc
[ $rc -eq 0 ] || diag "$(cut -c1-500 "$scratch/out")" \
    "streams in $etl_build/attack"
[ $rc -eq 0 ] || cp -R "$scratch/bad" "$etl_build/attack/seed-$seed"

# attack.py must find a broken program: here etl-transform is only cat.
mkdir "$scratch/bin"
printf '#!/bin/sh\nexec cat\n' >"$scratch/bin/etl-transform"
chmod +x "$scratch/bin/etl-transform"
rc=0
PATH=$scratch/bin:$PATH CASE='' attack "$scratch" 3 6 >"$scratch/out" || rc=$?
is 'attack.py exits with 1 if a filter checks nothing' 1 $rc
like 'attack.py names the filter that checks nothing' \
    '^case [0-9]+: etl-transform: status 0, wanted' \
    "$(cat "$scratch/out")"
done_testing
