#!/bin/sh
# save, killed before each system call, and with each of its calls failing:
# the file is what it was or what it should be, and never says more than what
# has gone out; the next run is right, with no hand in between.
. tests/support/lib.sh
sweep=$top/tests/etl-checkpoint/sweep.py
cd "$scratch"
ASAN_OPTIONS=detect_leaks=0     # which cannot work under strace
export ASAN_OPTIONS

result() {
	points=$(tail -n 1 result | cut -d' ' -f1)
	is "$points $1" '' "$(sed '$d' result)"
	ok 'these were many' test "$points" -ge "$2"
}
python3 "$sweep" kill >result
result 'system calls, killed before each' 60
set -- renameat EXDEV 74 unlinkat EACCES 0,77 openat EACCES 77 \
    openat EMFILE 66,73,74 write ENOSPC 74 fsync ENOSPC 74
for call in read write fdatasync fsync flock; do
	set -- "$@" $call EINTR 0 $call EIO 74
done
for call in renameat unlinkat openat fchmod close newfstatat; do
	set -- "$@" $call EIO 0,66,73,74
done
python3 "$sweep" fail "$@" >result
result 'calls failed, one at a time' 80
done_testing
