// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Main does nothing in an ordinary process. In the first process of a guest it does the job and does not
// return: the machine ends. It must be called before anything else in main.
func Main() {
	if os.Getpid() != 1 || os.Args[0] != Path {
		return
	}
	if err := serve(); err != nil {
		// What is printed here is the end of the kernel's log, which is shown when a guest dies.
		fmt.Println("pid1:", err)
	}
	unix.Sync()
	fmt.Println("pid1:", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
}

// serve does the job and reports.
func serve() error {
	if err := mountAll(); err != nil {
		return err
	}
	stdout, stderr, reports, err := openPorts()
	if err != nil {
		return err
	}
	var report Report
	report.BootSeconds = uptime()
	job, err := readJob()
	if err == nil {
		err = prepare(job)
	}
	if err == nil {
		start := time.Now()
		report.ExitCode, err = run(job, stdout, stderr)
		report.CommandSeconds = time.Since(start).Seconds()
	}
	if err != nil {
		report.Error = err.Error()
	}
	report.Release, report.LSM = line("/proc/sys/kernel/osrelease"), line("/sys/kernel/security/lsm")
	return errors.Join(drain(stdout), drain(stderr), send(reports, report, job.Return), drain(reports))
}

func readJob() (Job, error) {
	var job Job
	text, err := os.ReadFile(JobPath)
	if err != nil {
		return job, err
	}
	return job, json.Unmarshal(text, &job)
}

// line returns the first line of a file, and nothing when there is none: LSMs are told where securityfs is
// built in.
func line(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// uptime returns the seconds since the kernel started.
func uptime() float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0
	}
	return time.Duration(now.Nano()).Seconds()
}
