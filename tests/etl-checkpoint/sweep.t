#!/bin/sh
# etl-checkpoint save is killed before each system call, or one of its calls
# fails. The state file then has the old value or a value whose records have
# been written, and the next run is right without repair.
. tests/support/lib.sh
sweep=$top/tests/etl-checkpoint/sweep.py
cd "$scratch"
ASAN_OPTIONS=detect_leaks=0     # LeakSanitizer cannot work under strace
export ASAN_OPTIONS

check_result() {
	points=$(tail -n 1 result | cut -d' ' -f1)
	is "$1 ($points): the file is right, and so is the next run" '' \
	    "$(sed '$d' result)"
	ok "$1: at least $2 faults were injected" test "$points" -ge "$2"
}
python3 "$sweep" kill >result
check_result 'killed before a system call' 60
set -- renameat EXDEV 74 unlinkat EACCES 0,77 openat EACCES 77 \
    openat EMFILE 66,73,74 write ENOSPC 74 fsync ENOSPC 74
for call in read write fdatasync fsync flock; do
	set -- "$@" $call EINTR 0 $call EIO 74
done
for call in renameat unlinkat openat fchmod close newfstatat; do
	set -- "$@" $call EIO 0,66,73,74
done
python3 "$sweep" fail "$@" >result
check_result 'with one failing call' 80
done_testing
