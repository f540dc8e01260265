// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Kernel is a directory with a kernel: the ELF file vmlinux, VERSION with its release, and the modules
// below lib/modules or usr/lib/modules.
type Kernel struct {
	// Dir is the directory.
	Dir string
	// Release is the kernel's release as uname(1) tells it, e.g. "6.12.101+deb13-cloud-amd64".
	Release string
}

// CacheDir is the directory where scripts/kernels.sh keeps kernels: $VEDETTE_KERNELS, or vedette/kernels
// in the user's cache.
func CacheDir() (string, error) {
	if dir := os.Getenv("VEDETTE_KERNELS"); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("where kernels are kept: %w", err)
	}
	return filepath.Join(cache, "vedette", "kernels"), nil
}

// Find finds a kernel by its series ("6.12"), as "newest", or by a directory, which has a slash. The error
// of a kernel that is not there names the script that fetches it.
func Find(name string) (Kernel, error) {
	if strings.Contains(name, "/") {
		return openKernel(name)
	}
	cache, err := CacheDir()
	if err != nil {
		return Kernel{}, err
	}
	k, err := openKernel(filepath.Join(cache, name))
	if errors.Is(err, fs.ErrNotExist) {
		return Kernel{}, fmt.Errorf("kernel %s is not in %s: fetch it with scripts/kernels.sh %[1]s", name, cache)
	}
	return k, err
}

func openKernel(dir string) (Kernel, error) {
	release, err := os.ReadFile(filepath.Join(dir, "VERSION"))
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "vmlinux"))
	}
	if err != nil {
		return Kernel{}, fmt.Errorf("kernel: %w", err)
	}
	return Kernel{Dir: dir, Release: strings.TrimSpace(string(release))}, nil
}

func (k Kernel) image() string { return filepath.Join(k.Dir, "vmlinux") }
