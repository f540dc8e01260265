#!/bin/sh
# Generates the Go code of api/tetragon from its .proto files. The plugins and the well-known types
# are taken from the versions that go.mod pins, so that the output depends on this tree and protoc only.
set -eu
cd "$(dirname "$0")"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/" \
	google.golang.org/protobuf/cmd/protoc-gen-go \
	google.golang.org/grpc/cmd/protoc-gen-go-grpc
go run ./wellknown >"$tmp/wellknown.pb"

PATH="$tmp:$PATH" protoc -I . --descriptor_set_in="$tmp/wellknown.pb" \
	--go_out=. --go_opt=paths=source_relative \
	--go-grpc_out=. --go-grpc_opt=paths=source_relative \
	tetragon/*.proto
