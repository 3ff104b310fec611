#!/bin/sh
# make deps: silent where all is there, and says what it cannot do.
# apt-get is a stub here: a test installs nothing.
. tests/support/lib.sh

mkdir "$scratch/bin"
for tool in sh sed awk grep tr head cat env dpkg dpkg-query; do
	ln -s "$(command -v $tool)" "$scratch/bin/$tool"
done
stub() {
	printf '#!/bin/sh\n%s\n' "$2" >"$scratch/bin/$1"
	chmod +x "$scratch/bin/$1"
}
# shellcheck disable=SC2016
stub apt-get "echo \"apt-get \$*\" >>'$scratch/calls'; echo noise"
stub id 'echo 0'
section=''
deps() {
	: >"$scratch/calls"
	printf '%s\n' "$@" >"$scratch/list"
	rc=0
	# shellcheck disable=SC2086
	PATH=$scratch/bin sh tests/support/deps.sh "$scratch/list" $section \
	    >"$scratch/out" 2>"$scratch/err" || rc=$?
	echo $rc
}

is 'all is there' 0 \
    "$(deps '# a comment' make '' 'nonesuch|dpkg  # or' 'dpkg 1')"
is 'nothing is said' '' "$(cat "$scratch/out" "$scratch/err")"

is 'missing' 0 "$(deps make 'nonesuch1|nonesuch2' nonesuch3 dpkg || :)"
is 'one line names the packages' 'deps: installing: nonesuch1 nonesuch3' \
    "$(cat "$scratch/out")"
is 'what root does' 'apt-get -q update
apt-get install -y --no-install-recommends nonesuch1 nonesuch3' \
    "$(cat "$scratch/calls")"
is 'what apt-get prints is not shown' '' "$(cat "$scratch/err")"
section=demo
is 'up to a section' 0 "$(deps '[build]' dpkg nonesuch1 '[demo]' nonesuch2 \
    '[tests]' nonesuch3)"
is 'the packages of the sections before it and of this one are installed' \
    'deps: installing: nonesuch1 nonesuch2' "$(cat "$scratch/out")"
section=''
is 'without a section' 0 "$(deps '[build]' nonesuch1 '[tests]' nonesuch2)"
is 'all packages are installed' 'deps: installing: nonesuch1 nonesuch2' \
    "$(cat "$scratch/out")"
is 'too old' 0 "$(deps 'dpkg 99')"
like 'is said' '^deps: dpkg [0-9.]+ is older than 99$' "$(cat "$scratch/out")"
like 'and what it means' '^deps: WARNING: dpkg is still ' \
    "$(cat "$scratch/err")"
for line in 'dpkg.*' 'a b c' '-y' 'x|' 'x one'; do
	is "no package: $line" 64 "$(deps "$line")"
	is "nothing is installed for: $line" '' "$(cat "$scratch/out")"
done
stub apt-get 'echo no such package; exit 100'
is 'apt-get fails' 69 "$(deps nonesuch)"
is 'then its output is shown, with the command' \
    'no such package
deps: this command failed: apt-get -q update' "$(cat "$scratch/err")"

stub id 'echo 1000'
is 'not root, no sudo' 78 "$(deps make no-such-package 'dpkg 99')"
like 'what to type' \
    'apt-get install -y --no-install-recommends no-such-package dpkg$' \
    "$(cat "$scratch/err")"
done_testing
