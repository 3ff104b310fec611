#!/bin/sh
# The style rules that have a number: lengths of functions, files and lines.
# shellcheck disable=SC2016 # $ is awk's
. tests/support/lib.sh

find src lib tests -name '*.[ch]' | sort >"$scratch/files"
xargs cat <"$scratch/files" >"$scratch/all"
ok 'there are C files to check' test -s "$scratch/all"

# Lists NAME LINES FILE for every function; the name of a function starts a line.
xargs ctags -x --kinds-C=f --_xformat='%N %{line} %{end} %F' \
    <"$scratch/files" | awk '{ print $1, $3 - $2 + 1, $4 }' |
    sort -k2,2n >"$scratch/functions"
# Ceilings that a good function and a good file never meet.
is 'no function has more than 120 lines' \
    '' "$(awk '$2 > 120' "$scratch/functions")"
is 'no file has more than 1500 lines' '' "$(xargs wc -l <"$scratch/files" |
    awk '$2 != "total" && $1 > 1500 { print $2 ": " $1 " lines" }')"
ok 'the Makefile has less than 150 lines' test "$(wc -l <Makefile)" -lt 150

# Each header starts with its contract comment.
contracts() {
	grep '\.h$' "$scratch/files" | xargs awk '
	FNR == 1 {
		inside = /^\/\*/
		if (!inside)
			print FILENAME ": no contract"
	}
	inside && /\*\// {
		if (FNR > 8)
			print FILENAME ": " FNR " lines of contract"
		inside = 0
	}'
}
is 'each header starts with a contract comment of at most 8 lines' \
    '' "$(contracts)"

wide() {
	xargs awk '{
		line = $0
		while ((at = index(line, "\t")) > 0)
			line = sprintf("%s%*s%s", substr(line, 1, at - 1),
			    8 - (at - 1) % 8, "", substr(line, at + 1))
		if (length(line) > 80)
			print FILENAME ":" FNR ": " length(line)
	}' <"$scratch/files"
}
is 'no line of C has more than 80 columns' '' "$(wide)"
is 'C is indented with tabs' '' "$(xargs grep -nE '^ {8,}[^ *]' /dev/null \
    <"$scratch/files" || :)"
is 'no line ends with white space' '' \
    "$(grep -rnIE --include='*.[ch]' --include='*.awk' \
    --include='*.sql' --include='*.sh' --include='*.py' '[[:blank:]]$' \
    src lib tests sql examples || :)"

# A definition is written "int\nname(": the name starts its line.
same_line() {
	xargs awk -v functions="$scratch/functions" '
	BEGIN {
		while (getline <functions > 0)
			wanted[$3, $1] = 1
	}
	match($0, /^[A-Za-z_0-9]+\(/) {
		delete wanted[FILENAME, substr($0, 1, RLENGTH - 1)]
	}
	END {
		for (key in wanted) {
			split(key, part, SUBSEP)
			print part[1] ": " part[2]
		}
	}' <"$scratch/files"
}
is 'each return type is on a line of its own' '' "$(same_line)"
done_testing
