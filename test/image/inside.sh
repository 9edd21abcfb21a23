#!/bin/sh
# The first process in run.sh's namespaces: inside.sh PYTEST-ARGUMENT...
#
# It stays: it reaps what others leave.  Exit status: as run.sh.
set -eu

# FOLDER COVERED: what is written into COVERED goes to FOLDER.
cover() {
	mkdir -p "$1/upper" "$1/work"
	mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$2" 2>/dev/null || {
		echo "test/image: not run; missing: overlayfs: none can be mounted with $1 for its upper layer"
		exit 77
	}
}

# This folder may be below the one that is about to be covered.
here=$(pwd)
mount --bind "$here" /mnt
for folder in /tmp /var/tmp; do
	mount -t tmpfs -o mode=1777 tmpfs "$folder"
done
mkdir -p "$here"
mount --move /mnt "$here"
cd "$here"
cover /var/tmp/run /run
cover /var/tmp/lib /var/lib
# Engines will want to do the same, in this folder.
probe=build/image-test/work-probe
mkdir -p "$probe/covered"
cover "$here/$probe" "$here/$probe/covered"
umount "$probe/covered"
rm -r "$probe"

ip link set lo up
ip address add "$INGRESS_OUTSIDE/32" dev lo
export PYTHONPATH=test
/usr/bin/python3 -m pytest -q -p no:cacheprovider \
	--basetemp=build/image-test/pytest "$@"
