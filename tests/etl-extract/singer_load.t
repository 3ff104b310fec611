#!/bin/sh
# What a Singer tap writes is loaded into both databases: each record once, also
# if the tap fails and the programs are killed.  tests/etl-extract/real_tap.sh
# does the same with a tap of the Python index.
. tests/support/lib.sh
. tests/etl-extract/singer_load.sh

cd "$scratch"
seed=$(random_seed)
echo "# SEED=$seed"
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	echo $((seed / 65536 % $1))
}

# A tap in shell that writes a STATE after each third record, or fails.
cat >tap <<'END'
#!/bin/sh
from=0
for file; do :; done
[ "${file#/dev/fd/}" = "$file" ] || from=$(jq .i "$file")
i=$from
while [ "$i" -lt 60 ]; do
	i=$((i + 1))
	echo "{\"type\":\"RECORD\",\"stream\":\"items\",\"record\":{\"id\":$i}}"
	[ "$i:${fails:-0}" != 30:32 ] || sleep 1.1     # so that a mark is due
	[ $((i % 3)) -ne 0 ] || {
		echo "{\"type\":\"STATE\",\"value\":{\"i\":$i,\"é\":\"\\u0000\"}}"
		sleep "0.0${pause:-0}"
	}
	[ "$i" -ne "${fails:-0}" ] || exit 3
done
END
chmod +x tap
for kind in sqlite postgresql; do
	db_new $kind
	make_tables
	for mode in append upsert; do
		fails=32
		export fails
		isnt "$kind, $mode: a tap that fails makes the run fail" 0 \
		    "$(status load $mode ./tap)"
		unset fails
		is "$kind, $mode: what came before its last STATE is loaded" \
		    '30|30' "$(counted $mode)"
		is "$kind, $mode: and this STATE is stored, byte by byte" \
		    '{"i":30,"é":"\u0000"}' "$(etl-checkpoint get --db "$db" $mode)"
		etl-checkpoint set --db "$db" $mode '{ "i" : 33 }'
		is "$kind, $mode: a run begins at the STATE that etl-checkpoint sets" 0 \
		    "$(status load $mode ./tap)"
		is "$kind, $mode: so it reads what comes after it" '57|57' \
		    "$(counted $mode)"
		etl-checkpoint clear --db "$db" $mode
		sql "DELETE FROM t_$mode"
		pause=8
		export pause
		for victim in etl-extract etl-load tap etl-extract tap etl-load; do
			load $mode ./tap >kill.out 2>&1 &
			pid=$!
			sleep "0.$(printf %03d "$(random 700)")"
			for p in $(ps -eo pid=,args= | awk -v t="$scratch" -v v="$victim" '
			    index($0, "t_'$mode'") && v == "etl-load" && / etl-load / ||
			    index($0, "--singer ./tap") && v == "etl-extract" ||
			    /sh .\/tap/ && v == "tap" && !/--singer/ { print $1 }'); do
				[ "$(readlink "/proc/$p/cwd")" != "$scratch" ] ||
				    kill -KILL "$p"
			done 2>/dev/null
			wait $pid || :
		done
		unset pause
		is "$kind, $mode: a run after kills" 0 "$(status load $mode ./tap)"
		is "$kind, $mode: each record once" '60|60' "$(counted $mode)"
	done
done
done_testing
