// SPDX-License-Identifier: Apache-2.0
#include "app/gdb_registers.h"

#include <algorithm>
#include <cstring>

#include "app/text.h"
#include "frontend/arm/pauth.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs.h"

namespace mynah::app {
namespace {

enum Number : unsigned {
  kSp = 31,
  kPc = 32,
  kCpsr = 33,
  kV0 = 34,
  kFpsr = 66,
  kFpcr = 67,
  kPauth = 68,
  kSystem = 72
};
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

constexpr uint16_t kFpcrKey = arm::system_key(3, 3, 4, 4, 0), kFpsrKey = arm::system_key(3, 3, 4, 4, 1);

// The bits of a pointer that hold a code where it is signed: of data, of code, and both in the upper half.
constexpr const char* kPauthMasks[] = {"pauth_dmask", "pauth_cmask", "pauth_dmask_high", "pauth_cmask_high"};
static_assert(kPauth + std::size(kPauthMasks) == kSystem);

uint64_t pauth_mask(const arm::ArmState& state, unsigned i) {
  return arm::pauth_layout(arm::pauth_mode(state), i % 2).half[i / 2].code();
}

}  // namespace

std::string GdbRegisters::xml() const {
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
  xml += "<reg name=\"fpsr\" bitsize=\"32\"/>\n<reg name=\"fpcr\" bitsize=\"32\"/>\n</feature>\n";
  if (machine_.cpu().model().has(arm::Feature::kPauth)) {
    // Of the first version of this feature many debuggers die.
    xml += "<feature name=\"org.gnu.gdb.aarch64.pauth_v2\">\n";
    for (unsigned i = 0; i < std::size(kPauthMasks); ++i)
      xml += format("<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\"/>\n", kPauthMasks[i], kPauth + i);
    xml += "</feature>\n";
  }
  xml += "<feature name=\"org.mynah.arm.system\">\n";
  for (unsigned i = 0; i < system_keys_.size(); ++i)
    xml += format("<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\" group=\"system\"/>\n",
                  arm::sysregs::display_name(system_keys_[i]).c_str(), kSystem + i);
  return xml + "</feature>\n</target>\n";
}

GdbRegisters::GdbRegisters(VirtMachine& machine)
    : machine_(machine), system_keys_(machine.cpu().debug_register_keys()) {
  std::erase(system_keys_, kFpcrKey);
  std::erase(system_keys_, kFpsrKey);
}

size_t GdbRegisters::size(unsigned number) const {
  if (number < kCpsr) return 8;
  if (number == kCpsr || number == kFpsr || number == kFpcr) return 4;
  if (number < kFpsr) return 16;
  if (number < kSystem) return machine_.cpu().model().has(arm::Feature::kPauth) ? 8 : 0;
  return number - kSystem < system_keys_.size() ? 8 : 0;
}

std::string GdbRegisters::read(unsigned number) const {
  const arm::ArmState& state = machine_.cpu().arm();
  if (size(number) == 0) return {};
  if (number < 31) return bytes_of(state.x(number));
  switch (number) {
    case kSp:
      return bytes_of(state.sp());
    case kPc:
      return bytes_of(state.pc());
    case kCpsr:
      return bytes_of(arm::pack_pstate(state));
    case kFpsr:
      return bytes_of(machine_.cpu().fpsr());
    case kFpcr:
      return bytes_of(state.fpcr);
    default:
      break;
  }
  if (number < kFpsr) return bytes_of(state.v[number - kV0]);
  if (number < kSystem) return bytes_of(pauth_mask(state, number - kPauth));
  uint64_t value = 0;
  machine_.cpu().debug_read(system_keys_[number - kSystem], value);
  return bytes_of(value);
}

bool GdbRegisters::write(unsigned number, std::string_view bytes) {
  const size_t n = size(number);
  if (n == 0 || bytes.size() != n) return false;
  arm::ArmState& state = machine_.cpu().arm();
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), std::min<size_t>(n, 8));
  if (number < 31) {
    state.x(number) = word;
  } else if (number == kSp) {
    state.sp() = word;
  } else if (number == kPc) {
    machine_.cpu().set_pc(word);
  } else if (number == kCpsr) {
    write_cpsr(state, static_cast<uint32_t>(word));
  } else if (number < kFpsr) {
    std::memcpy(&state.v[number - kV0], bytes.data(), 16);
  } else if (number == kFpsr) {
    machine_.cpu().set_fpsr(static_cast<uint32_t>(word));
  } else if (number == kFpcr) {
    state.fpcr = static_cast<uint32_t>(word) & 0x07c80000;  // AHP, DN, FZ, RMode, FZ16
  } else if (number < kSystem) {
    return false;  // they follow from TCR_EL1
  } else if (!machine_.cpu().debug_write(system_keys_[number - kSystem], word)) {
    return false;
  }
  machine_.vcpu().translation_changed();
  return true;
}

}  // namespace mynah::app
