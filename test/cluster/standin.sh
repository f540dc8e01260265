#!/bin/bash
# standin.sh IMAGE-COMMAND OUT.tar: builds the image of the stand-in database (test/irisdb) with programs of this Debian
# in it, as deploy/demo/iris/Dockerfile does from a base image where there is a network.
set -euo pipefail
cd "$(dirname "$0")/../.."
image=$1 out=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# Programs with the libraries that they are linked with; /bin and /lib are links into /usr.
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/etc"
ln -s usr/bin "$root/bin"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
programs=(bash cat ls pwd id sleep stat head env true false test touch)
for program in "${programs[@]}"; do
	cp -L "/usr/bin/$program" "$root/usr/bin/"
	ldd "/usr/bin/$program" | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$root/usr/${library%/*}"
		cp -L "$library" "$root/usr/${library%/*}/"
	done
done
cp -r deploy/demo/iris/root/. "$root/"
mkdir -p "$root/home/irisowner" "$root/tmp" "$root/usr/irissys/bin"
CGO_ENABLED=0 go build -trimpath -o "$root/iris-main" ./test/irisdb
cp "$root/iris-main" "$root/usr/irissys/bin/irisdb"
"$image" -name localhost/iris-standin:demo -entrypoint /iris-main,entrypoint,-w,/home/irisowner,-s,/usr/irissys/mgr \
	-o "$out" "linux/$(go env GOARCH)=$root"
