// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// temporary is the directory of temporary files, where a disk is mounted.
const temporary = "/tmp"

// mountDisk mounts the disk for temporary files. Files that the guest was given there stay visible.
func mountDisk() error {
	const disk = Dir + "/disk"
	if err := os.Mkdir(disk, 0o755); err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	if err := unix.Mount("/dev/vda", disk, "ext4", 0, ""); err != nil {
		return fmt.Errorf("disk: mount: %w", err)
	}
	if err := os.Chmod(disk, fs.ModeSticky|0o777); err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	given, err := os.ReadDir(temporary)
	if err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	for _, entry := range given {
		if err := show(entry, disk); err != nil {
			return fmt.Errorf("disk: %s: %w", entry.Name(), err)
		}
	}
	if err := unix.Mount(disk, temporary, "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("disk: move: %w", err)
	}
	return nil
}

// show makes a temporary file or directory appear on the disk.
func show(entry fs.DirEntry, disk string) (err error) {
	target := filepath.Join(disk, entry.Name())
	if entry.IsDir() {
		err = os.Mkdir(target, 0o755)
	} else {
		err = os.WriteFile(target, nil, 0o600)
	}
	if err != nil {
		return err
	}
	return unix.Mount(filepath.Join(temporary, entry.Name()), target, "", unix.MS_BIND, "")
}
