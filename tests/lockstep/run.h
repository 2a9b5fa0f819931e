// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on a board of its own and keeps a record of what the guest can see: a hash at every
// exception and at every so many instructions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/techniques.h"
#include "engine/vcpu.h"
#include "tests/lockstep/program.h"

namespace mynah::lockstep {

struct Entry {
  uint64_t hash;          // of all that State lists
  uint64_t instructions;  // executed before
  uint64_t pc;            // what the exception returns to; where a checkpoint is
  uint64_t esr;           // 0: no synchronous exception
  bool checkpoint;
  bool operator==(const Entry&) const = default;
};

// Every architected word by name.
using State = std::vector<std::pair<std::string, uint64_t>>;

struct Record {
  std::vector<Entry> entries;
  State state;  // at the entry asked for
  std::vector<uint64_t> memory;
  std::string disassembly;  // what led to that entry
};

struct Mode {
  Accelerator accelerator;
  Techniques techniques{};
};

// Up to `instructions`. `stop_at`: no further than this entry, whose state is kept.
Record run(const Program& program, const Mode& mode, uint64_t instructions,
           std::optional<size_t> stop_at = std::nullopt);

}  // namespace mynah::lockstep
