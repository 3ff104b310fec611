#!/bin/sh
# deps.sh LIST: installs the Debian packages of LIST that are missing or too
# old, and says so; silent when all is there.
# A line of LIST: PACKAGE [LEAST-VERSION]; "#" starts a comment.
# 69 where apt-get fails, 78 where it may not be used.
set -eu
LC_ALL=C
export LC_ALL
list=$1

if ! command -v dpkg-query >/dev/null; then
	echo "deps: no Debian: please install what $list names" >&2
	exit 78
fi
wanted=$(sed 's/#.*//' "$list" | awk '{ print $1 }')
# shellcheck disable=SC2016,SC2086
found=$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' \
    $wanted 2>/dev/null || :)

missing=''
for package in $wanted; do
	version=$(printf '%s\n' "$found" |
	    awk -v p="$package" '$1 == p && $2 == "installed" { print $3; exit }')
	least=$(awk -v p="$package" '$1 == p { print $2 }' "$list")
	if [ -z "$version" ]; then
		missing="$missing $package"
	elif [ -n "$least" ] && dpkg --compare-versions "$version" lt "$least"
	then
		echo "deps: $package $version is older than $least"
		missing="$missing $package"
	fi
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
as=''
if [ "$(id -u)" -ne 0 ]; then
	as=sudo
	if ! command -v sudo >/dev/null; then
		echo "deps: missing:$missing" >&2
		echo "deps: as root, type: apt-get update && $install" >&2
		exit 78
	fi
fi
echo "deps: installing:$missing"
$as apt-get -q update || exit 69
# shellcheck disable=SC2086
$as env DEBIAN_FRONTEND=noninteractive $install || exit 69
