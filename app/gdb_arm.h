// SPDX-License-Identifier: Apache-2.0
//
// An AArch64 machine as GDB sees it: registers 0 to 67 (x0-x30, sp, pc, cpsr, v0-v31, fpsr, fpcr), memory
// through the guest's own tables, breakpoints and watchpoints in the engine.
#pragma once

#include <string>
#include <string_view>

#include "app/gdb_stub.h"
#include "machines/virt.h"

namespace mynah::app {

constexpr unsigned kGdbArmRegisters = 68;

std::string gdb_arm_xml();
size_t gdb_arm_register_size(unsigned number);
std::string gdb_arm_read(VirtMachine& machine, unsigned number);
void gdb_arm_write(VirtMachine& machine, unsigned number, std::string_view bytes);

// Virtual memory as the current level maps it, memory that only the other level may touch included. How many
// bytes from the start could be read; writes happen as a whole or not at all within a page.
size_t read_guest(VirtMachine& machine, uint64_t address, std::span<uint8_t> to);
bool write_guest(VirtMachine& machine, uint64_t address, std::span<const uint8_t> from);

// The engine's lists of break- and watchpoints. False: there are too many, or the length is not possible.
bool set_engine_point(VirtMachine& machine, GdbPoint kind, uint64_t address, uint64_t length, bool insert);
void clear_engine_points(VirtMachine& machine);

}  // namespace mynah::app
