#!/bin/sh
# Installs what a task needs beyond make, git and Go, and only what is missing:
#
#   deps.sh cluster  to run a Kubernetes
#   deps.sh demo     to run the demonstration (the kernel programs are committed as objects)
#   deps.sh guest    to run guests with other kernels
#   deps.sh test     to run all tests, which also rebuild what is generated
#
# It knows Debian's packages. Elsewhere it names what is missing.
set -eu

missing=""

# need PACKAGE COMMAND-OR-FILE...: the package is needed unless all of them are there.
need() {
	package=$1
	shift
	for thing in "$@"; do
		case $thing in
		/*) [ -e "$thing" ] && continue ;;
		*) command -v "$thing" >/dev/null && continue ;;
		esac
		missing="$missing $package"
		return
	done
}

need_demo() {
	need bash bash
	need coreutils cat
	need util-linux nsenter unshare
	need ca-certificates /etc/ssl/certs/ca-certificates.crt
}

need_cluster() {
	need runc runc
	need containernetworking-plugins /usr/lib/cni/bridge
	need nftables nft
	need iptables iptables
	need iproute2 ip
	need procps sysctl
	need util-linux nsenter
}

need_guest() {
	need qemu-system-x86 qemu-system-x86_64
	need busybox-static busybox
	need e2fsprogs /sbin/mke2fs
	need zstd zstd
	need xz-utils xz
	need debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg
}

need_test() {
	need_demo
	need_guest
	need clang-19 clang-19
	need llvm-19 llvm-strip-19
	need libbpf-dev /usr/include/bpf/bpf_helpers.h
	need protobuf-compiler protoc
	need libc6-dev /usr/include/stdio.h
	need shellcheck shellcheck
}

case ${1:-} in
cluster) need_cluster ;;
demo) need_demo ;;
guest) need_guest ;;
test) need_test ;;
*)
	echo "usage: $0 cluster|demo|guest|test" >&2
	exit 2
	;;
esac

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "not installed here:$missing (these are the names of Debian's packages)" >&2
	exit 1
fi

echo "installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	"$(dirname "$0")/as-root.sh" env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
}
apt update
# shellcheck disable=SC2086 # one package each
apt install -y --no-install-recommends $missing
