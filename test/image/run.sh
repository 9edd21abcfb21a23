#!/bin/sh
# Tests the image: test/image/run.sh [pytest's arguments]
#
# In namespaces of its own (network, mounts, processes), so that its engine neither sees another
# one nor changes this machine's network, and nothing is left when it ends, however it ends: what
# engines write under /run and /var/lib goes to the memory.  Only the builds are outside of the
# network's: they need Debian's archive.
#
# Exit status: as pytest, or 77 when this machine cannot run it; the last line says why.
set -eu
cd "$(dirname "$0")/../.."

# The address of this machine at which containers reach the CA and the DNS server.
export INGRESS_OUTSIDE=10.88.0.1
export INGRESS_HOST_NETWORK=9
cgroup=dstack-ingress-image
export INGRESS_CGROUP="$cgroup-$$"

# Of a thing that no package brings.
excuse() { # THING SENTENCE
	echo "test/image: not run; missing: $1: $2"
	exit 77
}

PATH=/usr/sbin:/usr/bin:/sbin:/bin
[ "$(id -u)" -eq 0 ] || excuse root 'an engine of its own needs it'
for program in unshare nsenter setpriv ip iptables dockerd docker docker-registry \
	buildah mmdebstrap skopeo flock; do
	command -v "$program" >/dev/null || {
		echo "test/image: $program is missing; .ci/packages image brings it"
		exit 1
	}
done

namespaces='--net --mount --pid --fork --mount-proc --kill-child'
# shellcheck disable=SC2086 # words
unshare $namespaces true 2>/dev/null || excuse namespaces 'unshare(1) makes none here, even for root'

mkdir -p build/test build/image-test
exec 8>build/image-test/lock 9</proc/self/ns/net
flock --nonblock 8 || {
	echo 'test/image: another run is under way in this folder'
	exit 1
}

# Of this run and of others that were killed; what is in use stays.
clean_up() {
	rm -rf build/image-test/work-* build/image-test/unfinished*
	find /sys/fs/cgroup -depth -type d -path "*/$cgroup-*" -exec rmdir {} + 2>/dev/null || :
}

# unshare(1) waits for the first process of its namespace, whose end is that of all others.
end() {
	# shellcheck disable=SC2046 # words
	kill -KILL $(cat "/proc/$tests/task/$tests/children") 2>/dev/null || :
	wait "$tests" || :
	exit 1
}

[ $# -gt 0 ] || set -- test/image --junitxml=build/test/image.xml
clean_up
trap clean_up EXIT
# All end when this shell does, even by KILL.  In the background, so that it hears signals at once.
# shellcheck disable=SC2086 # words
setpriv --pdeathsig KILL unshare $namespaces test/image/inside.sh "$@" </dev/null &
tests=$!
trap end HUP INT TERM
wait "$tests"
