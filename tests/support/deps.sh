#!/bin/sh
# deps.sh LIST: installs the Debian packages of LIST that are missing or too
# old, and says so; silent when all is there.
# A line of LIST: PACKAGE[|ALTERNATIVE] [LEAST-VERSION]; "#" starts a comment.
# 69 where apt-get fails, 78 where it may not be used.  Where the archives
# have nothing newer, an old version is used, with a warning.
set -eu
LC_ALL=C
export LC_ALL
list=$1

if ! command -v dpkg-query >/dev/null; then
	echo "deps: no Debian: please install what $list names" >&2
	exit 78
fi
wanted=$(sed 's/#.*//' "$list" | awk '{ print $1 }')
# shellcheck disable=SC2016,SC2046
found=$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' \
    $(echo "$wanted" | tr '|' ' ') 2>/dev/null || :)

least() {
	awk -v p="$1" '$1 == p { print $2 }' "$list"
}
version() {
	dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null |
	    sed -n 's/^installed //p' | head -n 1
}
# old PACKAGE VERSION: it is older than LIST wants.
old() {
	[ -n "$(least "$1")" ] && dpkg --compare-versions "$2" lt "$(least "$1")"
}

missing=''
for package in $wanted; do
	have=$(printf '%s\n' "$found" | awk -v p="|$package|" \
	    'index(p, "|" $1 "|") && $2 == "installed" { print $3; exit }')
	if [ -z "$have" ]; then
		missing="$missing ${package%%|*}"
	elif old "$package" "$have"; then
		echo "deps: $package $have is older than $(least "$package")"
		missing="$missing $package"
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
echo "deps: installing:$missing"
$as apt-get -q update || exit 69
# shellcheck disable=SC2086
$as env DEBIAN_FRONTEND=noninteractive $install || exit 69

for package in $missing; do
	have=$(version "$package")
	if old "$package" "$have"; then
		echo "deps: WARNING: $package is still $have: what" \
		    "$(least "$package") repairs is not repaired here; add the" \
		    "security archive of your release to apt's sources" >&2
	fi
done
