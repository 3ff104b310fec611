#!/bin/sh
# The files of a folder of lib, or of a program, do not need each other in a
# circle, and neither do the folders of a program.
. tests/support/lib.sh

for folder in lib/* src/*; do
	is "$folder: no files or folders need each other in a circle" '' \
	    "$(python3 tests/lint/circles.py "$etl_build" "$folder" 2>&1)"
done
# compile NAME CODE: writes a source file and compiles it.
compile() {
	echo "$2" >"$1.c"
	cc -c -o "$1.o" "$1.c"
}
mkdir -p "$scratch/x/one" "$scratch/x/two"
cd "$scratch"
compile x/one/a 'void b(void); void a(void); void a(void) { b(); }'
compile x/two/b 'void b(void); void b(void) { }'
is 'circles.py prints nothing for files without a circle' \
    '' "$(python3 "$top/tests/lint/circles.py" . x)"
compile x/two/b 'void a(void); void b(void); void b(void) { a(); }'
is 'circles.py prints a circle of files and of folders' \
    'x: in a circle: one/a two/b
x: in a circle: one two' "$(python3 "$top/tests/lint/circles.py" . x)"
done_testing
