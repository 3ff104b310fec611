#!/bin/sh
# The files of SQL: both dialects have the same files, with their statements in
# the same order, and each statement says what it is for.
. tests/support/lib.sh

# statements FILE: the names of its statements, in order.
statements() {
	sed -n 's/^-- name: //p' "$1"
}
# common A B: the statements of A that B has too, in the order of A.
common() {
	statements "$2" >"$scratch/other"
	statements "$1" | grep -Fxf "$scratch/other" || :
}
# without_purpose FILE: statements whose name is not followed by a comment.
without_purpose() {
	awk '/^-- name: / { name = $3; next }
	name != "" { if (!/^-- /) print name; name = "" }
	END { if (name != "") print name }' "$1"
}

is 'both dialects have the same files' \
    "$(cd sql/postgresql && ls)" "$(cd sql/sqlite && ls)"
for file in sql/postgresql/*.sql; do
	other=sql/sqlite/${file##*/}
	is "${file##*/}: the statements that both dialects have stand in one order" \
	    "$(common "$file" "$other")" "$(common "$other" "$file")"
done
for file in sql/*/*.sql; do
	ok "$file: has statements" test -n "$(statements "$file")"
	is "$file: each statement says what it is for" '' \
	    "$(without_purpose "$file")"
	is "$file: lines of 80 columns" '' "$(grep -nE '^.{81}' "$file" || :)"
done
is 'no name stands twice in a dialect' '' "$(for dialect in sql/*/; do
	cat "$dialect"*.sql | sed -n 's/^-- name: //p' | sort | uniq -d
done)"
done_testing
