// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openPorts opens the serial ports after that of the kernel's log.
func openPorts() (stdout, stderr, reports *os.File, err error) {
	var opened [3]*os.File
	for i := range opened {
		if opened[i], err = openPort(fmt.Sprintf("/dev/ttyS%d", i+1)); err != nil {
			return nil, nil, nil, err
		}
	}
	return opened[0], opened[1], opened[2], nil
}

// openPort opens a port that carries bytes as they are.
func openPort(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	settings, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	settings.Oflag, settings.Lflag = 0, 0
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, settings); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// drain waits until all that was written to a port has left it.
func drain(f *os.File) error {
	const wait = 1 // TCSBRK with an argument sends no break, it only waits (ioctl_tty(2))
	return unix.IoctlSetInt(int(f.Fd()), unix.TCSBRK, wait)
}

// send writes the report, and the files that are asked for when the command ran.
func send(w io.Writer, report Report, wanted []Return) error {
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(text, '\n')); err != nil || report.Error != "" || len(wanted) == 0 {
		return err
	}
	z := gzip.NewWriter(w)
	files := tar.NewWriter(z)
	for _, r := range wanted {
		err = errors.Join(err, sendTree(files, r.Path))
	}
	return errors.Join(err, files.Close(), z.Close())
}

// sendTree sends what is at a path; there may be nothing.
func sendTree(w *tar.Writer, path string) error {
	return filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return sendFile(w, name)
	})
}

func sendFile(w *tar.Writer, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data))}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
