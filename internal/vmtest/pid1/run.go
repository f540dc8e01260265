// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// searchPath is the PATH of the command.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is that of every command. GUEST tells it where it is.
var environment = []string{"PATH=" + searchPath, "HOME=/root", "TERM=dumb", "USER=root", "VEDETTE_GUEST=1"}

// The exit codes of a command that cannot be run are those of a shell.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128
)

// run runs the command and returns its exit code. Until it ends it waits for every process that is left
// to it, as the first process must.
func run(job Job, stdout, stderr *os.File) (int, error) {
	if err := os.Setenv("PATH", searchPath); err != nil {
		return 0, err
	}
	path, err := exec.LookPath(job.Argv[0])
	if err != nil {
		fmt.Fprintf(stderr, "guest: %v\n", err)
		return exitNotFound, nil
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	dir := job.Dir
	if dir == "" {
		dir = "/"
	}
	process, err := os.StartProcess(path, job.Argv, &os.ProcAttr{
		Dir: dir, Env: append(environment, job.Env...), Files: []*os.File{null, stdout, stderr},
		Sys: &unix.SysProcAttr{Setsid: true},
	})
	if err != nil {
		fmt.Fprintf(stderr, "guest: %v\n", err)
		return exitNotExecutable, nil
	}
	return await(process.Pid)
}

// await waits for a process.
func await(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case ended != pid:
		case status.Signaled():
			return exitSignal + int(status.Signal()), nil
		default:
			return status.ExitStatus(), nil
		}
	}
}
