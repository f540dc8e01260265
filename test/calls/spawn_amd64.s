// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// A step is 80 bytes: kind, number, six arguments, result, done. Kinds: 0 a
// call, 1 a call that makes a process, 2 a gate (number is the word waited
// for). See step in spawn.go.

// func fork(first uintptr) (pid int)
TEXT ·fork(SB), NOSPLIT, $0-16
	MOVQ first+0(FP), R12
	MOVQ $56, AX // clone(SIGCHLD)
	MOVQ $17, DI
	XORQ SI, SI
	XORQ DX, DX
	XORQ R10, R10
	XORQ R8, R8
	SYSCALL
	TESTQ AX, AX
	JZ   loop
	MOVQ AX, pid+8(FP)
	RET

loop:
	MOVQ 0(R12), R13
	CMPQ R13, $2
	JEQ  gate
	MOVQ 8(R12), AX
	MOVQ 16(R12), DI
	MOVQ 24(R12), SI
	MOVQ 32(R12), DX
	MOVQ 40(R12), R10
	MOVQ 48(R12), R8
	MOVQ 56(R12), R9
	SYSCALL
	TESTQ AX, AX
	JNZ  store
	TESTQ R13, R13
	JNZ  grandchild

store:
	MOVQ AX, 64(R12)
	MOVQ $1, 72(R12)

next:
	ADDQ $80, R12
	JMP  loop

gate:
	MOVL 8(R12), AX
	TESTL AX, AX
	JNZ  next
	MOVQ $202, AX // futex(word, FUTEX_WAIT, 0, no timeout)
	LEAQ 8(R12), DI
	XORQ SI, SI
	XORQ DX, DX
	XORQ R10, R10
	SYSCALL
	JMP  gate

// It may share memory and stack with its parent (vfork): it touches neither.
grandchild:
	MOVQ $60, AX // exit(0)
	XORQ DI, DI
	SYSCALL
	JMP  grandchild
