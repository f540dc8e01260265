// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// modes are the ways to read a file. Each returns the bytes that it got.
var modes = map[string]func(path string) ([]byte, error){
	"read":            opened(read),
	"pread64":         opened(pread),
	"readv":           opened(readv),
	"preadv":          opened(preadv),
	"preadv2":         opened(preadv2),
	"copy_file_range": opened(copyFileRange),
	"sendfile":        opened(sendfile),
	"splice":          opened(splice),
	"mmap":            opened(mapped),
	"scm-rights":      received,
	"inherited":       inherited,
	"stdin":           fromStdin,
	"dup":             duplicated,
	"dup2":            duplicatedTo,
	"fcntl-dupfd":     duplicatedByFcntl,
	"reused":          reused,
	"closed":          closed,
	"copied":          copied,
	"thread":          inThread,
	"await":           await,
}

func main() {
	out, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(out); err != nil {
		os.Exit(1)
	}
}

func run(args []string) ([]byte, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("usage: reader MODE FILE; modes: %s", strings.Join(slices.Sorted(maps.Keys(modes)), " "))
	}
	mode := modes[args[0]]
	if mode == nil {
		return nil, fmt.Errorf("unknown mode %q", args[0])
	}
	return mode(args[1])
}
