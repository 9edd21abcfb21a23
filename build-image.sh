#!/bin/sh
# Builds the image: the same digest on every machine, from the same commit.
#
#   ./build-image.sh [options]
#
#   --push REPO:TAG   then push it there
#   --expect DIGEST   end with status 1, before anything is pushed, if another digest came out
#   --verify          build it twice from clean, and compare
#   --engine NAME     buildx or buildah; which of them is here, unless given (their digests differ:
#                     they pack the same files in different ways)
#   --builder NAME    a builder of buildx's that is there, not one that is made with the pinned
#                     BuildKit: where that has to come from a mirror, or cannot be had.  Another BuildKit
#                     (0.13 or later) packs the same files, into another digest.  `default` is docker's
#                     own, which can do it where its images are in the containerd image store
#   --base BASE       another base image than the Dockerfile's, or the tar archive of a Debian 13
#                     root (mmdebstrap, with SOURCE_DATE_EPOCH; buildah only)
#   --mirror URL      a mirror of Debian to take packages from instead of the snapshots' archive;
#                     URL-security is used beside it
#   --source URL      where these sources are published, for the image's labels (and so its digest)
#   --cached          reuse what earlier builds left (for trying things; never for a release)
#   --update-pins     write pinned-packages.txt anew, from what the archive has, and end
#
# What it leaves is in build/image (or IMAGE_DIR):
#
#   digest                  of the manifest: what a compose file names behind @; it is printed too,
#                           in a line "digest sha256:..."
#   dstack-ingress.tar      the image, for `docker load`
#   layout                  the same as a registry has it: the manifest, and blobs
#   sbom.spdx.json          which packages are in it (SPDX 2.3)
#   packages, files         what takes how much space, in bytes
#   report                  what was printed
#
# Exit status: 0 ok, 1 failed, 64 usage, 69 something that is needed is missing, be it a registry, or
# the archive of packages.
set -eu

# Whatever a program that is used here ends with.
trap 'case $? in 0 | 64 | 69) ;; *) exit 1 ;; esac' EXIT

buildkit=moby/buildkit:v0.25.0@sha256:faffcac91decfb3b981234bf2762d88ed6c90771b689a3d8a5049cd0e874759a

start=$(pwd)
cd "$(dirname "$0")"
version=$(cat VERSION)
out=${IMAGE_DIR:-build/image}
name=dstack-ingress:$version

engine='' builder='' base='' mirror='' source='' push='' expect='' verify=no clean=yes update=no

say() {
	echo "build-image: $*" >&2
}

die() { # STATUS SENTENCE
	status=$1
	shift
	say "$*"
	exit "$status"
}

usage() {
	[ $# -eq 0 ] || say "$*"
	sed -n '/^#   \.\/build/,/^# What/{/^# What/d;s/^# \{0,1\}//;p;}' "$0" >&2
	exit 64
}

# ---- arguments

is_digest() {
	case ${1#sha256:} in
	"$1" | *[!0-9a-f]*) return 1 ;;
	*) [ ${#1} -eq 71 ] ;;
	esac
}

parse() {
	while [ $# -gt 0 ]; do
		case $1 in
		--verify) verify=yes ;;
		--cached) clean=no ;;
		--update-pins) update=yes ;;
		--push | --expect | --engine | --builder | --base | --mirror | --source)
			[ -n "${2-}" ] || usage "$1 needs a value"
			case $1 in
			--push) push=$2 ;;
			--expect) expect=$2 ;;
			--engine) engine=$2 ;;
			--builder) builder=$2 ;;
			--base) base=$2 ;;
			--mirror) mirror=${2%/} ;;
			--source) source=${2%/} ;;
			esac
			shift
			;;
		-h | --help) usage ;;
		*) usage "$1 is not understood" ;;
		esac
		shift
	done
	case $push in
	'' | *?:?*) ;;
	*) usage "--push $push: a repository and a tag are needed, as in registry.example.com/dstack-ingress:$version" ;;
	esac
	[ -z "$expect" ] || is_digest "$expect" ||
		usage "--expect $expect: it must be sha256: and 64 hex digits"
	case $engine in
	'' | buildx | buildah) ;;
	*) usage "--engine $engine: it must be buildx or buildah" ;;
	esac
	[ -z "$builder" ] || [ "$engine" != buildah ] || usage "--builder $builder: buildah has none"
	case $mirror in
	'' | http://*/debian | https://*/debian) ;;
	*) usage "--mirror $mirror: it must be a URL that ends in /debian" ;;
	esac
	case $source in
	*[!A-Za-z0-9./:_~-]*) usage "--source $source: it must be a URL" ;;
	'' | https://?*) ;;
	*) usage "--source $source: it must be a URL that begins with https://" ;;
	esac
	[ "$verify$clean" != yesno ] || usage '--verify builds from clean: not with --cached'
}

# ---- what is needed

have() {
	command -v "$1" >/dev/null
}

# Podman, as `docker`, has a buildx of that name only.
have_buildx() {
	case $(docker buildx version 2>/dev/null) in
	*docker/buildx*) ;;
	*) return 1 ;;
	esac
}

choose_engine() {
	[ -z "$engine" ] || return 0
	if [ -n "$builder" ]; then
		engine=buildx
	elif have docker && have_buildx && docker info >/dev/null 2>&1; then
		engine=buildx
	else
		engine=buildah
	fi
}

check_needs() {
	for tool in tar gzip awk sha256sum; do
		have "$tool" || die 69 "$tool is needed"
	done
	if [ "$engine" = buildx ]; then
		have docker || die 69 'docker is needed for --engine buildx (or buildah, for the other)'
		have_buildx ||
			die 69 'docker has no buildx here; install its plugin, 0.13 or later, or buildah'
		# A builder may be elsewhere.
		[ -n "$builder" ] || docker info >/dev/null 2>&1 ||
			die 69 'no docker daemon answers; is it running, are you allowed to?'
		[ -z "$push" ] || have skopeo || die 69 'skopeo is needed to push what buildx built'
	else
		have buildah || die 69 'neither docker with buildx nor buildah is here; on Debian: apt-get install buildah'
		[ "$(uname -m)" = x86_64 ] || die 69 "the image is for x86_64, and this is $(uname -m): use buildx"
	fi
	case $base in
	*.tar)
		[ "$engine" = buildah ] || die 64 "--base $base: only buildah takes an archive for a base"
		case $base in
		/*) ;;
		*) base=$start/$base ;;
		esac
		[ -r "$base" ] || die 69 "--base $base: there is no such file"
		;;
	esac
}

# Starts the builder if need be.  inspect ends with 0 though docker does not answer, and after a start
# that took 20 seconds it does not say that the builder runs: a second one does.
is_builder_running() {
	docker buildx inspect --bootstrap "$builder" >/dev/null || return 1
	told=$(docker buildx inspect "$builder") || return 1
	case $told in
	*Status:*running*) return 0 ;;
	esac
	echo "$told" | grep '^Error:' >&2
	return 1
}

# The one that is named, or one with the BuildKit that is pinned.
check_builder() {
	if [ -n "$builder" ]; then
		is_builder_running ||
			die 69 "the builder $builder does not run; why stands above, and \`docker buildx ls\` lists those that there are"
		return
	fi
	# With another BuildKit it is another builder.
	builder=dstack-ingress-$(echo "${buildkit#*@sha256:}" | cut -c 1-12)
	docker buildx inspect "$builder" >/dev/null 2>&1 ||
		docker buildx create --name "$builder" --driver docker-container \
			--driver-opt "image=$buildkit" >/dev/null ||
		die 69 "the builder $builder cannot be made; why stands above"
	! is_builder_running || return 0
	say "the builder $builder, which is to run $buildkit, does not; why stands above."
	die 69 'A builder with that image from a mirror, or any other, is taken by --builder NAME (see --help).'
}

# The Dockerfile's, unless another one is given.
base_image() {
	echo "${base:-$(sed -n 's/^ARG BASE=//p' Dockerfile)}"
}

# Before minutes of work: what a registry has.
check_base() {
	image=$(base_image)
	case $engine in
	buildx) docker buildx imagetools inspect --builder "$builder" "$image" >/dev/null && return ;;
	buildah) buildah pull -q --policy missing "$image" >/dev/null && return ;;
	esac
	say "the base image $image cannot be had from its registry; why stands above."
	say 'Where no registry can be reached, buildah builds from a root of Debian 13 and from a mirror:'
	say '  SOURCE_DATE_EPOCH=0 mmdebstrap --variant=minbase trixie root.tar http://MIRROR/debian'
	say '  ./build-image.sh --engine buildah --base root.tar --mirror http://MIRROR/debian'
	die 69 '(with --update-pins first, where the mirror has other versions than pinned-packages.txt)'
}

# ---- building

# What the day of the packages was: no file of the image, and not the image, is younger.
epoch() {
	sed -n 's/^ARG SNAPSHOT=\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z$/\1-\2-\3 \4:\5:\6Z/p' Dockerfile |
		xargs -I '{}' date -u -d '{}' +%s
}

# Of the sources of the image; empty where git cannot tell.
find_revision() {
	[ -e .git ] && have git || return 0
	git rev-parse HEAD
	# shellcheck disable=SC2046 # words
	[ -z "$(git status --porcelain -- $(sed -n 's/^!//p' .dockerignore) Dockerfile .dockerignore)" ] ||
		echo -dirty
}

# NAME@DIGEST as a label each; an archive has neither.
base_labels() {
	base_image | sed -n 's/^\(..*\)@\(sha256:.*\)/base.name=\1 base.digest=\2/p'
}

# --build-arg and --label for each that is set, and what stands in labels as annotations too.
arguments() {
	for pair in "VERSION=$version" "REVISION=$revision" "SOURCE=$source" "BASE=$base" "MIRROR=$mirror"; do
		[ -z "${pair#*=}" ] || printf -- '--build-arg %s ' "$pair"
	done
	[ -z "$source" ] || set -- "source=$source" "url=$source" "documentation=$source/blob/v$version/README.md"
	# shellcheck disable=SC2046 # words
	set -- "$@" $(base_labels)
	for pair in "$@"; do
		printf -- '--label org.opencontainers.image.%s ' "$pair"
	done
	[ "$clean" = no ] || printf -- '--no-cache '
	# Docker's format, which buildah writes, has none.
	[ "$engine" = buildx ] || return 0
	set -- "$@" "version=$version" "revision=$revision"
	for pair; do
		[ -z "${pair#*=}" ] || printf -- '--annotation manifest:org.opencontainers.image.%s ' "$pair"
	done
}

# ARGUMENT...
run_buildx() {
	rm -f "$out/succeeded"
	# shellcheck disable=SC2046 # words
	{
		docker buildx build --builder "$builder" --platform linux/amd64 --provenance=false --sbom=false \
			--progress plain --build-arg "SOURCE_DATE_EPOCH=$(epoch)" $(arguments) "$@" . 2>&1 &&
			: >"$out/succeeded"
	} | tee "$out/buildx.log"
	# It ends with 1, whatever a step of the Dockerfile ended with.
	if [ ! -e "$out/succeeded" ]; then
		! grep -q 'did not complete successfully: exit code: 69$' "$out/buildx.log" || exit 69
		die 1 'docker buildx build has failed; why stands above'
	fi
	rm "$out/succeeded" "$out/buildx.log"
}

run_buildah() {
	# shellcheck disable=SC2046 # words
	buildah bud --isolation chroot --format docker --timestamp "$(epoch)" --layers="$layers" \
		--jobs 2 --identity-label=false $(arguments) "$@" .
}

# FOLDER: an image there, as `layout` and, for docker, as `image.tar`.
build_with_buildx() {
	run_buildx --output "type=oci,dest=$1/oci.tar,name=$name,rewrite-timestamp=true"
	mkdir "$1/layout"
	tar -xf "$1/oci.tar" -C "$1/layout"
	rm "$1/oci.tar"
	sed -n 's/.*"digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' "$1/layout/index.json" >"$1/digest"
	pack_for_docker "$1"
}

# FOLDER: of the layout there makes what `docker load` of any age takes: the same bits, and how older
# ones find them.
pack_for_docker() {
	# The configuration and the only layer, in this order.
	# shellcheck disable=SC2046 # words
	set -- "$1" $(tr -d '\n' <"$1/layout/blobs/sha256/$(cut -d : -f 2 "$1/digest")" |
		grep -o '"digest": *"sha256:[0-9a-f]*"' | sed 's/.*sha256:\(.*\)"/blobs\/sha256\/\1/')
	[ $# -eq 3 ] || die 1 "not one layer in $1/layout"
	printf '[{"Config":"%s","RepoTags":["%s"],"Layers":["%s"]}]' "$2" "$name" "$3" >"$1/manifest.json"
	tar -cf "$1/image.tar" -C "$1" manifest.json -C layout blobs index.json oci-layout
}

# FOLDER: takes out of the image there what is of this build alone: the name of the container that
# it was made in, and of each image on the way to it.
make_reproducible() {
	config=$(sed -n 's/.*"config":{[^}]*"digest":"sha256:\([0-9a-f]*\)".*/\1/p' "$1/manifest.json")
	history="\"history\":[{\"created\":\"$(date -u -d "@$(epoch)" +%Y-%m-%dT%H:%M:%SZ)\",\"created_by\":\"build-image.sh\"}]"
	sed -e 's/"container":"[0-9a-f]*",//' -e 's/"parent":"sha256:[0-9a-f]*",//' \
		-e 's/"Hostname":"[0-9a-f]*"/"Hostname":""/g' -e "s/\"history\":\[.*\]/$history/" \
		"$1/$config" >"$1/config"
	changed=$(sha256sum <"$1/config" | cut -c 1-64)
	sed -i "s/\"size\":$(wc -c <"$1/$config"),\"digest\":\"sha256:$config\"/\"size\":$(wc -c <"$1/config"),\"digest\":\"sha256:$changed\"/" \
		"$1/manifest.json"
	rm "$1/$config"
	mv "$1/config" "$1/$changed"
}

build_with_buildah() {
	run_buildah --iidfile "$1/id"
	# The health check is in Docker's format only.
	buildah push -q --format v2s2 "$(cat "$1/id")" "dir:$1/layout"
	make_reproducible "$1/layout"
	buildah pull -q "dir:$1/layout" >"$1/id"
	buildah tag "$(cat "$1/id")" "localhost/$name"
	buildah push -q "$(cat "$1/id")" "docker-archive:$1/image.tar:$name"
	echo "sha256:$(sha256sum <"$1/layout/manifest.json" | cut -c 1-64)" >"$1/digest"
}

build() { # FOLDER
	rm -rf "$1"
	mkdir -p "$1"
	"build_with_$engine" "$1" >&2
	digest=$(cat "$1/digest")
	echo "$digest" >"$1/digest"
	# The only layer is what is not JSON, and large.
	find "$1/layout" -type f -size +1024k >"$1/layer"
	[ "$(wc -l <"$1/layer")" -eq 1 ] || die 1 "more than one layer in $1/layout"
	gzip -dc "$(cat "$1/layer")" >"$1/files.tar"
}

# A base that is an archive becomes an image of buildah's.
import_base() {
	archive=$base
	base=localhost/dstack-ingress-base:$(sha256sum "$archive" | cut -c 1-16)
	[ "$clean" = yes ] || ! buildah inspect --type image "$base" >/dev/null 2>&1 || return 0
	container=$(buildah from scratch)
	buildah add -q "$container" "$archive" / >/dev/null
	buildah commit -q --timestamp "$(epoch)" "$container" "$base" >/dev/null
	buildah rm "$container" >/dev/null
}

# ---- what came out

# FOLDER: bytes by the first three parts of the path, largest first.
list_files() {
	tar -tvf "$1/files.tar" | awk '
		/^-/ { split($6, part, "/"); size[part[1] "/" part[2] "/" part[3]] += $3 }
		END { for (path in size) printf "%10d %s\n", size[path], path }' | sort -rn
}

# The same by package, as dpkg counts before anything is taken away.
list_packages() {
	awk '
		/^Package:/ { name = $2 }
		/^Installed-Size:/ { printf "%10d %s\n", $2 * 1024, name }' "$1/status" | sort -rn
}

describe() {
	tar -xOf "$1/files.tar" var/lib/dpkg/status >"$1/status"
	list_files "$1" >"$1/files"
	list_packages "$1" >"$1/packages"
	.ci/image/sbom "$1/status" "$version" "$(cat "$1/digest")" "$(epoch)" >"$1/sbom.spdx.json"
}

report() {
	echo "built by $engine, $name from ${base:-the Dockerfile\'s base}"
	echo "unpacked   $(awk '{ sum += $1 } END { printf "%.1f MB", sum / 1e6 }' "$1/files")"
	echo "compressed $(wc -c <"$(cat "$1/layer")" | awk '{ printf "%.1f MB", $1 / 1e6 }')"
	echo "what takes the space (bytes):"
	head -n 12 "$1/files"
	echo "the largest packages (bytes, before trimming):"
	head -n 12 "$1/packages"
	echo "digest     $(cat "$1/digest")"
}

# Of both builds each file's name, mode, owner, size and time.
compare() { # FIRST SECOND
	if cmp -s "$1/digest" "$2/digest"; then
		say "built twice, with the same digest"
		return
	fi
	say "built twice: $(cat "$1/digest") and $(cat "$2/digest"); what is different:"
	for folder in "$1" "$2"; do
		tar -tvf "$folder/files.tar" >"$folder/listing"
	done
	diff "$1/listing" "$2/listing" >&2 || die 1 'the digest is not reproducible'
	cmp "$1/files.tar" "$2/files.tar" >&2 || :
	die 1 'the digest is not reproducible; the list of files is the same'
}

update_pins() {
	rm -rf "$out/pins"
	mkdir -p "$out/pins"
	"run_$engine" --output "type=local,dest=$out/pins" --target pins >&2
	{
		echo '# What the packages in the image, and those that compile it, have to be.'
		echo '# ./build-image.sh --update-pins writes this file.'
		cat "$out/pins/pins.txt"
	} >pinned-packages.txt
	echo "pinned-packages.txt: $(grep -c = pinned-packages.txt) packages"
}

# FOLDER: what the head of this file promises.
keep() {
	rm -rf "$out/layout"
	mv "$1/image.tar" "$out/dstack-ingress.tar"
	mv "$1/digest" "$1/layout" "$1/sbom.spdx.json" "$1/files" "$1/packages" "$out"
}

push() { # FOLDER
	say "pushing to $push"
	case $engine in
	buildx) skopeo copy -q --preserve-digests --digestfile "$1/pushed" "oci:$out/layout" "docker://$push" ;;
	buildah) buildah push -q --format v2s2 --digestfile "$1/pushed" "$(cat "$1/id")" "docker://$push" ;;
	esac || die 1 "nothing is pushed to $push; why stands above, and what was built is in $out"
	[ "$(cat "$1/pushed")" = "$digest" ] || die 1 "the registry has $(cat "$1/pushed"), not the digest above"
	echo "pushed: ${push%:*}@$digest"
}

main() {
	parse "$@"
	[ "$clean" = yes ] && layers=false || layers=true
	choose_engine
	check_needs
	mkdir -p "$out"
	out=$(cd "$out" && pwd)
	# Once: a commit meanwhile is not to make two builds two images.
	revision=$(find_revision | tr -d '\n')
	[ "$engine" = buildah ] || check_builder
	case $base in
	*.tar) import_base ;;
	*) check_base ;;
	esac
	if [ "$update" = yes ]; then
		update_pins
		return
	fi
	build "$out/new"
	if [ "$verify" = yes ]; then
		build "$out/again"
		compare "$out/new" "$out/again"
		rm -rf "$out/again"
	fi
	describe "$out/new"
	report "$out/new" | tee "$out/report"
	keep "$out/new"
	[ -z "$expect" ] || [ "$digest" = "$expect" ] ||
		die 1 "the digest is $digest, and $expect was expected; nothing is pushed"
	[ -z "$push" ] || push "$out/new"
	rm -rf "$out/new"
}

main "$@"
