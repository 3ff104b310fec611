#!/bin/sh
# How the code is cut into files and functions: each count may fall and never
# rise.  After a change that lowers a count, lower it here too.
. tests/support/lib.sh

cat >"$scratch/most" <<'END'
1242 small static functions that are called once
323 functions that only forward
4 small .c files with one user
0 long names of functions
0 names that join two with a word
17 headers that one other file includes
16 files in a circle of includes
3 folders in a circle of includes
END
python3 tests/lint/shape.py >"$scratch/now"
is 'each count of shape.py has a limit' "$(cut -d ' ' -f 2- "$scratch/now")" \
    "$(cut -d ' ' -f 2- "$scratch/most")"
while read -r most name; do
	now=$(sed -n "s/^\([0-9]*\) $name\$/\1/p" "$scratch/now")
	ok "$name: $now, at most $most" test "$now" -le "$most"
done <"$scratch/most"

# count NAME: prints what shape.py counts in the tree $scratch/x.
count() {
	python3 tests/lint/shape.py "$scratch/x" | sed -n "s/ $1\$//p"
}
mkdir -p "$scratch/x/lib" "$scratch/x/src/x/one" "$scratch/x/src/x/two"
cd "$scratch/x/src/x"
printf '#include "two/b.h"\n' >one/a.c
printf '#include "base.h"\n' >two/b.c
: >one/a.h
: >two/b.h
: >base.h
cd "$top"
is 'no circle: no file' 0 "$(count 'files in a circle of includes')"
is 'no circle: no folder' 0 "$(count 'folders in a circle of includes')"
printf '#include "one/a.h"\n' >"$scratch/x/src/x/two/b.h"
is 'a circle of two files' 2 "$(count 'files in a circle of includes')"
is 'a circle of two folders' 2 "$(count 'folders in a circle of includes')"
done_testing
