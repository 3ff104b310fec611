#!/bin/sh
# The rules of style with a number: lengths of functions, files and lines.
. tests/support/lib.sh

find src lib tests -name '*.[ch]' | sort >"$scratch/files"
xargs cat <"$scratch/files" >"$scratch/all"
ok 'there are files' test -s "$scratch/all"

# NAME LINES FILE for every function, by the line of its name.
xargs ctags -x --kinds-C=f --_xformat='%N %{line} %{end} %F' \
    <"$scratch/files" | awk '{ print $1, $3 - $2 + 1, $4 }' |
    sort -k2,2n >"$scratch/functions"
is 'no function over 60 lines' '' "$(awk '$2 > 60' "$scratch/functions")"
nth() {
	sed -n "$(($(wc -l <"$scratch/functions") * $1 / 100 + 1))p" \
	    "$scratch/functions" | cut -d' ' -f2
}
ok "median of functions is $(nth 50), 15 at most" test "$(nth 50)" -le 15
ok "9 of 10 functions have $(nth 90) lines, 45 at most" \
    test "$(nth 90)" -le 45

too_long() {
	while read -r file; do
		lines=$(wc -l <"$file")
		case $file in
		*/main.c) max=300 ;;
		*) max=400 ;;
		esac
		[ "$lines" -le $max ] || echo "$file: $lines lines"
	done <"$scratch/files"
}
is 'no main.c over 300 lines, no other over 400' '' "$(too_long)"
ok 'Makefile under 150' test "$(wc -l <Makefile)" -lt 150

# A header starts with its contract.
contracts() {
	grep '\.h$' "$scratch/files" | while read -r file; do
		awk -v file="$file" '
		NR == 1 && !/^\/\*/ { print file ": no contract"; exit }
		/\*\// {
			if (NR > 8)
				print file ": " NR " lines of contract"
			exit
		}' "$file"
	done
}
is 'header contracts have 8 lines at most' '' "$(contracts)"

wide() {
	while read -r file; do
		expand "$file" | awk -v file="$file" \
		    'length > 80 { print file ":" NR ": " length }'
	done <"$scratch/files"
}
is '80 columns' '' "$(wide)"
is 'indented by tabs' '' "$(xargs grep -nE '^ {8,}[^ *]' /dev/null \
    <"$scratch/files" || :)"
is 'no white space at the end of a line' '' \
    "$(grep -rnIE --include='*.[ch]' --include='*.awk' \
    --include='*.sql' --include='*.sh' --include='*.py' '[[:blank:]]$' \
    src lib tests sql examples || :)"

# "int\nname(": the name starts its line.
same_line() {
	while read -r name _ file; do
		grep -qE "^$name\(" "$file" || echo "$file: $name"
	done <"$scratch/functions"
}
is 'return types on their own line' '' "$(same_line)"
done_testing
