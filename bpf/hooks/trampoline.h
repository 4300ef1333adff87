/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The same sights as at the ends of system calls, inside the kernel: whichever way a process asks for something
 * (32-bit programs, io_uring), and at no cost to calls that we do not care about. Kernels that refuse trampolines to
 * BPF programs, or were built without, are watched at their system calls.
 *
 * What is seen here is asked for and allowed by file permissions; it may yet fail.
 */
#pragma once

#include "../privilege.h"
#include "mmap.h"
#include "mode.h"
#include "mount.h"
#include "namespace.h"
#include "ptrace.h"

/* linux/fs.h: opened to be executed, which another hook tells */
#define FMODE_EXEC 0x20

SEC("?fentry/security_file_open")
int BPF_PROG(on_file_open, struct file *file)
{
	struct scene scene;
	struct facts facts;

	if (!enter(&scene, SUBJECT_OPENS, bpf_get_current_task_btf()))
		return 0;
	look_directly(&facts, file);
	if (facts.open_mode & FMODE_EXEC)
		facts.open_mode = 0;
	report_open(&scene, file, &facts);
	return 0;
}

SEC("?fentry/security_mmap_file")
int BPF_PROG(on_file_mmap, struct file *file, unsigned long protection)
{
	struct scene scene;
	struct facts facts;

	if (!file || !(protection & PROT_EXEC) || !enter(&scene, SUBJECT_MAPPINGS, bpf_get_current_task_btf()))
		return 0;
	look_directly(&facts, file);
	report_mapping(&scene, file, &facts);
	return 0;
}

SEC("?fentry/security_file_mprotect")
int BPF_PROG(on_file_mprotect, struct vm_area_struct *area, unsigned long asked, unsigned long protection)
{
	struct file *file = area->vm_file;
	struct scene scene;
	struct facts facts;

	if (!file || !(protection & PROT_EXEC) || !enter(&scene, SUBJECT_MAPPINGS, bpf_get_current_task_btf()))
		return 0;
	look_mapped(&facts, file);
	report_mapping(&scene, file, &facts);
	return 0;
}

/* linux/ptrace.h: more than looking at what /proc tells */
#define PTRACE_MODE_ATTACH 0x2

/* ptrace(2), process_vm_readv(2) and process_vm_writev(2), /proc/<pid>/mem */
SEC("?fentry/security_ptrace_access_check")
int BPF_PROG(on_access, struct task_struct *other, unsigned int mode)
{
	if (!(mode & PTRACE_MODE_ATTACH) || other->tgid == bpf_get_current_task_btf()->tgid)
		return 0;
	return report_trace(PTRACE_ATTACH, other->tgid);
}

static __always_inline int report_mounted(const struct path *target, const char *source, const char *type)
{
	struct scene scene;
	struct record *record = start_activity(&scene, SUBJECT_MOUNTS, EVENT_MOUNTED);

	if (!record)
		return 0;
	write_path(record, scene.task, target->dentry, target->mnt);
	add_text(record, source, false);
	add_text(record, type, false);
	send_activity(&scene, record);
	return 0;
}

SEC("?fentry/security_sb_mount")
int BPF_PROG(on_sb_mount, const char *source, const struct path *target, const char *type)
{
	return report_mounted(target, source, type);
}

SEC("?fentry/security_move_mount")
int BPF_PROG(on_mount_moved, const struct path *from, const struct path *target)
{
	return report_mounted(target, NULL, NULL);
}

/* Also where no system call is involved that should change them. */
SEC("?fentry/commit_creds")
int BPF_PROG(on_commit_creds, struct cred *new)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct process before = {
		.capabilities = capabilities_of(task->cred),
		.user = user_of(task->cred),
		.user_namespace = task->cred->user_ns->ns.inum,
	};
	struct process after = {
		.capabilities = capabilities_of(new),
		.user = user_of(new),
		.user_namespace = new->user_ns->ns.inum,
	};

	if (has_gained(&before, &after))
		report_privilege(before.user, after.user);
	return 0;
}

SEC("?fentry/security_path_chmod")
int BPF_PROG(on_path_chmod, const struct path *path, u16 mode)
{
	struct scene scene;

	if (!is_mode_worth_reporting(mode) || !enter(&scene, SUBJECT_MODES, bpf_get_current_task_btf()))
		return 0;
	report_mode(&scene, mode, 0, path->dentry, path->mnt);
	return 0;
}

/* linux/sched.h */
#define CLONE_NEWNS 0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS 0x04000000
#define CLONE_NEWIPC 0x08000000
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNET 0x40000000

SEC("?fentry/switch_task_namespaces")
int BPF_PROG(on_namespaces, struct task_struct *task, struct nsproxy *new)
{
	struct nsproxy *old = task->nsproxy;
	u64 flags = 0;

	/* A process that ends leaves its namespaces. */
	if (!old || !new)
		return 0;
	if (old->mnt_ns != new->mnt_ns)
		flags |= CLONE_NEWNS;
	if (old->cgroup_ns != new->cgroup_ns)
		flags |= CLONE_NEWCGROUP;
	if (old->uts_ns != new->uts_ns)
		flags |= CLONE_NEWUTS;
	if (old->ipc_ns != new->ipc_ns)
		flags |= CLONE_NEWIPC;
	if (old->pid_ns_for_children != new->pid_ns_for_children)
		flags |= CLONE_NEWPID;
	if (old->net_ns != new->net_ns)
		flags |= CLONE_NEWNET;
	return flags ? report_namespace(flags) : 0;
}

SEC("?fentry/create_user_ns")
int BPF_PROG(on_user_namespace, struct cred *new)
{
	return report_namespace(CLONE_NEWUSER);
}
