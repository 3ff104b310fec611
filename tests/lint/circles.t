#!/bin/sh
# No files of a folder of lib or of a program need each other in a circle, and no
# folders of a program do.
. tests/support/lib.sh

for folder in lib/* src/*; do
	is "$folder: no circle" '' \
	    "$(python3 tests/lint/circles.py "$etl_build" "$folder" 2>&1)"
done
# object NAME CODE: a source and its object.
object() {
	echo "$2" >"$1.c"
	cc -c -o "$1.o" "$1.c"
}
mkdir -p "$scratch/x/one" "$scratch/x/two"
cd "$scratch"
object x/one/a 'void b(void); void a(void); void a(void) { b(); }'
object x/two/b 'void b(void); void b(void) { }'
is 'one way is no circle' '' "$(python3 "$top/tests/lint/circles.py" . x)"
object x/two/b 'void a(void); void b(void); void b(void) { a(); }'
is 'a circle is found, of files and of folders' 'x: in a circle: one/a two/b
x: in a circle: one two' "$(python3 "$top/tests/lint/circles.py" . x)"
done_testing
