// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"path/filepath"
	"strconv"
)

// diskModules are the modules of a disk with ext4.
var diskModules = []string{"virtio_mmio", "virtio_blk", "ext4"}

func diskPath(dir string) string { return filepath.Join(dir, "disk") }

// makeDisk makes a file system in a file, which takes only the room that is used.
func makeDisk(path string, size int) error {
	_, err := output("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=1,root_owner=0:0", path, strconv.Itoa(size)+"M")
	return err
}

func diskArgs(dir string) []string {
	return []string{
		"-drive", "id=disk,if=none,format=raw,cache=unsafe,file=" + diskPath(dir),
		"-device", "virtio-blk-device,drive=disk",
	}
}
