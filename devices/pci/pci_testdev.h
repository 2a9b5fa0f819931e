// SPDX-License-Identifier: Apache-2.0
//
// pci-testdev, 1b36:0005: counts writes, for tests of a machine's accesses (kvm-unit-tests). BAR 0 is memory,
// BAR 1 I/O; each begins with a header, little-endian:
//
//   0   which test (1 byte, written)
//   1   width of the access that it counts, 0 for a test that is not there
//   4   offset in this BAR of that access (4 bytes)
//   8   data of it (4 bytes)
//   12  how many came since the test was chosen (4 bytes)
//   16  its name, ending in 0
//
// Each BAR has three: any data at once, any data, and one value alone. The first two are the same here.
#pragma once

#include <array>

#include "devices/pci/function.h"

namespace mynah::dev {

class PciTestdev final : public pci::Function {
 public:
  explicit PciTestdev(Log& log);
  uint32_t state_version() const override { return 1; }

 private:
  static constexpr uint8_t kNone = 0xff;

  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override;
  void serialize_model(StateStream& s) override;
  std::array<uint8_t, 64> header(unsigned bar) const;

  struct Chosen {
    uint8_t test = kNone;
    uint32_t count = 0;
  };
  std::array<Chosen, 2> chosen_;
};

}  // namespace mynah::dev
