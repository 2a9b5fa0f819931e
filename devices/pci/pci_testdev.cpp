// SPDX-License-Identifier: Apache-2.0
//
// See pci_testdev.h.
#include "devices/pci/pci_testdev.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace mynah::dev {

namespace {

constexpr uint64_t kSizes[] = {0x1000, 0x100};
constexpr std::string_view kBarNames[] = {"mmio", "portio"};
constexpr uint8_t kMatch = 0xfa, kAny = 0xce;

struct Test {
  std::string_view name;
  uint8_t data;
  bool matches;  // counts writes of its data alone
};
constexpr Test kTests[] = {
    {"no-eventfd", kAny, false},
    {"wildcard-eventfd", kAny, false},
    {"datamatch-eventfd", kMatch, true},
};

// Its byte in the upper half of the BAR.
constexpr uint64_t offset_of(unsigned bar, unsigned test) { return kSizes[bar] / 2 + test; }

}  // namespace

PciTestdev::PciTestdev(Log& log)
    : Function("pci-testdev", {.vendor = 0x1b36, .device = 0x0005, .class_code = 0x00ff00}, log,
               pci::ConfigSize::kConventional) {
  add_bar(0, pci::BarKind::kMemory32, kSizes[0]);
  add_bar(1, pci::BarKind::kIo, kSizes[1]);
}

void PciTestdev::reset_model() { chosen_ = {}; }

std::array<uint8_t, 64> PciTestdev::header(unsigned bar) const {
  std::array<uint8_t, 64> bytes{};
  const Chosen& c = chosen_[bar];
  bytes[0] = c.test;
  if (c.test >= std::size(kTests)) return bytes;
  const Test& test = kTests[c.test];
  const auto offset = static_cast<uint32_t>(offset_of(bar, c.test));
  bytes[1] = 1;
  std::memcpy(&bytes[4], &offset, 4);
  bytes[8] = test.data;
  std::memcpy(&bytes[12], &c.count, 4);
  const std::string name = std::string(kBarNames[bar]) + "-" + std::string(test.name);
  std::copy(name.begin(), name.end(), bytes.begin() + 16);
  return bytes;
}

uint64_t PciTestdev::bar_read(unsigned bar, uint64_t offset, Width width) {
  const auto bytes_of = header(bar);
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes(width); ++i)
    if (offset + i < bytes_of.size()) value |= uint64_t{bytes_of[offset + i]} << (8 * i);
  return value;
}

void PciTestdev::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  Chosen& c = chosen_[bar];
  const auto data = static_cast<uint8_t>(value);
  if (offset == 0) {
    c = {data, 0};
  } else if (width == Width::k1 && c.test < std::size(kTests) && offset == offset_of(bar, c.test) &&
             (!kTests[c.test].matches || data == kTests[c.test].data)) {
    ++c.count;
  }
}

void PciTestdev::serialize_model(StateStream& s) {
  for (Chosen& c : chosen_) {
    s.io(c.test);
    s.io(c.count);
  }
}

}  // namespace mynah::dev
