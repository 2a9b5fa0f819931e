// SPDX-License-Identifier: Apache-2.0
//
// GuestDebug: a guest processor as a person looks at it, through a debugger, the monitor or a log, without
// knowing which it is. A front end implements it beside its GuestCpu. Registers have the numbers, names and
// features that GDB knows (GDB manual, appendix "Target Descriptions").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mynah {

struct DebugRegister {
  std::string name;
  unsigned number = 0;
  unsigned bits = 64;
  std::string_view type = {};   // one of GDB's or of the feature's; empty: an integer
  std::string_view group = {};  // empty: as GDB groups it
};

// Registers that belong together, and the XML of types that they have and GDB does not.
struct DebugFeature {
  std::string_view name;
  std::string types;
  std::vector<DebugRegister> registers;
};

class GuestDebug {
 public:
  virtual ~GuestDebug() = default;

  // --- registers. Values are bytes in the guest's order, as many as the register has.
  virtual std::string_view gdb_architecture() const = 0;
  virtual const std::vector<DebugFeature>& features() const = 0;
  // Those with lower numbers are read and written all at once, others one by one.
  virtual unsigned general_registers() const = 0;
  virtual unsigned pc_register() const = 0;
  // Empty: there is no such register.
  virtual std::string read_register(unsigned number) const = 0;
  // False: there is none of that size, or it cannot be written. The engine has to be told that translation
  // may have changed.
  virtual bool write_register(unsigned number, std::string_view bytes) = 0;

  // --- memory: the physical address behind a virtual one as it is mapped now, whoever may read it.
  virtual std::optional<uint64_t> physical(uint64_t va) const = 0;

  // --- text. Lines end with a newline.
  virtual std::string disassemble(std::span<const uint8_t> code, uint64_t pc) const = 0;
  virtual std::string dump() const = 0;  // the registers that are looked at most
  using Tell = std::function<void(const std::string& text)>;
  // Every exception that is about to be taken.
  virtual void tell_exceptions(Tell) = 0;
  // What the guest executes and its processor lacks, as a part of a sentence.
  virtual void tell_undefined(Tell) = 0;
};

}  // namespace mynah
