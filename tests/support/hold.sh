# shellcheck shell=sh
# Sourced by tests after lib.sh: another session of $db that keeps a lock.

# hold STATEMENT...: keeps a transaction open that has executed the statements.
# More statements can be written to file descriptor 8; their output is in
# $scratch/held.  Do not call it in a subshell.
# shellcheck disable=SC2154
hold() {
	rm -f "$scratch/hold" "$scratch/held"
	mkfifo "$scratch/hold"
	case $db in
	sqlite:*) sqlite3 -batch "${db#sqlite:}" <"$scratch/hold" \
	    >"$scratch/held" 2>&1 & ;;
	*) psql -XAtq -d "$db" <"$scratch/hold" >"$scratch/held" 2>&1 & ;;
	esac
	holder=$!
	exec 8>"$scratch/hold"
	printf '%s;\n' "$@" "SELECT 'held'" >&8
	wait_until 10 grep -q held "$scratch/held"
}
# release: ends the session and its transaction.
release() {
	exec 8>&-
	{ wait "$holder" || :; } 2>/dev/null
}
