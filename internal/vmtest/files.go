// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// File is a file or a directory of this machine that the guest gets.
type File struct {
	// Host is its path here.
	Host string
	// Guest is its absolute path in the guest, that of Host when empty.
	Guest string
}

// ParseFile reads HOST or HOST:GUEST.
func ParseFile(text string) (File, error) {
	host, guest, _ := strings.Cut(text, ":")
	host, err := filepath.Abs(host)
	if err != nil {
		return File{}, err
	}
	if guest != "" && !filepath.IsAbs(guest) {
		return File{}, fmt.Errorf("%q: the path in the guest must be absolute", text)
	}
	return File{Host: host, Guest: guest}, nil
}

// libraryDirs is where the dynamic linker looks for libraries, on Debian and elsewhere (ld.so(8)).
var libraryDirs = []string{
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/local/lib", "/lib", "/usr/lib",
}

// file adds a file or a directory. A program brings what it cannot run without: the libraries it is
// linked with, or the interpreter of a script.
func (a *archive) file(f File) error {
	guest := f.Guest
	if guest == "" {
		guest = f.Host
	}
	info, err := os.Stat(f.Host)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return a.tree(f.Host, guest)
	case f.Guest == "":
		return a.asHere(f.Host)
	}
	return a.copy(f.Host, guest)
}

// asHere adds a file under the path it has here: what is a link here is a link there.
func (a *archive) asHere(host string) error {
	target, err := filepath.EvalSymlinks(host)
	if err != nil {
		return err
	}
	if guestName(target) != guestName(host) {
		a.link(host, target)
	}
	return a.copy(target, target)
}

// copy adds one regular file, and what it needs to run.
func (a *archive) copy(host, guest string) error {
	if a.has(guest) {
		return nil
	}
	info, err := os.Stat(host)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(host)
	if err != nil {
		return err
	}
	a.regular(guest, uint32(info.Mode().Perm()), data)
	needed, err := neededBy(data)
	if err != nil {
		return fmt.Errorf("%s: %w", host, err)
	}
	for _, path := range needed {
		if err := a.asHere(path); err != nil {
			return fmt.Errorf("%s: %w", host, err)
		}
	}
	return nil
}

// tree adds a directory with all that is below it.
func (a *archive) tree(host, guest string) error {
	return filepath.WalkDir(host, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		there := filepath.Join(guest, strings.TrimPrefix(path, host))
		switch {
		case entry.IsDir():
			a.directory(there)
		case entry.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			a.link(there, target)
		case entry.Type().IsRegular():
			return a.copy(path, there)
		}
		return nil
	})
}

// neededBy returns the paths of what a file needs to run. Nothing is needed by what is no program.
func neededBy(data []byte) ([]string, error) {
	if line, ok := bytes.CutPrefix(data, []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		if words := strings.Fields(string(line)); len(words) > 0 {
			return interpreters(words), nil
		}
	}
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return nil, nil
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, nil
	}
	if f.Machine != elf.EM_X86_64 || f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return nil, nil
	}
	return linkedWith(f)
}

// interpreters returns the programs of the first line of a script: "env" names another one.
func interpreters(words []string) []string {
	paths := words[:1]
	if filepath.Base(words[0]) == "env" && len(words) > 1 {
		if path, err := exec.LookPath(words[1]); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// linkedWith returns the paths of a program's dynamic linker and libraries.
func linkedWith(f *elf.File) ([]string, error) {
	var paths []string
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(p.Open())
		if err != nil {
			return nil, err
		}
		paths = append(paths, strings.TrimRight(string(name), "\x00"))
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return nil, nil // statically linked
	}
	for _, name := range libraries {
		path, err := findLibrary(name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func findLibrary(name string) (string, error) {
	for _, dir := range libraryDirs {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("library %s is in none of %s", name, strings.Join(libraryDirs, ", "))
}
