#!/bin/sh
# The manual pages have no errors and agree with --help of the programs.
. tests/support/lib.sh
unset MAKEFLAGS MFLAGS MAKELEVEL

for page in man/*; do
	is "$page: mandoc reports no warning" \
	    '' "$(mandoc -Tlint -Wwarning "$page" 2>&1 || :)"
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
# help_options PROGRAM prints the options in --help; page_options PAGE those that
# are list items of the page.
help_options() {
	"$1" --help | sed '1,/^$/d' |
	    sed -nE 's/^  (-., )?--([a-z-]+).*/\2/p' | sort
}
# absent_in_usage PROGRAM prints the options in --help whose names and letters are
# not in the usage text.  In that text [selection] stands for the options whose
# help begins with "select:".
absent_in_usage() {
	"$1" --help | awk '
	/^$/ { is_list = 1; gsub(/[][|]/, " ", usage) }
	!is_list { usage = usage " " $0 " " }
	is_list && /^  -/ {
		letter = sub(/,$/, "", $1) ? $1 : ""
		name = letter != "" ? $2 : $1
		if (name != "--help" && name != "--version" &&
		    !index(usage, " " name " ") &&
		    !(letter != "" && index(usage, " " letter " ")) &&
		    !(/ select: / && index(usage, " selection ")))
			print name
	}'
}
# help_line PROGRAM OPTION prints the line of --help about an option, and
# page_paragraph PAGE OPTION its first paragraph in the page.  (A second paragraph
# may say what holds for one program only.)  They print nothing if the program
# does not have the option.
help_line() {
	"$1" --help | sed '1,/^$/d' | grep -E -- "^  (-., )?--$2 " || :
}
page_paragraph() {
	awk -v option="$2" '
	/^\.(It|El|Ss|Sh|Pp)/ { inside = 0 }
	/^\.It / && $0 ~ "Fl Fl " option "( |$)" { inside = 1 }
	inside' "$1"
}
# shared_with OPTION: prints the programs in which OPTION means the same.
# --retries and --backoff of etl-run, and --max-record and --stage of etl-dlq mean
# other things: they repeat runs and select letters.
shared_with() {
	for p in $programs; do
		case $1:$p in
		retries:etl-run | backoff:etl-run | max-record:etl-dlq | \
		stage:etl-dlq) ;;
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
	ok "$program: the program is built" command -v "$program"
	ok "$program: the program has a manual page" test -s "$page"
	is "$program: the usage of --help is the SYNOPSIS of the page" \
	    "$(synopsis "$page")" \
	    "$(usage "$program")"
	is "$program: the usage of --help has each option" '' \
	    "$(absent_in_usage "$program")"
	is "$program: --help and the page have the same options" \
	    "$(page_options "$page")" "$(help_options "$program")"
	is "$program: --help exits with 0" 0 "$(status "$program" --help)"
	is "$program: --version exits with 0" 0 "$(status "$program" --version)"
	like "$program: --version prints the name and the version" \
	    "^$program [0-9.]+$" \
	    "$(cat "$scratch/out")"
	is "$program: an unknown option exits with 64" 64 \
	    "$(status "$program" --no-such-option)"
	is "$program: a mistyped option: the message suggests the nearest one and --help" \
	    "$program: unknown option --hepl; did you mean --help?
$program: see $program --help" "$("$program" --hepl 2>&1)"
	is "$program: -h prints the same as --help" \
	    "$("$program" --help)" "$("$program" -h)"
	like "$program: the last line of --help names the page" \
	    "man $program\$" \
	    "$("$program" --help | tail -n 1)"
	is "$program: the page has the usual sections in order" \
	    'NAME SYNOPSIS DESCRIPTION ENVIRONMENT EXIT STATUS EXAMPLES SEE ALSO ' "$(sections "$page")"
done

sed -n 's/^	{ "\([a-z-]*\)".*/\1/p' lib/base/shared_options.h >"$scratch/shared"
ok 'lib/base/shared_options.h has shared options' test -s "$scratch/shared"
while read -r option; do
	with=$(shared_with "$option")
	ok "the shared option --$option is in at least two programs" \
	    test "$(echo "$with" | wc -l)" -ge 2
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
