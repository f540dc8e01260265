// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vedette-io/vedette/internal/vmtest/pid1"
)

// emptyDirs are the directories that the guest has from the start.
var emptyDirs = []string{"/dev", "/proc", "/sys", "/run", "/root", "/etc"}

// sharedDirs are those where every user may write.
var sharedDirs = []string{"/tmp", "/var/tmp"}

// accounts are the files that name the guest's users, without which programs cannot tell who they are.
var accounts = map[string]string{
	"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
	"/etc/group":  "root:x:0:\nnogroup:x:65534:\n",
	"/etc/hosts":  "127.0.0.1 localhost\n",
}

// writeInitramfs writes the root of the guest, with the command that it runs.
func (g *Guest) writeInitramfs(w io.Writer, argv []string) error {
	a := newArchive(w)
	for _, dir := range emptyDirs {
		a.directory(dir)
	}
	for _, dir := range sharedDirs {
		a.add(dir, modeDirectory|0o1777, nil)
	}
	a.add("/dev/console", modeCharacter|0o600, nil)
	for name, text := range accounts {
		a.regular(name, 0o644, []byte(text))
	}
	for _, step := range []func(*archive) error{g.addInit, g.addFiles, g.addBusybox} {
		if err := step(a); err != nil {
			return fmt.Errorf("guest's files: %w", err)
		}
	}
	if err := g.addJob(a, argv); err != nil {
		return fmt.Errorf("guest's files: %w", err)
	}
	return a.close()
}

func (g *Guest) addInit(a *archive) error {
	a.link(pid1.Path, g.Init)
	return a.file(File{Host: g.Init})
}

func (g *Guest) addFiles(a *archive) error {
	for _, f := range g.Files {
		if err := a.file(f); err != nil {
			return err
		}
	}
	return nil
}

// addBusybox adds busybox for every command that the guest does not have yet.
func (g *Guest) addBusybox(a *archive) error {
	path, err := exec.LookPath("busybox")
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("busybox is not installed: scripts/deps.sh guest installs it (on Debian, the package busybox-static)")
	}
	if err != nil {
		return err
	}
	applets, err := output(path, "--list")
	if err != nil {
		return err
	}
	if err := a.copy(path, "/bin/busybox"); err != nil {
		return err
	}
	for _, name := range strings.Fields(string(applets)) {
		if !a.has("/sbin/" + name) {
			a.link("/bin/"+name, "busybox")
		}
	}
	return nil
}

// addJob adds what the first process is to do.
func (g *Guest) addJob(a *archive, argv []string) error {
	job := pid1.Job{Argv: argv, Env: g.Env, Dir: g.Dir, Disk: g.Disk > 0}
	if g.Dir != "" {
		a.directory(g.Dir)
	}
	for _, path := range g.Return {
		job.Return = append(job.Return, pid1.Return{Path: path, Directory: isDirectory(path)})
	}
	if len(g.Modules) > 0 {
		if err := g.addModules(a, &job); err != nil {
			return err
		}
	}
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	a.regular(pid1.JobPath, 0o644, text)
	return nil
}

func (g *Guest) addModules(a *archive, job *pid1.Job) error {
	all, err := findModules(g.Kernel.Dir)
	if err != nil {
		return err
	}
	ordered, err := all.order(g.Modules)
	if err != nil {
		return err
	}
	for _, m := range ordered {
		path := filepath.Join(pid1.Dir, "modules", m.name+".ko")
		a.regular(path, 0o644, m.data)
		job.Modules = append(job.Modules, path)
	}
	return nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
