// SPDX-License-Identifier: Apache-2.0
//
// DebugExit: a port through which a guest program ends the emulator with an exit code of its choice, as
// kernels' test programs expect it of QEMU's device isa-debug-exit: a write of n ends with 2 n + 1, of which
// the host's processes have eight bits. It reads as zero.
#pragma once

#include <functional>
#include <utility>

#include "devices/core/device.h"
#include "devices/core/registers.h"

namespace mynah::dev {

class DebugExit final : public Device {
 public:
  // `exit` is called from inside of the guest's write.
  explicit DebugExit(std::function<void(int code)> exit) : exit_(std::move(exit)) {}

  std::string_view name() const override { return "isa-debug-exit"; }
  uint32_t state_version() const override { return 1; }
  void reset() override {}
  uint64_t read(Offset, Width) override { return 0; }
  void write(Offset, Width width, uint64_t value) override {
    exit_(static_cast<int>((low_bytes(value, width) << 1 | 1) & 0xff));
  }

 private:
  void serialize_state(StateStream&) override {}
  const std::function<void(int)> exit_;
};

}  // namespace mynah::dev
