// SPDX-License-Identifier: Apache-2.0

// Image writes an OCI image archive from directories, without a network and without a daemon:
//
//	image -name localhost/vedette:dev -entrypoint /usr/bin/vedette -o vedette.tar linux/amd64=DIR linux/arm64=DIR
//
// Each directory is the root file system of the image on one platform. The archive is the same whenever its input is:
// owners are root, times are zero. "docker load", "ctr images import" and "kind load image-archive" read it.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var img image
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&img.name, "name", "", "`reference` of the image")
	flags.StringVar(&img.version, "version", "", "what the image says its version is")
	entrypoint := flags.String("entrypoint", "", "`program and arguments` that are always there, comma-separated")
	command := flags.String("cmd", "", "`arguments` that can be replaced, comma-separated")
	out := flags.String("o", "", "archive to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if img.name == "" || *out == "" || flags.NArg() == 0 {
		return fmt.Errorf("-name, -o and at least one PLATFORM=DIR are needed")
	}
	img.entrypoint, img.command = list(*entrypoint), list(*command)
	index, err := img.index(flags.Args())
	if err != nil {
		return err
	}
	return writeArchive(*out, img.name, index)
}

// list splits what commas separate.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
