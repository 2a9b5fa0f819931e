// SPDX-License-Identifier: Apache-2.0
//
// HostCpu: runs cases on the host's processor, in 64-bit mode or through the 32-bit code segment that Linux
// has for i386 programs. In this process: a case's exceptions arrive as signals. One at a time; not
// thread-safe.
#pragma once

#include <string>

#include "tests/x86_oracle/state.h"

namespace mynah::x86_oracle {

class HostCpu {
 public:
  // The one there is; null, with a reason, where the host cannot do it at all (no XSAVE, addresses taken).
  static HostCpu* get(std::string& why_not);
  virtual ~HostCpu() = default;
  virtual bool has_32bit() const = 0;     // code of 32 bits
  virtual bool has_low_data() const = 0;  // addresses below 64 KiB
  virtual bool has_bases() const = 0;     // FS and GS bases can be set in user mode
  // Runs the case in place. In 32-bit mode, R8 to R15 stay as they are.
  virtual void run(Case& c) = 0;
};

}  // namespace mynah::x86_oracle
