#!/bin/sh
# make deps (deps.sh) prints nothing if all packages are installed, installs
# missing or old ones, and says what it cannot do.  apt-get is a stub here, so
# this test installs nothing.
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

is 'deps.sh succeeds if all packages are installed' 0 \
    "$(deps '# a comment' make '' 'nonesuch|dpkg  # or' 'dpkg 1')"
is 'deps.sh prints nothing if all packages are installed' \
    '' "$(cat "$scratch/out" "$scratch/err")"

is 'deps.sh succeeds when it installs missing packages' \
    0 "$(deps make 'nonesuch1|nonesuch2' nonesuch3 dpkg || :)"
is 'one line names the packages that are installed' \
    'deps: installing: nonesuch1 nonesuch3' \
    "$(cat "$scratch/out")"
is 'root runs apt-get update and apt-get install' 'apt-get -q update
apt-get install -y --no-install-recommends nonesuch1 nonesuch3' \
    "$(cat "$scratch/calls")"
is 'the output of a successful apt-get is not shown' '' "$(cat "$scratch/err")"
section=demo
is 'deps.sh with a section succeeds' \
    0 "$(deps '[build]' dpkg nonesuch1 '[demo]' nonesuch2 \
    '[tests]' nonesuch3)"
is 'with a section, it and the sections before it are installed' \
    'deps: installing: nonesuch1 nonesuch2' "$(cat "$scratch/out")"
section=''
is 'deps.sh without a section succeeds' \
    0 "$(deps '[build]' nonesuch1 '[tests]' nonesuch2)"
is 'without a section, the packages of all sections are installed' \
    'deps: installing: nonesuch1 nonesuch2' \
    "$(cat "$scratch/out")"
is 'deps.sh succeeds when an installed package is too old' 0 "$(deps 'dpkg 99')"
like 'a line names the package that is too old' \
    '^deps: dpkg [0-9.]+ is older than 99$' "$(cat "$scratch/out")"
like 'a warning says that no newer version was found' \
    '^deps: WARNING: dpkg is still ' \
    "$(cat "$scratch/err")"
for line in 'dpkg.*' 'a b c' '-y' 'x|' 'x one'; do
	is "the invalid package line '$line' ends deps.sh with 64" \
	    64 "$(deps "$line")"
	is "the invalid package line '$line' installs nothing" \
	    '' "$(cat "$scratch/out")"
done
stub apt-get 'echo no such package; exit 100'
is 'deps.sh exits with 69 if apt-get fails' 69 "$(deps nonesuch)"
is 'the output and the command of a failed apt-get are shown' \
    'no such package
deps: this command failed: apt-get -q update' "$(cat "$scratch/err")"

stub id 'echo 1000'
is 'without root and without sudo, deps.sh exits with 78' \
    78 "$(deps make no-such-package 'dpkg 99')"
like 'without root and without sudo, deps.sh prints the command' \
    'apt-get install -y --no-install-recommends no-such-package dpkg$' \
    "$(cat "$scratch/err")"
done_testing
