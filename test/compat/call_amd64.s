// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func interrupt(registers *[7]uint64) int32
TEXT ·interrupt(SB), NOSPLIT, $16-12
	MOVQ registers+0(FP), R12
	MOVQ 0(R12), AX
	MOVQ 8(R12), BX
	MOVQ 16(R12), CX
	MOVQ 24(R12), DX
	MOVQ 32(R12), SI
	MOVQ 40(R12), DI
	MOVQ 48(R12), BP
	INT  $0x80
	MOVL AX, ret+8(FP)
	RET
