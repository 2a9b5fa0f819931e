// SPDX-License-Identifier: Apache-2.0
//
// The registers of an AArch64 machine in GDB's numbers: 0 to 67 are x0-x30, sp, pc, cpsr, v0-v31, fpsr and
// fpcr, which the g packet carries; on processors with pointer authentication four masks; then the system
// registers that can be read without effects, under their names in the manual, one by one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "machines/virt.h"

namespace mynah::app {

class GdbRegisters {
 public:
  static constexpr unsigned kGeneral = 68;

  explicit GdbRegisters(VirtMachine& machine);
  std::string xml() const;             // the target description
  size_t size(unsigned number) const;  // in bytes; 0: there is no such register
  std::string read(unsigned number) const;
  // False: it cannot be written, or has another size.
  bool write(unsigned number, std::string_view bytes);

 private:
  VirtMachine& machine_;
  std::vector<uint16_t> system_keys_;  // by number
};

}  // namespace mynah::app
