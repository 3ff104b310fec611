#!/bin/sh
# What is in the tree, and what includes what.
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
ok 'there are sources' test -s "$scratch/c"

# lines ERE: where it stands in src and lib.
lines() {
	xargs grep -nE "$1" /dev/null <"$scratch/c" || :
}
including() {
	xargs grep -lE "^#include <$1>" /dev/null <"$scratch/c" || :
}
is 'curl in one file' src/etl-extract/http/http.c "$(including 'curl/.*')"
is 'jq in one file' src/etl-transform/engine/filter.c "$(including 'jq\.h')"
is 'its values in one header' src/etl-transform/number/jvalue.h \
    "$(including 'jv\.h')"
is 'libpq in two files' 'lib/db/pg.c
lib/db/pg_connect.c' "$(including 'libpq.*')"
is 'sqlite3 in one file' lib/db/sqlite.c "$(including 'sqlite3\.h')"
# But libjq's values: to make, read and write them is too much for one file.
is 'no foreign type in a header' '' "$(grep '\.h$' "$scratch/c" |
    grep -vE '^src/etl-transform/(number/jvalue|module/module)\.h$' | xargs grep -nE '\b(CURL|jv|jq_state|PG(conn|result)|sqlite3|z_stream)\b' \
    /dev/null || :)"

# may_include FOLDER: the folders of lib whose headers lib/FOLDER may include.
may_include() {
	case $1 in
	base) echo 'base' ;;
	json) echo 'base json' ;;
	stream) echo 'base json stream' ;;
	db) echo 'base json db' ;;
	control) echo 'base json db control' ;;
	esac
}
# wrong_includes: each quoted include that reaches a header which the file may
# not use.  A program may use all of lib, and its own headers by their place
# below its folder.
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
is 'includes go downwards' '' "$(wrong_includes)"
is 'no banned function' '' "$(lines \
    '(^|[^A-Za-z0-9_])(strn?cpy|strn?cat|v?sprintf|ato[ifl]l?|strtok|system|gets)\(')"
# But err_report() and opt_print_result(), which main() calls to do so.
is 'a library neither prints nor exits' '' "$(lines \
    '(^|[^A-Za-z0-9_])(_?exit|abort|f?printf|f?puts|perror|v?(err|warn)x?)\(' |
    grep '^lib/' | grep -v '^lib/base/\(report\|opt\)\.c' || :)"
is 'etl-extract warns by err_warn() alone' '' "$(lines \
    '(^|[^A-Za-z0-9_])(f?printf|f?puts|perror)\(' |
    grep '^src/etl-extract/' || :)"
is 'nothing left to do' '' \
    "$(xargs grep -nIE 'TO[D]O|FI[X]ME|XX[X]:' /dev/null \
    <"$scratch/tracked" || :)"
is "no path of somebody's machine" '' \
    "$(xargs grep -nIE '(^|[^A-Za-z0-9_.}])/(wor[k]|hom[e]/[a-z]|roo[t])/' \
    /dev/null <"$scratch/tracked" || :)"
is 'no secret key' '' "$(xargs grep -lIE 'BEGIN [A-Z ]*PRIVATE K[E]Y' \
    /dev/null <"$scratch/tracked" || :)"

big() {
	while read -r file; do
		[ "$(wc -c <"$file")" -le 200000 ] || echo "$file is big"
		case $file in
		*.o | *.a | *.so | *.d | *.db | bin/* | build/* | *.gz | *.orig)
			echo "$file"
			;;
		esac
	done <"$scratch/tracked"
}
is 'nothing built is in the tree' '' "$(big)"

programs=$(make -s --no-print-directory programs)
four() {
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
is 'a program stands in four places' '' "$(four)"
missing_line() {
	for p in $programs; do
		grep -q "$p" README.md || echo "README.md: $p"
		grep -q "^\.It .*Xr $p 1\|^\.Xr $p 1" man/etl.7 ||
		    echo "etl.7: $p"
	done
}
is 'README and etl(7) name every program' '' "$(missing_line)"
is 'no case is skipped' '' \
    "$(grep -rniE '# *(skip|todo)\b' tests --include='*.t' || :)"
ok 'the test command is the one of CI' grep -q 'make check' .ci/run
done_testing
