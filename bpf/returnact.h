/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What rules do when a call returns, of hook.bpf.c. A rule that has such
 * actions has a second row, which vd_act carries out as it does the first.
 */
#ifndef VEDETTE_RETURNACT_H
#define VEDETTE_RETURNACT_H

/*
 * Fetches again, by the arguments that the call had, what the actions look at.
 * Of the others nothing is to be left from another event: a rate limit looks
 * at all of them.
 */
static __noinline void vd_fetch_acted(struct vd_run *run, struct vd_pending *p)
{
	__u32 i;

	for (i = 0; i < VD_RAW_ARGS; i++)
		run->s->raw[i] = p->raw[i];
	for (i = 0; i < VD_MAX_SLOTS; i++) {
		if (i >= vd_config.n_slots)
			break;
		if (vd_config.slots[i].flags & VD_SLOT_ACTED)
			vd_fetch_now(run, i);
		else if (vd_config.features & VD_FEATURE_RATE)
			vd_clear_slot(run, i);
	}
}

/* Sends what the rules at a return want to send; returns whether it was sent. */
static __always_inline bool vd_punish(struct vd_run *run)
{
	struct vd_cursor *c = &run->s->cursor;

	if (!c->signal)
		return false;
	if (vd_is_agent(run)) {
		vd_count(VD_COUNT_SIGNAL_FAILED);
		return false;
	}
	return vd_signal(c);
}

/*
 * Carries out what the rules in acc do at the return, and leaves there those
 * that have an event; returns whether there are any.
 */
static __noinline bool vd_act_returned(struct vd_run *run, __u64 ret)
{
	struct vd_hook_scratch *s = run->s;
	__u64 any = 0;
	__u32 w;

	vd_act_all(run, s->acc, run->tables->return_rules);
	if (vd_config.features & (VD_FEATURE_KILL | VD_FEATURE_SIGNAL))
		s->cursor.punished = vd_punish(run);
	if (vd_returns_sock())
		vd_fetch_return(&s->slots[0], ret); /* an argument was there meanwhile */
	for (w = 0; w < VD_MAX_WORDS; w++) {
		if (w >= vd_config.words)
			break;
		s->acc[w] = s->post[w];
		any |= s->acc[w];
	}
	return any;
}

#endif
