# shellcheck shell=sh disable=SC2154,SC2034
# A test sources this file, after tests/support/lib.sh and before it makes a file.
# $disk is then a file system of 256 KiB.

# The test mounts file systems, as root or as root of a user name space.
if [ -z "${ETL_DISK:-}" ]; then
	[ "$(id -u)" -eq 0 ] && map='' || map=-r
	# shellcheck disable=SC2086
	if ! unshare $map -m true; then
		diag 'run it as root, or allow user name spaces:' \
		    'sysctl kernel.unprivileged_userns_clone=1, no chroot'
		check 'the test may mount a file system' 1
		done_testing
		exit
	fi
	# shellcheck disable=SC2086
	ETL_DISK=$scratch/disk exec unshare $map -m sh "$0"
fi
scratch=${ETL_DISK%/*} disk=$ETL_DISK
end=0
trap 'end=$?; umount "$disk" 2>/dev/null; leave $end' EXIT
mkdir "$disk"
mount -t tmpfs -o size=256k tmpfs "$disk"
resize_disk() {
	mount -o "remount,size=$1" "$disk"
}
# fresh: empties the disk.
fresh() {
	rm -rf "${disk:?}"/*
	resize_disk 256k
}
# fails_with_74 LABEL PROGRAM ERE: $rc and $scratch/err are those of a program that
# has found the disk full.
fails_with_74() {
	is "$1: the program exits with 74" 74 "$rc"
	like "$1: the message names the file and the cause" \
	    "^$2: .*($3)" "$(cat "$scratch/err")"
}
