// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vedette-io/vedette/internal/vmtest/pid1"
)

// errNoReport says that a guest ended before it reported.
var errNoReport = errors.New("no report")

// report keeps what package pid1 sends: a line of JSON, then the files that come back.
type report struct {
	*os.File
	paths []string
}

func newReport(dir string, paths []string) (*report, error) {
	f, err := os.CreateTemp(dir, "report")
	if err != nil {
		return nil, fmt.Errorf("guest: %w", err)
	}
	return &report{f, paths}, nil
}

// finish reads the report and puts the files in their places.
func (r *report) finish() (Result, error) {
	defer r.Close()
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return Result{}, err
	}
	in := bufio.NewReader(r)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return Result{}, errNoReport
	}
	var told pid1.Report
	if err := json.Unmarshal(line, &told); err != nil {
		return Result{}, fmt.Errorf("report of the guest: %w", err)
	}
	if told.Error != "" {
		return Result{}, fmt.Errorf("guest: %s", told.Error)
	}
	if err := unpack(in, r.paths); err != nil {
		return Result{}, fmt.Errorf("files of the guest: %w", err)
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return Result{
		ExitCode: told.ExitCode, Release: told.Release, LSM: told.LSM,
		Boot: seconds(told.BootSeconds), Command: seconds(told.CommandSeconds),
	}, nil
}

// unpack puts the files of a compressed archive in their places, which must be among paths or below them.
func unpack(r io.Reader, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	for files := tar.NewReader(z); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join("/", header.Name)
		if !slices.ContainsFunc(paths, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") }) {
			return fmt.Errorf("%s was not asked for", path)
		}
		if header.Typeflag == tar.TypeReg {
			if err := create(path, files); err != nil {
				return err
			}
		}
	}
}

func create(path string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
