// SPDX-License-Identifier: Apache-2.0
//
// Nothing here knows which guest it is: addresses are translated by its GuestDebug, and its registers' names
// and numbers come from there.
#include "app/gdb_guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace mynah::app {
namespace {

constexpr size_t kMostPoints = 20000;

std::optional<uint64_t> physical(const Machine& machine, size_t processor, uint64_t address,
                                 AddressKind kind) {
  return kind == AddressKind::kPhysical ? address : machine.processors()[processor].debug->physical(address);
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

size_t read_guest(Machine& machine, size_t processor, uint64_t address, std::span<uint8_t> to,
                  AddressKind kind) {
  size_t done = 0;
  while (done < to.size()) {
    const std::span<uint8_t> part =
        to.subspan(done, std::min(to.size() - done, rest_of_page(address + done)));
    const auto pa = physical(machine, processor, address + done, kind);
    if (!pa ||
        (!machine.memory().read(*pa, part.data(), part.size()) && !read_device(machine.bus(), *pa, part)))
      break;
    done += part.size();
  }
  return done;
}

bool write_guest(Machine& machine, size_t processor, uint64_t address, std::span<const uint8_t> from,
                 AddressKind kind) {
  for (size_t done = 0; done < from.size();) {
    const auto part = from.subspan(done, std::min(from.size() - done, rest_of_page(address + done)));
    const auto pa = physical(machine, processor, address + done, kind);
    if (!pa ||
        (!machine.memory().write(*pa, part.data(), part.size()) && !write_device(machine.bus(), *pa, part)))
      return false;
    done += part.size();
  }
  return true;
}

bool set_engine_point(Machine& machine, GdbPoint kind, uint64_t address, uint64_t length, bool insert) {
  const bool breakpoint = kind == GdbPoint::kSoftware || kind == GdbPoint::kHardware;
  if (!breakpoint && (length == 0 || length > kGuestPageSize || address + (length - 1) < address))
    return false;
  VcpuGroup& group = machine.vcpu_group();
  const StopPoints& points = group.stop_points();
  if (insert && (breakpoint ? points.breakpoints().size() : points.watchpoints().size()) >= kMostPoints)
    return false;
  if (breakpoint)
    group.set_breakpoint(address, insert);
  else
    group.set_watchpoint({address, length, kind != GdbPoint::kWrite, kind != GdbPoint::kRead}, insert);
  return true;
}

void clear_engine_points(Machine& machine) { machine.vcpu_group().clear_stop_points(); }

size_t register_size(const GuestDebug& debug, unsigned number) {
  for (const DebugFeature& feature : debug.features())
    for (const DebugRegister& r : feature.registers)
      if (r.number == number) return r.bits / 8;
  return 0;
}

std::string target_description(const GuestDebug& debug) {
  std::string xml = fmt::format(
      "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n"
      "<architecture>{}</architecture>\n",
      debug.gdb_architecture());
  const auto attribute = [&xml](const char* name, std::string_view value) {
    if (!value.empty()) xml += fmt::format(" {}=\"{}\"", name, value);
  };
  for (const DebugFeature& feature : debug.features()) {
    xml += fmt::format("<feature name=\"{}\">\n{}", feature.name, feature.types);
    for (const DebugRegister& r : feature.registers) {
      xml += fmt::format("<reg name=\"{}\" bitsize=\"{}\" regnum=\"{}\"", r.name, r.bits, r.number);
      attribute("type", r.type);
      attribute("group", r.group);
      xml += "/>\n";
    }
    xml += "</feature>\n";
  }
  return xml + "</target>\n";
}

}  // namespace mynah::app
