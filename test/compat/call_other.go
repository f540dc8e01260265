// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package compat

import "syscall"

// Call is of processes of x86-64 only: here there is no such call.
func Call(uint64, ...uint64) (int32, error) { return -int32(syscall.ENOSYS), syscall.ENOSYS }
