// SPDX-License-Identifier: Apache-2.0
#include "app/gdb_arm.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace mynah::app {
namespace {

constexpr size_t kMostPoints = 20000;

// The physical address behind a virtual one, whoever may read it.
std::optional<uint64_t> physical(VirtMachine& machine, uint64_t address) {
  const uint32_t current = machine.cpu().context_key().translation.permission_class;
  for (uint32_t permission_class : {current, 1u, 0u}) {
    const TranslateResult t = machine.cpu().translate(address, Access::kRead, permission_class);
    if (t.ok) return t.page.pa;
  }
  return std::nullopt;
}
size_t rest_of_page(uint64_t address) {
  return static_cast<size_t>(kGuestPageSize - (address & (kGuestPageSize - 1)));
}

// Registers are at most that wide on this machine's devices; wider accesses are several.
constexpr size_t kDeviceWidth = 4;

// One access to a device's register, as wide as alignment and `most` bytes allow; its width.
size_t device_width(uint64_t pa, size_t most) {
  size_t width = kDeviceWidth;
  while (width > most || pa % width) width /= 2;
  return width;
}

bool read_device(const dev::Bus& bus, uint64_t pa, std::span<uint8_t> to) {
  while (!to.empty()) {
    const size_t n = device_width(pa, to.size());
    const auto value = bus.read(pa, static_cast<dev::Width>(n));
    if (!value) return false;
    std::memcpy(to.data(), &*value, n);
    to = to.subspan(n);
    pa += n;
  }
  return true;
}

bool write_device(const dev::Bus& bus, uint64_t pa, std::span<const uint8_t> from) {
  while (!from.empty()) {
    const size_t n = device_width(pa, from.size());
    uint64_t value = 0;
    std::memcpy(&value, from.data(), n);
    if (!bus.write(pa, static_cast<dev::Width>(n), value)) return false;
    from = from.subspan(n);
    pa += n;
  }
  return true;
}
}  // namespace

size_t read_guest(VirtMachine& machine, uint64_t address, std::span<uint8_t> to, AddressKind kind) {
  size_t done = 0;
  while (done < to.size()) {
    const std::span<uint8_t> part =
        to.subspan(done, std::min(to.size() - done, rest_of_page(address + done)));
    const auto pa = kind == AddressKind::kPhysical ? address + done : physical(machine, address + done);
    if (!pa ||
        (!machine.memory().read(*pa, part.data(), part.size()) && !read_device(machine.bus(), *pa, part)))
      break;
    done += part.size();
  }
  return done;
}

bool write_guest(VirtMachine& machine, uint64_t address, std::span<const uint8_t> from, AddressKind kind) {
  for (size_t done = 0; done < from.size();) {
    const auto part = from.subspan(done, std::min(from.size() - done, rest_of_page(address + done)));
    const auto pa = kind == AddressKind::kPhysical ? address + done : physical(machine, address + done);
    if (!pa ||
        (!machine.memory().write(*pa, part.data(), part.size()) && !write_device(machine.bus(), *pa, part)))
      return false;
    done += part.size();
  }
  return true;
}

bool set_engine_point(VirtMachine& machine, GdbPoint kind, uint64_t address, uint64_t length, bool insert) {
  Vcpu& vcpu = machine.vcpu();
  const StopPoints& points = vcpu.stop_points();
  if (kind == GdbPoint::kSoftware || kind == GdbPoint::kHardware) {
    if (insert && points.breakpoints().size() >= kMostPoints) return false;
    vcpu.set_breakpoint(address, insert);
  } else {
    if (length == 0 || length > kGuestPageSize || address + (length - 1) < address) return false;
    if (insert && points.watchpoints().size() >= kMostPoints) return false;
    vcpu.set_watchpoint({address, length, kind != GdbPoint::kWrite, kind != GdbPoint::kRead}, insert);
  }
  return true;
}

void clear_engine_points(VirtMachine& machine) { machine.vcpu().clear_stop_points(); }

}  // namespace mynah::app
