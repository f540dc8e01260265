/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a program may return that refuses. */
#ifndef VEDETTE_REFUSE_H
#define VEDETTE_REFUSE_H

#include "maps.h"

#define VD_EPERM 1
#define VD_ERROR_MAX 4095 /* MAX_ERRNO, include/linux/err.h */

/* An error, 0 for none, as a program's result: the verifier wants to see the bounds. */
static __always_inline long vd_refusal(__s32 error)
{
	long result = error;

	vd_bounded(result);
	if (result >= 0)
		return 0;
	if (result < -VD_ERROR_MAX)
		return -VD_EPERM;
	return result;
}

#endif
