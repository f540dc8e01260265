// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// MaxSize is the largest text of policies that is read, in bytes.
const MaxSize = 1 << 20

// ErrTooLarge matches the error of a policy file larger than [MaxSize].
var ErrTooLarge = errors.New("policy file is too large")

// ReadFile reads and parses a policy file. The error is about the file as
// such: it cannot be read, is not a regular file, or is larger than
// [MaxSize]. What is wrong inside it is in the diagnostics, and the policies
// of its valid documents are returned beside them.
func ReadFile(path string) ([]*Policy, []Diagnostic, error) {
	src, err := ReadSource(path)
	if err != nil {
		return nil, nil, err
	}
	policies, diags := ParseSource(src)
	return policies, diags, nil
}

// ReadSource reads a policy file without parsing it, for callers that render
// diagnostics. It fails as [ReadFile] does.
func ReadSource(path string) (*Source, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return NewSource(path, data), nil
}

// readBounded reads a regular file of at most MaxSize bytes.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := checkFile(path, info); err != nil {
		return nil, err
	}
	// Without O_NONBLOCK, opening a FIFO that has taken the file's place
	// since the check would wait for a writer for ever.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := checkFile(path, info); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%s: %w: more than the limit of %d bytes", path, ErrTooLarge, MaxSize)
	}
	return data, nil
}

// checkFile refuses what cannot be a policy file.
func checkFile(path string, info os.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("%s is a directory, not a policy file", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file (mode %s)", path, info.Mode())
	case info.Size() > MaxSize:
		return fmt.Errorf("%s: %w: %d bytes, the limit is %d", path, ErrTooLarge, info.Size(), MaxSize)
	}
	return nil
}
