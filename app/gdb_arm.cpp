// SPDX-License-Identifier: Apache-2.0
#include "app/gdb_arm.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "app/text.h"
#include "frontend/arm/pstate.h"

namespace mynah::app {
namespace {

enum Number : unsigned { kSp = 31, kPc = 32, kCpsr = 33, kV0 = 34, kFpsr = 66, kFpcr = 67 };
constexpr size_t kMostPoints = 20000;

template <typename T>
std::string bytes_of(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Changes only what a level may have: the flags, the masks and the level itself.
void write_cpsr(arm::ArmState& state, uint32_t value) {
  arm::set_nzcv(state, value);
  state.daif = value >> arm::spsr::kDaifShift & 15;
  switch (value & arm::spsr::kModeMask) {
    case arm::spsr::kModeEl0:
      arm::select_level(state, 0, 0);
      break;
    case arm::spsr::kModeEl1t:
      arm::select_level(state, 1, 0);
      break;
    case arm::spsr::kModeEl1h:
      arm::select_level(state, 1, 1);
      break;
    default:
      break;
  }
}

}  // namespace

std::string gdb_arm_xml() {
  std::string xml =
      "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n"
      "<architecture>aarch64</architecture>\n<feature name=\"org.gnu.gdb.aarch64.core\">\n"
      "<flags id=\"cpsr_flags\" size=\"4\">\n";
  struct Flag {
    const char* name;
    unsigned first, last;
  };
  for (const Flag& f : {Flag{"SP", 0, 0},
                        {"EL", 2, 3},
                        {"nRW", 4, 4},
                        {"F", 6, 6},
                        {"I", 7, 7},
                        {"A", 8, 8},
                        {"D", 9, 9},
                        {"BTYPE", 10, 11},
                        {"SSBS", 12, 12},
                        {"IL", 20, 20},
                        {"SS", 21, 21},
                        {"PAN", 22, 22},
                        {"UAO", 23, 23},
                        {"DIT", 24, 24},
                        {"V", 28, 28},
                        {"C", 29, 29},
                        {"Z", 30, 30},
                        {"N", 31, 31}})
    xml += format("<field name=\"%s\" start=\"%u\" end=\"%u\"/>\n", f.name, f.first, f.last);
  xml += "</flags>\n";
  for (unsigned i = 0; i < 31; ++i) xml += format("<reg name=\"x%u\" bitsize=\"64\"/>\n", i);
  xml +=
      "<reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>\n<reg name=\"pc\" bitsize=\"64\" "
      "type=\"code_ptr\"/>\n"
      "<reg name=\"cpsr\" bitsize=\"32\" type=\"cpsr_flags\"/>\n</feature>\n"
      "<feature name=\"org.gnu.gdb.aarch64.fpu\">\n";
  // The lanes of a vector register, as a union of vectors of each lane type.
  struct Lane {
    char letter, kind;  // kind: u, s, f
    const char* type;
    unsigned count;
  };
  static constexpr Lane kLanes[] = {
      {'d', 'f', "ieee_double", 2}, {'d', 'u', "uint64", 2}, {'d', 's', "int64", 2},
      {'s', 'f', "ieee_single", 4}, {'s', 'u', "uint32", 4}, {'s', 's', "int32", 4},
      {'h', 'f', "ieee_half", 8},   {'h', 'u', "uint16", 8}, {'h', 's', "int16", 8},
      {'b', 'u', "uint8", 16},      {'b', 's', "int8", 16},  {'q', 'u', "uint128", 1},
      {'q', 's', "int128", 1}};
  for (const Lane& lane : kLanes)
    xml += format("<vector id=\"v%u%c%c\" type=\"%s\" count=\"%u\"/>\n", lane.count, lane.letter, lane.kind,
                  lane.type, lane.count);
  for (char letter : {'b', 'h', 's', 'd', 'q'}) {
    xml += format("<union id=\"lanes_%c\">\n", letter);
    for (const Lane& lane : kLanes)
      if (lane.letter == letter)
        xml +=
            format("<field name=\"%c\" type=\"v%u%c%c\"/>\n", lane.kind, lane.count, lane.letter, lane.kind);
    xml += "</union>\n";
  }
  xml += "<union id=\"aarch64v\">\n";
  for (char letter : {'d', 's', 'h', 'b', 'q'})
    xml += format("<field name=\"%c\" type=\"lanes_%c\"/>\n", letter, letter);
  xml += "</union>\n";
  for (unsigned i = 0; i < 32; ++i)
    xml += format("<reg name=\"v%u\" bitsize=\"128\" type=\"aarch64v\"%s/>\n", i, i ? "" : " regnum=\"34\"");
  return xml +
         "<reg name=\"fpsr\" bitsize=\"32\"/>\n<reg name=\"fpcr\" bitsize=\"32\"/>\n</feature>\n</target>\n";
}

size_t gdb_arm_register_size(unsigned number) {
  if (number < kCpsr) return 8;
  if (number == kCpsr || number == kFpsr || number == kFpcr) return 4;
  return number < kFpsr ? 16 : 0;
}

std::string gdb_arm_read(VirtMachine& machine, unsigned number) {
  const arm::ArmState& state = machine.cpu().arm();
  if (number < 31) return bytes_of(state.x(number));
  switch (number) {
    case kSp:
      return bytes_of(state.sp());
    case kPc:
      return bytes_of(state.pc());
    case kCpsr:
      return bytes_of(arm::pack_pstate(state));
    case kFpsr:
      return bytes_of(machine.cpu().fpsr());
    case kFpcr:
      return bytes_of(state.fpcr);
    default:
      return number < kFpsr ? bytes_of(state.v[number - kV0]) : std::string();
  }
}

void gdb_arm_write(VirtMachine& machine, unsigned number, std::string_view bytes) {
  const size_t size = gdb_arm_register_size(number);
  if (size == 0 || bytes.size() != size) return;
  arm::ArmState& state = machine.cpu().arm();
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), std::min<size_t>(size, 8));
  if (number < 31) {
    state.x(number) = word;
  } else if (number == kSp) {
    state.sp() = word;
  } else if (number == kPc) {
    machine.cpu().set_pc(word);
  } else if (number == kCpsr) {
    write_cpsr(state, static_cast<uint32_t>(word));
  } else if (number == kFpsr) {
    machine.cpu().set_fpsr(static_cast<uint32_t>(word));
  } else if (number == kFpcr) {
    state.fpcr = static_cast<uint32_t>(word) & 0x07c80000;  // AHP, DN, FZ, RMode, FZ16
  } else {
    std::memcpy(&state.v[number - kV0], bytes.data(), 16);
  }
  machine.vcpu().translation_changed();
}

namespace {
// The physical address behind a virtual one, whoever may read it.
std::optional<uint64_t> physical(VirtMachine& machine, uint64_t address) {
  const uint32_t current = machine.cpu().context_key().permission_class;
  for (uint32_t permission_class : {current, 1u, 0u}) {
    const TranslateResult t = machine.cpu().translate(address, Access::kRead, permission_class);
    if (t.ok) return t.page.pa;
  }
  return std::nullopt;
}
size_t rest_of_page(uint64_t address) {
  return static_cast<size_t>(kGuestPageSize - (address & (kGuestPageSize - 1)));
}
}  // namespace

size_t read_guest(VirtMachine& machine, uint64_t address, std::span<uint8_t> to) {
  size_t done = 0;
  while (done < to.size()) {
    const size_t n = std::min(to.size() - done, rest_of_page(address + done));
    const auto pa = physical(machine, address + done);
    if (!pa || !machine.memory().read(*pa, to.data() + done, n)) break;
    done += n;
  }
  return done;
}

bool write_guest(VirtMachine& machine, uint64_t address, std::span<const uint8_t> from) {
  for (size_t done = 0; done < from.size();) {
    const size_t n = std::min(from.size() - done, rest_of_page(address + done));
    const auto pa = physical(machine, address + done);
    if (!pa || !machine.memory().write(*pa, from.data() + done, n)) return false;
    done += n;
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
