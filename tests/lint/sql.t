#!/bin/sh
# The SQL files: both dialects have the same files with their statements in the
# same order, and a comment after the name of each statement says what it is for.
. tests/support/lib.sh

# statements FILE: prints the names of its statements, in order.
statements() {
	sed -n 's/^-- name: //p' "$1"
}
# common A B: prints the statements of A that B has too, in the order of A.
common() {
	statements "$2" >"$scratch/other"
	statements "$1" | grep -Fxf "$scratch/other" || :
}
# without_purpose FILE: prints statements whose name has no comment after it.
without_purpose() {
	awk '/^-- name: / { name = $3; next }
	name != "" { if (!/^-- /) print name; name = "" }
	END { if (name != "") print name }' "$1"
}

is 'both SQL dialects have the same files' \
    "$(cd sql/postgresql && ls)" "$(cd sql/sqlite && ls)"
for file in sql/postgresql/*.sql; do
	other=sql/sqlite/${file##*/}
	is "${file##*/}: both dialects have their common statements in the same order" \
	    "$(common "$file" "$other")" "$(common "$other" "$file")"
done
for file in sql/*/*.sql; do
	ok "$file: the file has statements" test -n "$(statements "$file")"
	is "$file: each statement has a comment after its name" '' \
	    "$(without_purpose "$file")"
	is "$file: no line has more than 80 columns" \
	    '' "$(grep -nE '^.{81}' "$file" || :)"
done
is 'no two statements of a dialect have the same name' \
    '' "$(for dialect in sql/*/; do
	cat "$dialect"*.sql | sed -n 's/^-- name: //p' | sort | uniq -d
done)"
done_testing
