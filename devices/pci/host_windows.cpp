// SPDX-License-Identifier: Apache-2.0
//
// Both ways into configuration space.
#include "devices/pci/host_windows.h"

#include "devices/core/registers.h"

namespace mynah::dev::pci {
namespace {

constexpr uint32_t kEnable = 0x8000'0000;  // of the address port
constexpr uint32_t kAddressBits = 0x80ff'fffc;

struct Place {
  unsigned bus, devfn, offset;
};
Place place(Offset offset) {
  return {static_cast<unsigned>(offset >> 20), static_cast<unsigned>(offset >> 12 & 0xff),
          static_cast<unsigned>(offset & 0xfff)};
}

}  // namespace

uint64_t Host::Ecam::read(Offset offset, Width width) {
  const Place at = place(offset);
  Function* function = host_.find(at.bus, at.devfn);
  if (!function) return low_bytes(~uint64_t{0}, width);
  if (width != Width::k8) return function->config_read(at.offset, bytes(width));
  const uint64_t low = function->config_read(at.offset, 4);
  return low | uint64_t{function->config_read(at.offset + 4, 4)} << 32;
}

void Host::Ecam::write(Offset offset, Width width, uint64_t value) {
  const Place at = place(offset);
  Function* function = host_.find(at.bus, at.devfn);
  if (!function) return;
  if (width != Width::k8)
    return function->config_write(at.offset, bytes(width), static_cast<uint32_t>(value));
  function->config_write(at.offset, 4, static_cast<uint32_t>(value));
  function->config_write(at.offset + 4, 4, static_cast<uint32_t>(value >> 32));
}

Function* Host::ConfigPorts::selected() const {
  if (!(address_ & kEnable)) return nullptr;
  return host_.find(address_ >> 16 & 0xff, address_ >> 8 & 0xff);
}

uint64_t Host::ConfigPorts::read(Offset offset, Width width) {
  if (offset == 0 && width == Width::k4) return address_;
  if (offset >= 4 && offset + bytes(width) <= kConfigPortsSize)
    if (Function* function = selected()) return function->config_read(register_of(offset), bytes(width));
  return low_bytes(~uint64_t{0}, width);
}

void Host::ConfigPorts::write(Offset offset, Width width, uint64_t value) {
  if (offset == 0 && width == Width::k4) {
    address_ = static_cast<uint32_t>(value) & kAddressBits;
    return;
  }
  if (offset < 4 || offset + bytes(width) > kConfigPortsSize) return;
  if (Function* function = selected())
    function->config_write(register_of(offset), bytes(width), static_cast<uint32_t>(value));
}

}  // namespace mynah::dev::pci
