#!/bin/sh
# Which files are in the tree, and which file includes which header.
. tests/support/lib.sh
unset MAKEFLAGS MFLAGS MAKELEVEL

tracked() {
	if [ -e .git ]; then
		git ls-files
	else
		find . -type f | sed 's,^\./,,' | grep -v '^b[a-z]*/'
	fi
}
tracked | sort >"$scratch/tracked"
grep '\.[ch]$' "$scratch/tracked" | grep -E '^(src|lib)/' >"$scratch/c"
ok 'there are C files to check' test -s "$scratch/c"

# lines ERE: prints the lines of src and lib that match.
lines() {
	xargs grep -nE "$1" /dev/null <"$scratch/c" || :
}
including() {
	xargs grep -lE "^#include <$1>" /dev/null <"$scratch/c" || :
}
is 'the transport and the parser of URLs include curl' \
    'src/etl-extract/http/transport.c
src/etl-extract/http/url.c' "$(including 'curl/.*')"
is 'one file includes jq.h' \
    src/etl-transform/jq/filter.c "$(including 'jq\.h')"
is 'one header includes jv.h, the values of libjq' \
    src/etl-transform/jq/filter.h \
    "$(including 'jv\.h')"
is 'two files of lib/db include libpq' 'lib/db/pg.c
lib/db/pg_connect.c' "$(including 'libpq.*')"
is 'one file of lib/db includes sqlite3.h' \
    lib/db/sqlite.c "$(including 'sqlite3\.h')"
# The values of libjq are excepted: code that makes, reads and writes them does
# not fit in one file.
is 'no header uses a type of a library other than jv' \
    '' "$(grep '\.h$' "$scratch/c" |
    grep -vE '^src/etl-transform/jq/filter\.h$' | xargs grep -nE '\b(CURL|jv|jq_state|PG(conn|result)|sqlite3|z_stream)\b' \
    /dev/null || :)"

# may_include FOLDER: prints the folders of lib whose headers lib/FOLDER may use.
may_include() {
	case $1 in
	base) echo 'base' ;;
	json) echo 'base json' ;;
	stream) echo 'base json stream' ;;
	db) echo 'base json db' ;;
	control) echo 'base json db control' ;;
	esac
}
# wrong_includes: prints each quoted include of a header that the file may not
# use.  A program may use all of lib, and its own headers by their path below its
# folder.
wrong_includes() {
	xargs grep -oE '^#include "[^"]*"' /dev/null <"$scratch/c" |
	tr -d '"' | sed 's/#include //' |
	while IFS=: read -r file header; do
		from=${file#*/}
		from=${from%%/*}
		case $file:$header in
		lib/db/*:sql_scripts.h | src/etl-transform/*:etl_module.h)
			continue
			;;
		lib/*)
			[ ! -e "${file%/*}/$header" ] || continue
			case " $(may_include "$from") " in
			*" ${header%%/*} "*)
				[ ! -e "lib/$header" ] || continue
				;;
			esac
			;;
		*)
			[ ! -e "lib/$header" ] || continue
			[ ! -e "src/$from/$header" ] || continue
			[ ! -e "${file%/*}/$header" ] || continue
			;;
		esac
		echo "$file: $header"
	done
}
is 'no file includes a header that it may not use' '' "$(wrong_includes)"
is 'no file calls a banned function' '' "$(lines \
    '(^|[^A-Za-z0-9_])(strn?cpy|strn?cat|v?sprintf|ato[ifl]l?|strtok|system|gets)\(')"
# err_report() and opt_print_result(), which main() calls to print, are excepted.
is 'no file of lib prints or exits' '' "$(lines \
    '(^|[^A-Za-z0-9_])(_?exit|abort|f?printf|f?puts|perror|v?(err|warn)x?)\(' |
    grep '^lib/' | grep -v '^lib/base/\(report\|opt\)\.c' || :)"
is 'etl-extract prints warnings with err_warn() only' '' "$(lines \
    '(^|[^A-Za-z0-9_])(f?printf|f?puts|perror)\(' |
    grep '^src/etl-extract/' || :)"
# These functions escape what a terminal would obey. The filter of a user may print
# by libjq, and etl-run passes on what its pipeline prints.
is 'all messages go through lib/base/report.c' '' "$(lines \
    'printf\(stderr,|, stderr\)|[a-z]\((2|STDERR_FILENO), [^F]|perror\(' |
    grep -vE '^(lib/base/report|src/etl-transform/jq/filter|src/etl-run/stderr)\.c:' || :)"
is 'no file has a marker of unfinished work' '' \
    "$(xargs grep -nIE '(^|[^A-Z])TO[D]O([^A-Z]|$)|FI[X]ME|XX[X]:' /dev/null \
    <"$scratch/tracked" || :)"
is "no file has a path of a person's machine" '' \
    "$(xargs grep -nIE '(^|[^A-Za-z0-9_.}])/(wor[k]|hom[e]/[a-z]|roo[t])/' \
    /dev/null <"$scratch/tracked" || :)"
is 'no file has a private key' \
    '' "$(xargs grep -lIE 'BEGIN [A-Z ]*PRIVATE K[E]Y' \
    /dev/null <"$scratch/tracked" || :)"

big() {
	xargs wc -c <"$scratch/tracked" |
	    awk '$2 != "total" && $1 > 200000 { print $2 " is big" }'
	while read -r file; do
		case $file in
		*.o | *.a | *.so | *.d | *.db | bin/* | build/* | *.gz | *.orig)
			echo "$file"
			;;
		esac
	done <"$scratch/tracked"
}
is 'no built or big file is in the tree' '' "$(big)"

programs=$(make -s --no-print-directory programs)
misplaced() {
	for p in $programs; do
		for place in "src/$p/main.c" "man/$p.1" "tests/$p"; do
			[ -e "$place" ] || echo "no $place"
		done
		command -v "$p" >/dev/null || echo "no bin/$p"
	done
	for place in src/* man/*.1; do
		p=${place#*/}
		case " $programs " in
		*" ${p%.1} "*) ;;
		*) echo "$place is no program's" ;;
		esac
	done
}
is 'each program has a source, a page, tests and a binary' '' "$(misplaced)"
missing_line() {
	for p in $programs; do
		grep -q "$p" README.md || echo "README.md: $p"
		grep -q "^\.It .*Xr $p 1\|^\.Xr $p 1" man/etl.7 ||
		    echo "etl.7: $p"
	done
}
is 'README.md and etl(7) name every program' '' "$(missing_line)"
is 'no test is skipped' '' \
    "$(grep -rniE '# *(skip|todo)\b' tests --include='*.t' || :)"
ok 'CI runs make check' grep -q 'make check' .ci/run
done_testing
