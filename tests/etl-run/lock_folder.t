#!/bin/sh
# shellcheck disable=SC2016
# The folders of the lock files: another user cannot take them, and runs under
# cron and in a login session of one user exclude each other.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"
state=$scratch/state runtime=$scratch/runtime
mkdir -m 700 runtime

# in_cron COMMAND...: runs COMMAND as cron does, without XDG_RUNTIME_DIR.
in_cron() {
	env -u XDG_RUNTIME_DIR XDG_STATE_HOME="$state" "$@"
}
in_session() {
	env XDG_RUNTIME_DIR="$runtime" XDG_STATE_HOME="$state" "$@"
}
# folder COMMAND...: prints the line of a dry run that names the lock folders.
folder() {
	"$@" etl-run --dry-run -c : | grep '^lock folder:'
}
is 'a session has its lock in XDG_RUNTIME_DIR and in XDG_STATE_HOME' \
    "lock folder: $runtime/etl-run and $state/etl-run" \
    "$(folder in_session)"
is 'cron has its lock in XDG_STATE_HOME' "lock folder: $state/etl-run" \
    "$(folder in_cron)"
is '--dry-run does not create the folders' '' \
    "$(find runtime/etl-run state 2>/dev/null || :)"
home=$(getent passwd "$(id -u)" | cut -d : -f 6)
is 'without both the lock is in the home folder, whatever HOME is' \
    "lock folder: $home/.local/state/etl-run" \
    "$(folder env -u XDG_STATE_HOME HOME=/nonexistent)"
is 'a relative XDG_RUNTIME_DIR or XDG_STATE_HOME is not used' \
    "lock folder: $home/.local/state/etl-run" \
    "$(folder env XDG_STATE_HOME=state XDG_RUNTIME_DIR=runtime)"

# hold ENVIRONMENT: starts a run in the environment that holds the lock.
hold() {
	rm -f held over
	"$1" etl-run --name p -c ': >held
	    i=0; until [ -e over ] || [ $i -ge 600 ]; do
	    i=$((i + 1)); sleep 0.05; done' 2>/dev/null &
	holder=$!
	wait_until 20 test -e held
}
for first in in_cron in_session; do
	for second in in_cron in_session; do
		hold $first
		is "$second after $first: the second run exits with 75" 75 \
		    "$(status $second etl-run --name p -c :)"
		like "$second after $first: the message names the lock folder" \
		    "^etl-run: p: already running .*; the lock is in $scratch/[a-z]*/etl-run\$" \
		    "$(cat err)"
		like "$second after $first: --dry-run says who has the lock" \
		    '^lock: already running as process' \
		    "$($second etl-run --dry-run --name p -c :)"
		: >over
		wait $holder
		is "$second after $first: a later run exits with 0" 0 \
		    "$(status $second etl-run --name p -c :)"
	done
done
# At a logout the system removes XDG_RUNTIME_DIR.
hold in_session
rm -r runtime
mkdir -m 700 runtime
is 'a run that outlives its session still has the lock' '75 75' \
    "$(status in_session etl-run --name p -c :) $(status in_cron \
    etl-run --name p -c :)"
: >over
wait $holder
is 'the folders that etl-run creates have mode 700' '700 700 700' \
    "$(stat -c %a runtime/etl-run state state/etl-run | tr '\n' ' ' |
    sed 's/ $//')"
is 'both variables may name the same folder' 0 \
    "$(status env XDG_RUNTIME_DIR="$runtime" XDG_STATE_HOME="$runtime" \
    etl-run --name p -c :)"
chmod 777 runtime
is 'an XDG_RUNTIME_DIR in which others may write is not used' \
    "lock folder: $state/etl-run" "$(folder in_session)"
chmod 755 state/etl-run
is 'a lock folder that others may read is refused with 77' 77 \
    "$(status in_cron etl-run --name p -c :)"
like 'the message names the folder and says what to do' \
    "^etl-run: $state/etl-run: .*mode 0700.*set XDG_STATE_HOME" "$(cat err)"
: >file
is 'an XDG_STATE_HOME that cannot be created is refused with 73' 73 \
    "$(status env XDG_STATE_HOME="$scratch/file/x" etl-run --name p -c :)"
like 'the message names the folder that cannot be created' \
    "^etl-run: $scratch/file/x: cannot create .*: Not a directory" "$(cat err)"

# A user without a home folder has the lock in /tmp. Another user may have taken
# this folder.
if [ "$(id -u)" -eq 0 ]; then
	uid=$((20000 + $$ % 30000)) other=$(mktemp -d /tmp/etl-test-other.XXXXXX)
	taken=/tmp/etl-run-$uid
	at_exit "rm -rf $other $taken"
	cp "$(command -v etl-run)" "$other"
	chown -R $uid "$other"
	as_other() {
		env -u XDG_STATE_HOME DATABASE_URL="sqlite:$other/x.db" \
		    setpriv --reuid $uid --clear-groups "$@"
	}
	is 'a user without a home folder has the lock in /tmp' \
	    "lock folder: $taken" "$(as_other env HOME=/nonexistent \
	    "$other/etl-run" --dry-run -c : | grep folder:)"
	mkdir "$taken"
	is 'a folder in /tmp that another user has made is refused with 77' 77 \
	    "$(status as_other env HOME=/nonexistent "$other/etl-run" -c :)"
	like 'the message says how to use another folder' \
	    "^etl-run: $taken: .*set XDG_STATE_HOME" "$(cat err)"
	is 'XDG_STATE_HOME is used in place of the folder in /tmp' 0 \
	    "$(status as_other env HOME=/nonexistent XDG_STATE_HOME="$other/s" \
	    "$other/etl-run" -c :)"
	is 'a home folder is used in place of the folder in /tmp' 0 \
	    "$(status as_other env HOME="$other" "$other/etl-run" -c :)"
fi
done_testing
