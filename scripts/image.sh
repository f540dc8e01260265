#!/bin/bash
# image.sh NAME [VERSION]: builds bin/vedette-image.tar, an OCI image archive of that name for amd64 and arm64, with one
# static program in it and no shell. It needs Go and no container tools. "docker load", "ctr images import" and "kind load
# image-archive" read the archive; tools like skopeo push it to a registry.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 version=${2:-}
root=$PWD/bin/image
rm -rf "$root"

platforms=()
for arch in amd64 arm64; do
	dir=$root/$arch
	mkdir -p "$dir/usr/bin" "$dir/usr/share/doc/vedette" "$dir/etc"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath \
		-ldflags "-s -w -X github.com/vedette-io/vedette/internal/cli.version=$version" -o "$dir/usr/bin/vedette" ./cmd/vedette
	cp LICENSE "$dir/usr/share/doc/vedette/"
	echo 'root:x:0:0:root:/:/usr/bin/vedette' >"$dir/etc/passwd"
	echo 'root:x:0:' >"$dir/etc/group"
	platforms+=("linux/$arch=$dir")
done

CGO_ENABLED=0 go -C deploy/tools run -trimpath ./image -name "$name" -version "$version" -entrypoint /usr/bin/vedette -cmd agent \
	-o "$PWD/bin/vedette-image.tar" "${platforms[@]}"
