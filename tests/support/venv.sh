# shellcheck shell=sh
# Sourced by tests after lib.sh: programs of the Python package index.

# venv_make NAME REQUIREMENTS WHAT [OPTION...]: pip installs the packages of the file
# REQUIREMENTS into a folder of build, whose path is in $venv.  The folder is kept until
# REQUIREMENTS changes: only the first call needs a package index.  If pip fails,
# the test ends with a failed check that names WHAT.  OPTIONs are those of pip.
# shellcheck disable=SC2154
venv_make() {
	requirements=$2 what=$3
	venv=$top/build/$1-$(cksum <"$requirements" | cut -d' ' -f1)
	shift 3
	[ ! -e "$venv/ready" ] || return 0
	rm -rf "$venv"
	if ! { /usr/bin/python3 -m venv "$venv" &&
	    "$venv/bin/pip" install -q --disable-pip-version-check --no-deps \
		"$@" -r "$requirements" && : >"$venv/ready"; } \
	    >"$scratch/pip" 2>&1; then
		check "pip installs $what, for which it needs a package index" 1
		diag "$(tail -n 20 "$scratch/pip")"
		done_testing
		exit 1
	fi
}
