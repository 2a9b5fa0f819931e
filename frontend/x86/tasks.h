// SPDX-License-Identifier: Apache-2.0
//
// Hardware task switches (SDM vol. 3, chapter 7), and what the current task's TSS says of stacks and ports.
#pragma once

#include <cstdint>

#include "frontend/x86/cpu.h"
#include "frontend/x86/descriptors.h"

namespace mynah::x86 {

enum class TaskSwitch : uint8_t { kJump, kCall, kReturn };  // kCall: also by an interrupt

// To the task of a TSS descriptor, which `selector` names. `ip`: what the old task is to go on at. `error`:
// to be pushed on the new task's stack.
bool switch_task(X86Cpu& cpu, uint16_t selector, TaskSwitch how, uint64_t ip, uint32_t ext = 0,
                 std::optional<uint32_t> error = {});

// SS:ESP of a privilege level from the TSS of 16 or 32 bits; #TS.
bool read_inner_stack(X86Cpu& cpu, unsigned cpl, uint32_t ext, uint16_t& ss, uint32_t& esp);
// RSP of a privilege level, or (from 1) an IST's, from the TSS of long mode; #TS.
bool read_inner_rsp(X86Cpu& cpu, unsigned cpl, uint32_t ext, uint64_t& rsp);
bool read_ist(X86Cpu& cpu, unsigned ist, uint32_t ext, uint64_t& rsp);

}  // namespace mynah::x86
