#!/bin/sh
# Valid streams, spoilt at random, into every reader of a stream: the exit
# status, the boundaries passed on and what is stored are those that model.py
# makes of etl-record(5). CASES and SEED for more; CASE does one of them alone.
. tests/support/lib.sh

cases=${CASES:-36} seed=${SEED:-3}
mkdir -p "$etl_build/attack"
attack() {
	python3 tests/etl-record/attack.py "$@"
}
rc=0
attack "$scratch" "$seed" "$cases" >"$scratch/out" || rc=$?
is "seed $seed, $cases cases: as the page says" 0 $rc
[ $rc -eq 0 ] || diag "$(cut -c1-500 "$scratch/out")" \
    "streams in $etl_build/attack"
[ $rc -eq 0 ] || cp -R "$scratch/bad" "$etl_build/attack/seed-$seed"

# It would see a filter that lets everything through.
mkdir "$scratch/bin"
printf '#!/bin/sh\nexec cat\n' >"$scratch/bin/etl-transform"
chmod +x "$scratch/bin/etl-transform"
rc=0
PATH=$scratch/bin:$PATH CASE='' attack "$scratch" 3 6 >"$scratch/out" || rc=$?
is 'a filter that checks nothing is found' 1 $rc
like 'and named' '^case [0-9]+: etl-transform: status 0, wanted' \
    "$(cat "$scratch/out")"
done_testing
