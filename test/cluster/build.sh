#!/bin/bash
# Builds the programs of the test cluster from their Go modules, unless they are there, and prints the directory
# that holds them: Kubernetes as one program with a link for each of its parts, containerd, helm, kubeconform and the
# image of the pods' sandbox. Building takes about 15 minutes on two cores and 4 GB of Go's cache; the result has 350 MB
# and is kept in the cache of the user, named after what it was built from.
set -euo pipefail
cd "$(dirname "$0")"
root=$PWD/../..

sources=(build.sh kubernetes/* containerd/* pause/* go.mod ../../deploy/tools/go.* ../../deploy/tools/image/*)
key=$({ go env GOVERSION; cat "${sources[@]}"; } | sha256sum | cut -c 1-16)
out=${XDG_CACHE_HOME:-$HOME/.cache}/vedette/cluster/$key
if [ -e "$out/complete" ]; then
	echo "$out"
	exit 0
fi

mkdir -p "$out"
export CGO_ENABLED=0

# module_version DIR MODULE prints the version of a module that another one requires.
module_version() { (cd "$1" && go list -m -f '{{.Version}}' "$2"); }

build_kubernetes() {
	local version minor package flags='-s -w'
	version=$(module_version kubernetes k8s.io/kubernetes)
	minor=$(echo "$version" | cut -d . -f 2)
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
	done
	(cd kubernetes && nice go build -trimpath -tags selinux,notest -ldflags "$flags" -o "$out/kubernetes" .)
	for part in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
		ln -sf kubernetes "$out/$part"
	done
}

build_containerd() {
	local module=github.com/containerd/containerd/v2 version
	version=$(module_version containerd $module)
	(cd containerd && nice go build -trimpath -tags no_btrfs,no_devmapper,no_zfs \
		-ldflags "-s -w -X $module/version.Version=${version#v}" -o "$out/" $module/cmd/{containerd,containerd-shim-runc-v2,ctr})
}

# helm takes the version of Kubernetes for templates and lint from its build.
build_tools() {
	local minor package flags='-s -w'
	minor=$(module_version kubernetes k8s.io/kubernetes | cut -d . -f 2)
	for package in chartutil lint/rules; do
		flags+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$minor"
	done
	(cd "$root/deploy/tools" && nice go build -trimpath -ldflags "$flags" -o "$out/" \
		helm.sh/helm/v3/cmd/helm github.com/yannh/kubeconform/cmd/kubeconform ./image)
}

build_pause() {
	mkdir -p "$out/pause-root"
	go build -trimpath -ldflags '-s -w' -o "$out/pause-root/pause" ./pause
	"$out/image" -name localhost/pause:vedette -entrypoint /pause -o "$out/pause.tar" "linux/$(go env GOARCH)=$out/pause-root"
}

{
	build_kubernetes
	build_containerd
	build_tools
	build_pause
} >&2
touch "$out/complete"
echo "$out"
