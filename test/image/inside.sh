#!/bin/sh
# The first process in run.sh's namespaces: inside.sh PYTEST-ARGUMENT...
#
# It stays: it reaps what others leave.
set -eu

# This folder may be below the one that is about to be covered.
here=$(pwd)
mount --bind "$here" /mnt
for folder in /tmp /var/tmp; do
	mount -t tmpfs -o mode=1777 tmpfs "$folder"
done
mkdir -p "$here"
mount --move /mnt "$here"
cd "$here"
for folder in /run /var/lib; do
	upper=/var/tmp/upper$folder work=/var/tmp/work$folder
	mkdir -p "$upper" "$work"
	mount -t overlay -o "lowerdir=$folder,upperdir=$upper,workdir=$work" overlay "$folder"
done

ip link set lo up
ip address add "$INGRESS_OUTSIDE/32" dev lo
export PYTHONPATH=test
/usr/bin/python3 -m pytest -q -p no:cacheprovider \
	--basetemp=build/image-test/pytest "$@"
