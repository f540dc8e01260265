/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Expressions over arguments. The loader compiles those of a hook to
 * instructions and puts them in place of vd_expressions (internal/hook); what
 * is here gives them the arguments and makes rules of what they say.
 */
#ifndef VEDETTE_EXPRESSION_H
#define VEDETTE_EXPRESSION_H

/*
 * Sets the bits of the expressions that are true in s->truths. The assembly
 * keeps the compiler from noticing that this body does nothing of the kind.
 */
static __noinline void vd_expressions(struct vd_hook_scratch *s)
{
	asm volatile("" : : "r"(s) : "memory");
}

/* Classifies by the expressions of all rules. */
static __always_inline bool vd_dim_expression(struct vd_run *run,
					      const volatile struct vd_dim_config *d,
					      const struct vd_dim_tables *t, bool first)
{
	struct vd_hook_scratch *s = run->s;
	__u64 any = 0;
	char *rows;
	__u32 i;

	vd_expressions(s);
	for (i = 0; i < VD_MAX_EXPRESSIONS / 64; i++) {
		if (i >= (vd_config.expressions + 63) / 64)
			break;
		any |= s->truths[i];
	}
	if (!any)
		return vd_and(run, t->none, first);
	vd_found_nothing(s);
	rows = vd_rows(t);
	if (!rows)
		return vd_and(run, t->none, first);
	for (i = 0; i < VD_MAX_EXPRESSIONS; i++) {
		if (i >= vd_config.expressions)
			break;
		if (!(s->truths[i / 64] >> (i % 64) & 1))
			continue;
		vd_find(s, vd_row(rows, t->base + i * sizeof(struct vd_entry))->a);
	}
	return vd_and_found(run, t->none, first);
}

#endif
