// SPDX-License-Identifier: Apache-2.0
//
// Frontend: what of a guest processor needs no processor that runs. Everything here is a pure function of its
// arguments: another thread may lift while the guest executes.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ir/ir.h"

namespace mynah {

// Where lifting reads the guest's code.
class CodeSource {
 public:
  explicit CodeSource(std::span<const uint8_t> page) : page_(page) {}
  virtual ~CodeSource() = default;
  CodeSource(const CodeSource&) = delete;
  // Bytes of the block's page, whole.
  std::span<const uint8_t> page() const { return page_; }
  // Those of the page behind it in the guest's address space; empty where fetching from there faults. To be
  // asked for the sake of an instruction that goes on there, and then once.
  virtual std::span<const uint8_t> next_page() { return {}; }

 private:
  std::span<const uint8_t> page_;
};

struct LiftOptions {
  unsigned max_insts = 64;
  // Offsets in the page, ascending: a block ends in front of one, and one that begins there leaves at once
  // for the engine (kStop).
  std::span<const uint16_t> stops;
  bool slow = false;  // every access through the slow path (see ir/ops.def: guard, commit), nothing left out
  bool side_exits = true;  // a block may go on behind a conditional branch
  bool reuse = true;       // equal computations are made once
  bool yields = false;     // hints that the processor waits for another one (YIELD) leave: AfterExit::kYield
};

// kNextPageFaults: the first instruction goes on in a page that cannot be fetched from; nothing was lifted.
enum class Lifted : uint8_t { kBlock, kNextPageFaults };

class Frontend {
 public:
  virtual ~Frontend() = default;
  // Lifts the block at page offset pc_offset. `mode` is the block key's.
  virtual Lifted lift(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
                      const LiftOptions& options) const = 0;
  virtual ir::FpMode fp_mode(uint64_t mode) const = 0;
  virtual std::span<const ir::SlotInfo> slots() const = 0;
  virtual std::string disassemble(std::span<const uint8_t> bytes, uint64_t pc) const = 0;
};

}  // namespace mynah
