#!/bin/sh
# Tests the image: test/image/run.sh [pytest's arguments]
#
# In namespaces of its own (network, mounts, processes), so that its engine neither sees another
# one nor changes this machine's network, and nothing is left when it ends, however it ends.  Only
# the builds are outside of the network's: they need Debian's archive.
#
# Exit status: as pytest, or 77 when this machine cannot run it; the last line says why.
set -eu
cd "$(dirname "$0")/../.."

# The address of this machine at which containers reach the CA and the DNS server.
export INGRESS_OUTSIDE=10.88.0.1
export INGRESS_HOST_NETWORK=9

excuse() {
	echo "test/image: not run: $*"
	[ -n "${CI-}" ] && exit 1
	exit 77
}

PATH=/usr/sbin:/usr/bin:/sbin:/bin
[ "$(id -u)" -eq 0 ] || excuse 'it needs root, for an engine of its own'
for program in unshare nsenter ip iptables dockerd docker docker-compose buildah mmdebstrap; do
	command -v "$program" >/dev/null || excuse "$program is missing; .ci/packages image brings it"
done
# shellcheck disable=SC2016 # for the inner shell
unshare --net --mount --pid --fork --mount-proc true 2>/dev/null ||
	excuse 'namespaces cannot be made here'

mkdir -p build/test
[ $# -gt 0 ] || set -- test/image --junitxml=build/test/image.xml
exec 9</proc/self/ns/net
# A shell stays the first process: it reaps what others leave.
# shellcheck disable=SC2016 # for the inner shell
unshare --net --mount --pid --fork --mount-proc --kill-child sh -euc '
	ip link set lo up
	ip address add "$INGRESS_OUTSIDE/32" dev lo
	PYTHONPATH=test /usr/bin/python3 -m pytest -q -p no:cacheprovider "$@"
' sh "$@"
