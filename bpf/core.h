/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The part of the kernel we read, and no more.
 *
 * Only the names and types of the fields matter here: libbpf finds the true offset of each in the running kernel's BTF
 * when it loads the object ("compile once, run everywhere"), so one object serves every kernel and every architecture,
 * and building it needs neither kernel headers nor a 130,000-line vmlinux.h.
 */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

/* linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct user_namespace {
	struct ns_common ns;
};

struct nsproxy {
	void *uts_ns;
	void *ipc_ns;
	struct mnt_namespace *mnt_ns;
	void *pid_ns_for_children;
	void *net_ns;
	void *cgroup_ns;
};

struct kernfs_node {
	u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct qstr {
	u64 hash_len;
	const unsigned char *name;
};

struct inode;

struct dentry {
	struct dentry *d_parent;
	struct inode *d_inode;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	u32 i_rdev;
};

/* What procfs keeps of an entry: whose it is, NULL for what is the machine's. */
struct proc_inode {
	void *pid;
	struct inode vfs_inode;
};

struct file {
	u32 f_mode;
	struct path f_path;
	struct inode *f_inode;
};

struct backing_file {
	struct path user_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	u64 val;
} kernel_cap_t;

struct cred {
	kuid_t uid;
	kuid_t suid;
	kuid_t euid;
	kernel_cap_t cap_permitted;
	struct user_namespace *user_ns;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
};

struct thread_info {
	unsigned long flags;
	u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	int tgid;
	int exit_code;
	char comm[16];
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *cred;
	struct signal_struct *signal;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct fs_struct *fs;
	struct files_struct *files;
	struct mm_struct *mm;
};

struct linux_binprm {
	struct file *file;
};

struct io_kiocb {
	u8 opcode;
};

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

struct vm_area_struct {
	struct file *vm_file;
};

struct module {
	char name[56];
};

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
};

/* The registers of a system call, named differently on each processor. */
struct pt_regs {
	unsigned long bx, cx, dx, si, di, bp, r8, r9, r10, orig_ax;
};

struct pt_regs___arm64 {
	u64 regs[31];
	u64 orig_x0;
	int syscallno;
};

/*
 * The inode's change time has moved twice: a timespec64 called i_ctime up to 6.5, __i_ctime up to 6.10, two numbers
 * since. libbpf ignores what follows three underscores, so each shape below is looked for in the kernel's own inode.
 */
struct inode___before_6_6 {
	struct timespec64 i_ctime;
};

struct inode___before_6_11 {
	struct timespec64 __i_ctime;
};

struct inode___now {
	s64 i_ctime_sec;
	u32 i_ctime_nsec;
};

#pragma clang attribute pop

/* Only the name counts: the value is the running kernel's. */
enum cgroup_subsys_id {
	pids_cgrp_id = 0,
};
