// SPDX-License-Identifier: Apache-2.0

package pid1

// The places in the guest's first root.
const (
	// Path is where the kernel finds the first program of an initramfs
	// (Documentation/filesystems/ramfs-rootfs-initramfs.rst).
	Path = "/init"
	// Dir holds what this package needs.
	Dir = "/.vedette"
	// JobPath is the file with the [Job].
	JobPath = Dir + "/job.json"
)

// Job is what the guest is for.
type Job struct {
	// Argv is the command. Its first word is looked up in the guest's PATH when it has no slash.
	Argv []string `json:"argv"`
	// Env is added to its environment, as KEY=VALUE.
	Env []string `json:"env,omitempty"`
	// Dir is its working directory, / when empty.
	Dir string `json:"dir,omitempty"`
	// Modules are the files of kernel modules, in the order in which they load.
	Modules []string `json:"modules,omitempty"`
	// Disk says that there is a disk with ext4, for temporary files.
	Disk bool `json:"disk,omitempty"`
	// Return are files and directories to send back.
	Return []Return `json:"return,omitempty"`
}

// Return is a path whose files are sent back when the command has ended.
type Return struct {
	Path string `json:"path"`
	// Directory says that it is one, which is made before the command starts.
	Directory bool `json:"directory,omitempty"`
}

// Report is how the job ended.
type Report struct {
	// ExitCode is the exit code of the command, or 128 and the number of the signal that ended it.
	ExitCode int `json:"exit_code"`
	// Error says what kept the command from running.
	Error string `json:"error,omitempty"`
	// Release is the kernel's release.
	Release string `json:"release"`
	// LSM is the list of active Linux security modules, separated by commas.
	LSM string `json:"lsm"`
	// BootSeconds is the time from the kernel's start to that of this package, CommandSeconds that of the
	// command.
	BootSeconds    float64 `json:"boot_seconds"`
	CommandSeconds float64 `json:"command_seconds"`
}
