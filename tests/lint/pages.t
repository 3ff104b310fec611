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
page_options() {
	sed -nE '/^\.It /s/.*Fl Fl ([a-z-]+).*/\1/p' "$1" | sort
}
sections() {
	sed -n 's/^\.Sh //p' "$1" | tr '\n' ' '
}

for program in $(make -s --no-print-directory programs); do
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
	is "$program: sections" 'NAME SYNOPSIS DESCRIPTION ENVIRONMENT EXIT STATUS EXAMPLES SEE ALSO ' "$(sections "$page")"
done
done_testing
