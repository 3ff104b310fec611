#!/bin/sh
# The pages are sound, and say what the programs say.
. tests/support/lib.sh
unset MAKEFLAGS MFLAGS MAKELEVEL

for page in man/*; do
	is "$page: mandoc" '' "$(mandoc -Tlint -Wwarning "$page" 2>&1 || :)"
done

fold_blanks() {
	tr -s ' \n\t' ' ' | sed 's/^ //; s/ $//'
}
synopsis() {
	mandoc -Tascii -Owidth=1000 "$1" | sed 's/.\x08//g' |
	    sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed '1d;$d' | fold_blanks
}
usage() {
	"$1" --help | sed '/^$/,$d' | sed 's/^usage: //' | fold_blanks
}
# What --help lists; what the page has as items of its lists.
help_options() {
	"$1" --help | sed '1,/^$/d' |
	    sed -nE 's/^  (-., )?--([a-z-]+).*/\2/p' | sort
}
# help_line PROGRAM OPTION, page_paragraph PAGE OPTION: what --help and the page
# say about an option, in its first paragraph: what holds for one program only
# follows in a second one.  Nothing if the program does not have the option.
help_line() {
	"$1" --help | sed '1,/^$/d' | grep -E -- "^  (-., )?--$2 " || :
}
page_paragraph() {
	awk -v option="$2" '
	/^\.(It|El|Ss|Sh|Pp)/ { inside = 0 }
	/^\.It / && $0 ~ "Fl Fl " option "( |$)" { inside = 1 }
	inside' "$1"
}
# shared_with OPTION: the programs for which it means the same.  --retries and
# --backoff of etl-run repeat runs, --max-record of etl-dlq selects letters.
shared_with() {
	for p in $programs; do
		case $1:$p in
		retries:etl-run | backoff:etl-run | max-record:etl-dlq) ;;
		*) [ -z "$(help_line "$p" "$1")" ] || echo "$p" ;;
		esac
	done
}
page_options() {
	sed -nE '/^\.It /s/.*Fl Fl ([a-z-]+).*/\1/p' "$1" | sort
}
sections() {
	sed -n 's/^\.Sh //p' "$1" | tr '\n' ' '
}

programs=$(make -s --no-print-directory programs)
for program in $programs; do
	page=man/$program.1
	ok "$program: is built" command -v "$program"
	ok "$program: has a page" test -s "$page"
	is "$program: usage is the SYNOPSIS" "$(synopsis "$page")" \
	    "$(usage "$program")"
	is "$program: options of --help are those of the page" \
	    "$(page_options "$page")" "$(help_options "$program")"
	is "$program: --help" 0 "$(status "$program" --help)"
	is "$program: --version" 0 "$(status "$program" --version)"
	like "$program: its version" "^$program [0-9.]+$" \
	    "$(cat "$scratch/out")"
	is "$program: an unknown option is usage" 64 \
	    "$(status "$program" --no-such-option)"
	is "$program: a mistyped option: the nearest one, and where help is" \
	    "$program: unknown option --hepl; did you mean --help?
$program: see $program --help" "$("$program" --hepl 2>&1)"
	is "$program: -h is --help" "$("$program" --help)" "$("$program" -h)"
	like "$program: --help names the page" "man $program\$" \
	    "$("$program" --help | tail -n 1)"
	is "$program: sections" 'NAME SYNOPSIS DESCRIPTION ENVIRONMENT EXIT STATUS EXAMPLES SEE ALSO ' "$(sections "$page")"
done

sed -n 's/^	{ "\([a-z-]*\)".*/\1/p' lib/base/shared_options.h >"$scratch/shared"
ok 'there are shared options' test -s "$scratch/shared"
while read -r option; do
	with=$(shared_with "$option")
	ok "--$option is in several programs" test "$(echo "$with" | wc -l)" -ge 2
	first=${with%%
*}
	for p in $with; do
		is "--$option: $p --help says what $first --help says" \
		    "$(help_line "$first" "$option")" "$(help_line "$p" "$option")"
		is "--$option: the page of $p says what that of $first says" \
		    "$(page_paragraph "man/$first.1" "$option")" \
		    "$(page_paragraph "man/$p.1" "$option")"
	done
done <"$scratch/shared"
done_testing
