// SPDX-License-Identifier: Apache-2.0
//
// DebugExit: a port through which a guest program ends the emulator with an exit code of its choice, as
// kernels' test programs expect it of QEMU's device isa-debug-exit: a write of n ends with 2 n + 1, of which
// the host's processes have eight bits. It reads as zero.
#pragma once

#include <functional>
#include <utility>

#include "devices/core/registers.h"
#include "devices/core/stateless_device.h"

namespace mynah::dev {

class DebugExit final : public StatelessDevice {
 public:
  // `exit` is called from inside of the guest's write.
  explicit DebugExit(std::function<void(int code)> exit)
      : StatelessDevice("isa-debug-exit"), exit_(std::move(exit)) {}

  uint64_t read(Offset, Width) override { return 0; }
  void write(Offset, Width width, uint64_t value) override {
    exit_(static_cast<int>((low_bytes(value, width) << 1 | 1) & 0xff));
  }

 private:
  const std::function<void(int)> exit_;
};

}  // namespace mynah::dev
