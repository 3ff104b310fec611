#!/bin/sh
# deps.sh LIST [SECTION]: installs the Debian packages of LIST that are missing
# or too old, and prints their names; prints nothing if all are installed.
# A line of LIST: PACKAGE[|ALTERNATIVE] [LEAST-VERSION], or [SECTION]; "#" starts
# a comment.  With SECTION, the packages up to the end of this section.
# Exit code 64: a line of LIST is wrong; 69: apt-get failed, and its output is
# printed; 78: this user may not install.  If the archives have no newer version,
# an old one is used, with a warning.
set -eu
LC_ALL=C
export LC_ALL

if ! command -v dpkg-query >/dev/null; then
	echo "deps: no Debian: please install what $1 names" >&2
	exit 78
fi
lines=$(sed 's/[[:blank:]]*#.*//; /^[[:blank:]]*$/d' "$1" | awk -v last="${2-}" '
    !/^\[.*\]$/ { print; next }
    over { exit }
    $0 == "[" last "]" { over = 1 }')
# Check the names: apt-get takes an unknown name as a pattern and installs every
# package that matches it.
name='[a-z0-9][a-z0-9+-]+'
if wrong=$(printf '%s\n' "$lines" |
    grep -Evx "$name(\|$name)*([[:blank:]]+[0-9][A-Za-z0-9.+:~-]*)?"); then
	echo "deps: $1: no package line: $wrong" >&2
	exit 64
fi
# shellcheck disable=SC2016,SC2046
found=$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' \
    $(printf '%s\n' "$lines" | awk '{ gsub(/\|/, " ", $1); print $1 }') \
    2>/dev/null || :)

# version NAMES: prints the version of the first package that is installed.
version() {
	printf '%s\n' "$found" | awk -v p="|$1|" \
	    'index(p, "|" $1 "|") && $2 == "installed" { print $3; exit }'
}
least() {
	printf '%s\n' "$lines" | awk -v p="$1" '$1 == p { print $2 }'
}
old() {
	[ -n "$(least "$1")" ] &&
	    dpkg --compare-versions "$2" lt "$(least "$1")"
}

missing=''
for names in $(printf '%s\n' "$lines" | awk '{ print $1 }'); do
	have=$(version "$names")
	if [ -z "$have" ]; then
		missing="$missing ${names%%|*}"
	elif old "$names" "$have"; then
		echo "deps: $names $have is older than $(least "$names")"
		missing="$missing ${names%%|*}"
	fi
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
as=''
if [ "$(id -u)" -ne 0 ]; then
	as=sudo
	if ! command -v sudo >/dev/null; then
		echo "deps: missing or too old:$missing" >&2
		echo "deps: as root, type: apt-get update && $install" >&2
		exit 78
	fi
fi
# quietly COMMAND ...: shows what it prints only if it fails.
quietly() {
	if ! said=$("$@" 2>&1); then
		printf '%s\n' "$said" "deps: this command failed: $*" >&2
		exit 69
	fi
}
echo "deps: installing:$missing"
# shellcheck disable=SC2086
{
	quietly $as apt-get -q update
	quietly $as env DEBIAN_FRONTEND=noninteractive $install
}

for package in $missing; do
	# shellcheck disable=SC2016
	have=$(dpkg-query -W -f '${Version}\n' "$package" 2>/dev/null | head -n 1)
	if old "$package" "$have"; then
		echo "deps: WARNING: $package is still $have: what" \
		    "$(least "$package") repairs is not repaired here; add the" \
		    "security archive of your release to apt's sources" >&2
	fi
done
