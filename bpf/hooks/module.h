/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Modules that a process of a container loads into the kernel, after they were linked and before they run. */
#pragma once

#include "../emit.h"

SEC("?tp_btf/module_load")
int BPF_PROG(on_module, struct module *module)
{
	struct scene scene;
	struct record *record = start_activity(&scene, SUBJECT_MODULES, EVENT_MODULE_LOADED);
	long length;

	if (!record)
		return 0;
	length = bpf_probe_read_kernel_str(record->text, NAME_SIZE, module->name);
	record->event.path_length = length > 0 ? length : 0;
	send_activity(&scene, record);
	return 0;
}
