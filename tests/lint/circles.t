#!/bin/sh
# No files of a folder of lib or of a program need each other in a circle, and no
# folders of a program do.
. tests/support/lib.sh

for folder in lib/* src/*; do
	ok "$folder: has objects" test -n "$(find "$etl_build/$folder" \
	    -name '*.o')"
	is "$folder: no circle" '' \
	    "$(python3 tests/lint/circles.py "$etl_build/$folder")"
done
is 'a circle is found' 'a circle' "$(
	mkdir -p "$scratch/circle/one" "$scratch/circle/two"
	printf 'void b(void); void a(void); void a(void) { b(); }\n' |
	    cc -x c -c -o "$scratch/circle/one/a.o" -
	printf 'void a(void); void b(void); void b(void) { a(); }\n' |
	    cc -x c -c -o "$scratch/circle/two/b.o" -
	python3 tests/lint/circles.py "$scratch/circle" |
	    grep -q 'one two' && echo 'a circle')"
done_testing
