// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// qemu is the emulator's program.
const qemu = "qemu-system-x86_64"

// bootLine is what every guest's kernel is told: where it logs, that a panic or an oops ends it (QEMU then
// ends too), and to leave out what only costs time here.
const bootLine = "console=ttyS0 loglevel=4 panic=-1 oops=panic cryptomgr.notests random.trust_cpu=on audit=0 " +
	"rcupdate.rcu_expedited=1 no_timer_check mitigations=off"

// The guest's serial ports, in order. Each is a pipe to this program: the kernel's log, the two outputs of
// the command, and package pid1's report.
const (
	portLog = iota
	portStdout
	portStderr
	portReport
	ports
)

// firstPipe is the descriptor of the first pipe in QEMU: those before are its standard streams.
const firstPipe = 3

// qemuArgs returns the arguments of QEMU.
func (g *Guest) qemuArgs(dir, initramfs string, threads bool, kHz uint64) []string {
	accel := "tcg,thread=single"
	if threads {
		accel = "tcg,thread=multi"
	}
	args := []string{
		"-M", "microvm", "-accel", accel, "-cpu", "max,la57=off", "-smp", strconv.Itoa(g.CPUs), "-m", strconv.Itoa(g.Memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", g.Kernel.image(), "-initrd", initramfs,
		"-append", strings.Join(strings.Fields(bootLine+" "+clockLine(kHz)+" "+g.Append), " "),
	}
	if g.CountInstructions {
		args = append(args, "-icount", "shift=0,sleep=off")
	}
	if g.Disk > 0 {
		args = append(args, diskArgs(dir)...)
	}
	for port := range ports {
		args = append(args,
			"-chardev", fmt.Sprintf("file,id=port%d,path=/dev/fd/%d", port, firstPipe+port),
			"-device", fmt.Sprintf("isa-serial,chardev=port%d,index=%[1]d", port))
	}
	return args
}

// qemuVersion returns the major version of the installed QEMU.
func qemuVersion() (int, error) {
	out, err := exec.Command(qemu, "--version").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return 0, fmt.Errorf("%s is not installed: scripts/deps.sh guest installs it (on Debian, the package qemu-system-x86)", qemu)
	}
	if err != nil {
		return 0, fmt.Errorf("%s --version: %w", qemu, err)
	}
	return parseVersion(out)
}

// parseVersion reads "QEMU emulator version 7.2.22 (Debian …)".
func parseVersion(out []byte) (int, error) {
	line, _, _ := bytes.Cut(out, []byte("\n"))
	_, version, _ := strings.Cut(string(line), " version ")
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0, fmt.Errorf("%s --version says %q", qemu, line)
	}
	return n, nil
}

// threadsWork says whether the emulated processors may run as threads. When instructions are counted they
// take turns. QEMU before 9 with several of them loses races with the kernel changing its own code, which
// attaching does ("Oops: int3"): there they take turns too.
func (g *Guest) threadsWork(major int) bool {
	return !g.CountInstructions && (g.CPUs == 1 || major >= 9)
}
