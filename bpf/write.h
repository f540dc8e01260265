/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Actions that change a program at a place of it, of hook.bpf.c: Set writes
 * an argument of a static probe, Override writes registers. The kernel lets
 * only some programs and users do so: what does not need it must not have it,
 * and the verifier drops it by the features.
 */
#ifndef VEDETTE_WRITE_H
#define VEDETTE_WRITE_H

/* What Set writes; the bits of vd_rule.sets. */
const volatile struct vd_set vd_sets[VD_MAX_SET_ACTIONS];
/* What Override writes; vd_rule.registers is a row and 1. */
const volatile struct vd_register_write vd_overrides[VD_MAX_OVERRIDES][VD_MAX_REGISTERS];

static __always_inline void vd_write_argument(struct vd_run *run, __u32 i)
{
	const volatile struct vd_operand *o;
	__u32 raw = vd_sets[i].raw, value = vd_sets[i].value;
	__u64 at;

	if (raw >= VD_RAW_ARGS)
		return;
	o = &vd_operands[vd_variant(run->ctx)][raw];
	at = vd_operand_address(run->ctx, o);
	if (o->kind != VD_OPERAND_MEMORY || o->width != sizeof(value) ||
	    bpf_probe_write_user((void *)at, &value, sizeof(value)))
		vd_count(VD_COUNT_SET_FAILED);
}

/* Writes the arguments that a rule sets; returns whether it has any to set. */
static __always_inline bool vd_set_arguments(struct vd_run *run, struct vd_rule *rule,
					     struct vd_rule_counters *n)
{
	__u32 i;

	if (!rule->sets)
		return false;
	if (rule->flags & VD_RULE_MONITOR) {
		n->monitor_set++;
		return false;
	}
	if (vd_is_agent(run)) {
		vd_count(VD_COUNT_SET_FAILED);
		return false;
	}
	n->set++;
	for (i = 0; i < VD_MAX_SET_ACTIONS; i++) {
		if (rule->sets & 1U << i)
			vd_write_argument(run, i);
	}
	return true;
}

/* What is to stand in a register; false if it cannot be read. */
static __always_inline bool vd_register_value(void *regs, const volatile struct vd_register_write *r,
					      __u64 *value)
{
	__u64 old = vd_register(regs, r->to & ~7), v = r->value, mask;

	if (r->kind != VD_OPERAND_CONSTANT)
		v += vd_register(regs, r->from);
	if (r->kind == VD_OPERAND_MEMORY && bpf_probe_read_user(&v, 8, (void *)v))
		return false;
	/* As of an instruction: of 4 bytes, the upper half is cleared. */
	if (r->width == 8) {
		*value = v;
	} else if (r->width == 4) {
		*value = (__u32)v;
	} else {
		mask = (r->width == 2 ? 0xffffULL : 0xffULL) << 8 * (r->to & 7);
		*value = (old & ~mask) | (v << 8 * (r->to & 7) & mask);
	}
	return true;
}

#define VD_WRITE_CTX(ctx, n, v) \
	asm volatile("*(u64 *)(%0 + %2) = %1" : : "r"(ctx), "r"(v), "i"(8 * (n)) : "memory")

/* Writes one register, at a fixed offset: the kernel refuses any other access to its ctx. */
static __always_inline void vd_write_register(void *ctx, __u32 at, __u64 v)
{
#define VD_REGISTER(n)                \
	case n:                       \
		VD_WRITE_CTX(ctx, n, v); \
		break;
	switch (at / 8) {
	VD_REGISTER(0) VD_REGISTER(1) VD_REGISTER(2) VD_REGISTER(3)
	VD_REGISTER(4) VD_REGISTER(5) VD_REGISTER(6) VD_REGISTER(7)
	VD_REGISTER(8) VD_REGISTER(9) VD_REGISTER(10) VD_REGISTER(11)
	VD_REGISTER(12) VD_REGISTER(13) VD_REGISTER(14)
	VD_REGISTER(16) VD_REGISTER(19)
	}
#undef VD_REGISTER
}

/*
 * Writes the registers that a rule wants to be written: all of them, with
 * what stood in them before, or none.
 */
static __always_inline void vd_write_registers(struct vd_run *run, void *ctx)
{
	__u32 row = run->s->cursor.registers - 1, i;

	if (row >= VD_MAX_OVERRIDES)
		return;
	for (i = 0; i < VD_MAX_REGISTERS; i++) {
		if (vd_overrides[row][i].kind &&
		    !vd_register_value(ctx, &vd_overrides[row][i], &run->s->registers[i])) {
			vd_count(VD_COUNT_REGISTERS_FAILED);
			return;
		}
	}
	for (i = 0; i < VD_MAX_REGISTERS; i++) {
		if (vd_overrides[row][i].kind)
			vd_write_register(ctx, vd_overrides[row][i].to, run->s->registers[i]);
	}
}

#endif
