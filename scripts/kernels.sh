#!/bin/bash
# Fetches kernels for guests: kernels.sh SERIES..., e.g. kernels.sh 5.10 6.12 newest
#
# A series is kept in its own directory below $VEDETTE_KERNELS (~/.cache/vedette/kernels): the uncompressed
# image vmlinux, its config, its modules, and VERSION. Kernels are Debian's packages for virtual machines. The
# newest of a series is looked for in every suite of the mirror that this machine's apt uses, at most once a
# day; apt verifies them against Debian's keys, and nothing on this machine changes. Without a network what is
# there serves.
set -euo pipefail

usage="usage: $0 SERIES..., e.g. 5.10 6.12 newest"
[ $# -gt 0 ] || { echo "$usage" >&2; exit 2; }
case $1 in -h | --help) echo "$usage"; exit 0 ;; esac

cache=${VEDETTE_KERNELS:-${XDG_CACHE_HOME:-$HOME/.cache}/vedette/kernels}
apt=$cache/.apt
flavour=cloud-amd64
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites="bullseye bookworm bookworm-backports trixie trixie-backports sid"
secure="bullseye bookworm trixie"
options=(
	-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::status=/dev/null
	-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root
	-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o Acquire::Languages=none -o Acquire::Retries=2
	-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
	-o Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled=false
	-o Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled=false
)

# uris lists where this machine's apt gets Debian from.
uris() {
	apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 2>/dev/null |
		awk '$2 == "Debian" { sub("/$", "", $1); print $1 }' | sort -u
	sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | tr ' ' '\n' | sed 's|/$||'
	awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ "^https?:.*debian") { sub("/$", "", $i); print $i } }' /etc/apt/sources.list 2>/dev/null
}

# sources writes the sources of every suite that has kernels.
sources() {
	local uri suite
	uris | sort -u | while read -r uri; do
		case $uri in
		*-security) for suite in $secure; do echo "deb [signed-by=$keyring] $uri $suite-security main"; done ;;
		*/debian) for suite in $suites; do echo "deb [signed-by=$keyring] $uri $suite main"; done ;;
		esac
	done
}

# update gets the lists of packages. A suite that is gone does not stop the others.
update() {
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	sources >"$apt/sources.list"
	[ -s "$apt/sources.list" ] || { echo "this machine's apt has no source of Debian's packages" >&2; return 1; }
	apt-get "${options[@]}" -qq update >"$apt/log" 2>&1 || true
	[ -n "$(releases)" ] || { cat "$apt/log" >&2; return 1; }
}

# releases lists the releases of all kernels, the newest last. A pre-release is none.
releases() {
	apt-cache "${options[@]}" pkgnames linux-image- |
		sed -n "s/^linux-image-\([0-9]*\.[0-9]*\.[0-9][0-9a-z.+~-]*-$flavour\)\$/\1/p" |
		sed -e /-rt-/d -e /rc/d | sort -V
}

# newest SERIES tells the newest release of a series, or of all.
newest() {
	case $1 in
	newest) releases | tail -n 1 ;;
	*) releases | awk -v series="$1." 'index($0, series) == 1' | tail -n 1 ;;
	esac
}

# packages RELEASE lists the packages of a kernel. Since 6.19 linux-image is empty and depends on others.
packages() {
	if apt-cache "${options[@]}" show "linux-binary-$1" >/dev/null 2>&1; then
		echo "linux-binary-$1" "linux-modules-$1" "linux-base-$1"
	else
		echo "linux-image-$1"
	fi
}

# number OFFSET SIZE prints an unsigned number of the boot image.
number() { od -An -"tu$2" -j "$1" -N "$2" "$image" | tr -d ' '; }

# vmlinux IMAGE prints the kernel that a boot image carries compressed (Documentation/arch/x86/boot.rst:
# setup_sects at 0x1f1, payload_offset at 0x248, payload_length at 0x24c).
vmlinux() {
	local image=$1 sectors offset
	sectors=$(number 497 1)
	[ "$sectors" -ne 0 ] || sectors=4
	offset=$(((sectors + 1) * 512 + $(number 584 4)))
	local payload=(dd if="$image" iflag=skip_bytes,count_bytes skip="$offset" count="$(number 588 4)" bs=1M status=none)
	case $(od -An -tx1 -j "$offset" -N 4 "$image" | tr -d ' ') in
	# The size that follows the payload is garbage to the decompressor.
	28b52ffd) "${payload[@]}" | zstd -dcq 2>/dev/null || true ;;
	fd377a58) "${payload[@]}" | xz -dcq 2>/dev/null || true ;;
	02214c18) "${payload[@]}" | lz4 -dcq 2>/dev/null || true ;;
	1f8b*) "${payload[@]}" | gzip -dcq 2>/dev/null || true ;;
	*) echo "$image is compressed in an unknown way" >&2; return 1 ;;
	esac
}

# first FILE... prints the first that exists.
first() {
	local file
	for file in "$@"; do [ ! -e "$file" ] || { echo "$file"; return; }; done
	return 1
}

# fetch SERIES RELEASE puts a kernel in its place, whole or not at all.
fetch() {
	local series=$1 release=$2 new package image
	new=$(mktemp -d "$cache/.new-XXXXXX")
	for package in $(packages "$release"); do
		(cd "$new" && apt-get "${options[@]}" -qq download "$package" 2>"$new/log") ||
			[ "$package" = "linux-base-$release" ] || { cat "$new/log" >&2; rm -rf "$new"; return 1; }
	done
	for package in "$new"/*.deb; do dpkg-deb -x "$package" "$new"; done
	image=$(first "$new"/boot/vmlinuz-* "$new"/usr/lib/modules/*/vmlinuz)
	vmlinux "$image" >"$new/vmlinux"
	[ "$(head -c 4 "$new/vmlinux" | tail -c 3)" = ELF ] || { echo "no kernel in $image" >&2; rm -rf "$new"; return 1; }
	cp "$(first "$new"/boot/config-* "$new"/usr/lib/modules/*/config)" "$new/config"
	echo "$release" >"$new/VERSION"
	rm -rf "$new"/*.deb "$new"/log "$new"/boot "$new"/usr/lib/modules/*/vmlinuz "$new"/usr/share
	chmod 755 "$new"
	rm -rf "${cache:?}/$series"
	mv "$new" "$cache/$series"
}

# have SERIES tells the release that is there, if any.
have() { cat "$cache/$1/VERSION" 2>/dev/null; }

# checked SERIES says that the newest was looked for within a day.
checked() { [ -n "$(find "$cache/$1/.checked" -mmin -1440 2>/dev/null)" ]; }

# ensure SERIES fetches a kernel unless the newest is there.
ensure() {
	local series=$1 release=""
	checked "$series" && return
	if [ -z "$updated" ]; then
		if update; then updated=yes; else updated=failed; fi
	fi
	[ "$updated" = failed ] || release=$(newest "$series")
	if [ -z "$release" ]; then
		have "$series" >/dev/null || { echo "no kernel $series can be found" >&2; return 1; }
		echo "kernel $series: cannot look for a newer one, $(have "$series") serves" >&2
		return
	fi
	if [ "$release" != "$(have "$series")" ]; then
		echo "kernel $series: fetching $release"
		fetch "$series" "$release"
	fi
	touch "$cache/$series/.checked"
}

"$(dirname "$0")/deps.sh" guest
mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9
updated=""
for series; do
	case $series in
	newest | [0-9]*.[0-9]*) ensure "$series" ;;
	*) echo "$usage" >&2; exit 2 ;;
	esac
done
