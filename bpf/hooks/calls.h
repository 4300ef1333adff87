/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The ends of system calls, where the result is known and a new descriptor leads to the file that was really opened.
 *
 * One program looks at every call of every process, so it does nothing but look up what the call's number means here,
 * for 64-bit and 32-bit programs alike, and hand over to the program for that. Each of those is optional: where the
 * kernel refuses one, nothing is in its place.
 */
#pragma once

#include "../emit.h"

/* asm/thread_info.h of x86 and of arm64 */
#define TS_COMPAT 0x2
#define TIF_32BIT (1UL << 22)
/* asm/unistd.h of x86: 32-bit pointers, but 64-bit registers and nearly the same numbers */
#define X32_SYSCALL_BIT 0x40000000

static __always_inline u32 call_number(struct pt_regs *regs)
{
	struct pt_regs___arm64 *arm64 = (void *)regs;

	if (bpf_core_field_exists(regs->orig_ax))
		return regs->orig_ax & ~X32_SYSCALL_BIT;
	return arm64->syscallno;
}

static __always_inline bool is_compat(struct task_struct *task)
{
	if (bpf_core_field_exists(task->thread_info.status))
		return task->thread_info.status & TS_COMPAT;
	return task->thread_info.flags & TIF_32BIT;
}

/* The arguments of a call, numbered from 0; those of 32-bit programs lie elsewhere and are half as wide. */
#define DEFINE_ARGUMENT(number, x86, x86_compat, on_arm64)                                                  \
	static __always_inline u64 argument_##number(struct pt_regs *regs, struct task_struct *task)        \
	{                                                                                                   \
		struct pt_regs___arm64 *arm64 = (void *)regs;                                               \
                                                                                                            \
		if (!bpf_core_field_exists(regs->orig_ax))                                                  \
			return is_compat(task) ? (u32)arm64->on_arm64 : arm64->on_arm64;                    \
		return is_compat(task) ? (u32)regs->x86_compat : regs->x86;                                 \
	}

DEFINE_ARGUMENT(0, di, bx, orig_x0)
DEFINE_ARGUMENT(1, si, cx, regs[1])
DEFINE_ARGUMENT(2, dx, dx, regs[2])
DEFINE_ARGUMENT(3, r10, si, regs[3])
DEFINE_ARGUMENT(4, r8, di, regs[4])

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_call, struct pt_regs *regs, long result)
{
	u32 number = call_number(regs);
	struct call_number what;
	u32 call;

	if (number >= CALL_NUMBERS)
		return 0;
	what.native = config.calls[number].native;
	what.compat = config.calls[number].compat;
	if (!(what.native | what.compat) || result < 0)
		return 0;
	call = is_compat(bpf_get_current_task_btf()) ? what.compat : what.native;
	if (call)
		bpf_tail_call(ctx, &handlers, call);
	return 0;
}
