// SPDX-License-Identifier: Apache-2.0
//
// A machine as GDB sees it: memory through the guest's own tables, devices through the bus, breakpoints and
// watchpoints in the engine, registers as GuestDebug describes them.
#pragma once

#include <string>
#include <string_view>

#include "app/gdb_stub.h"
#include "machines/machine.h"

namespace mynah::app {

enum class AddressKind : uint8_t { kVirtual, kPhysical };

// Memory, and the registers of devices, where the access is as good as the guest's and has its effects.
// Virtual addresses are as the processor's current level maps them, what only the other level may touch
// included. How many bytes from the start could be read; writes happen as a whole or not at all within a page
// of memory.
size_t read_guest(Machine& machine, size_t processor, uint64_t address, std::span<uint8_t> to,
                  AddressKind kind = AddressKind::kVirtual);
bool write_guest(Machine& machine, size_t processor, uint64_t address, std::span<const uint8_t> from,
                 AddressKind kind = AddressKind::kVirtual);

// The engine's lists of break- and watchpoints. False: there are too many, or the length is not possible.
bool set_engine_point(Machine& machine, GdbPoint kind, uint64_t address, uint64_t length, bool insert);
void clear_engine_points(Machine& machine);

// In bytes; 0: there is no such register.
size_t register_size(const GuestDebug& debug, unsigned number);
// The target description that GDB asks for.
std::string target_description(const GuestDebug& debug);

}  // namespace mynah::app
