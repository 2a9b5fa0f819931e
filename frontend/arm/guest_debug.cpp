// SPDX-License-Identifier: Apache-2.0
//
// Registers of the debugger's view: what they are called, and how they are read and written. The features and
// their order are those of GDB's aarch64 target descriptions.
#include "frontend/arm/guest_debug.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "frontend/arm/pauth.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs.h"

namespace mynah::arm {
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
void write_cpsr(ArmState& state, uint32_t value) {
  set_nzcv(state, value);
  state.daif = value >> spsr::kDaifShift & 15;
  switch (value & spsr::kModeMask) {
    case spsr::kModeEl0:
      select_level(state, 0, 0);
      break;
    case spsr::kModeEl1t:
      select_level(state, 1, 0);
      break;
    case spsr::kModeEl1h:
      select_level(state, 1, 1);
      break;
    default:
      break;
  }
}

constexpr uint16_t kFpcrKey = system_key(3, 3, 4, 4, 0), kFpsrKey = system_key(3, 3, 4, 4, 1);
constexpr uint32_t kFpcrWritable = 0x07c80000;  // AHP, DN, FZ, RMode, FZ16

// The bits of a pointer that hold a code where it is signed: of data, of code, and both in the upper half.
constexpr const char* kPauthMasks[] = {"pauth_dmask", "pauth_cmask", "pauth_dmask_high", "pauth_cmask_high"};
static_assert(kPauth + std::size(kPauthMasks) == kSystem);

uint64_t pauth_mask(const ArmState& state, unsigned i) {
  return pauth_layout(pauth_mode(state), i % 2).half[i / 2].code();
}

DebugFeature core_feature() {
  DebugFeature core{"org.gnu.gdb.aarch64.core", "<flags id=\"cpsr_flags\" size=\"4\">\n", {}};
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
    core.types += fmt::format("<field name=\"{}\" start=\"{}\" end=\"{}\"/>\n", f.name, f.first, f.last);
  core.types += "</flags>\n";
  for (unsigned i = 0; i < kSp; ++i) core.registers.push_back({fmt::format("x{}", i), i});
  core.registers.push_back({"sp", kSp, 64, "data_ptr"});
  core.registers.push_back({"pc", kPc, 64, "code_ptr"});
  core.registers.push_back({"cpsr", kCpsr, 32, "cpsr_flags"});
  return core;
}

// The lanes of a vector register are a union of vectors of each lane type.
std::string vector_types() {
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
  std::string xml;
  for (const Lane& l : kLanes)
    xml += fmt::format("<vector id=\"v{}{}{}\" type=\"{}\" count=\"{}\"/>\n", l.count, l.letter, l.kind,
                       l.type, l.count);
  for (const char letter : {'b', 'h', 's', 'd', 'q'}) {
    xml += fmt::format("<union id=\"lanes_{}\">\n", letter);
    for (const Lane& l : kLanes)
      if (l.letter == letter)
        xml += fmt::format("<field name=\"{}\" type=\"v{}{}{}\"/>\n", l.kind, l.count, l.letter, l.kind);
    xml += "</union>\n";
  }
  xml += "<union id=\"aarch64v\">\n";
  for (const char letter : {'d', 's', 'h', 'b', 'q'})
    xml += fmt::format("<field name=\"{}\" type=\"lanes_{}\"/>\n", letter, letter);
  return xml + "</union>\n";
}

DebugFeature fpu_feature() {
  DebugFeature fpu{"org.gnu.gdb.aarch64.fpu", vector_types(), {}};
  for (unsigned i = 0; i < 32; ++i)
    fpu.registers.push_back({fmt::format("v{}", i), kV0 + i, 128, "aarch64v"});
  fpu.registers.push_back({"fpsr", kFpsr, 32});
  fpu.registers.push_back({"fpcr", kFpcr, 32});
  return fpu;
}

}  // namespace

const std::vector<uint16_t>& ArmDebug::system_keys() const {
  if (system_keys_.empty()) {
    system_keys_ = cpu_.debug_register_keys();
    std::erase(system_keys_, kFpcrKey);
    std::erase(system_keys_, kFpsrKey);
  }
  return system_keys_;
}

const std::vector<DebugFeature>& ArmDebug::features() const {
  if (!features_.empty()) return features_;
  features_ = {core_feature(), fpu_feature()};
  if (cpu_.model().has(Feature::kPauth)) {
    // Of the first version of this feature many debuggers die.
    DebugFeature pauth{"org.gnu.gdb.aarch64.pauth_v2", {}, {}};
    for (unsigned i = 0; i < std::size(kPauthMasks); ++i)
      pauth.registers.push_back({kPauthMasks[i], kPauth + i});
    features_.push_back(std::move(pauth));
  }
  DebugFeature system{"org.mynah.arm.system", {}, {}};
  for (unsigned i = 0; i < system_keys().size(); ++i)
    system.registers.push_back({sysregs::display_name(system_keys()[i]), kSystem + i, 64, {}, "system"});
  features_.push_back(std::move(system));
  return features_;
}

unsigned ArmDebug::pc_register() const { return kPc; }

unsigned ArmDebug::general_registers() const { return kPauth; }

size_t ArmDebug::size(unsigned number) const {
  if (number < kCpsr) return 8;
  if (number == kCpsr || number == kFpsr || number == kFpcr) return 4;
  if (number < kFpsr) return 16;
  if (number < kSystem) return cpu_.model().has(Feature::kPauth) ? 8 : 0;
  return number - kSystem < system_keys().size() ? 8 : 0;
}

std::string ArmDebug::read_register(unsigned number) const {
  const ArmState& state = cpu_.arm();
  if (size(number) == 0) return {};
  if (number < kSp) return bytes_of(state.x(number));
  switch (number) {
    case kSp:
      return bytes_of(state.sp());
    case kPc:
      return bytes_of(state.pc());
    case kCpsr:
      return bytes_of(pack_pstate(state));
    case kFpsr:
      return bytes_of(cpu_.fpsr());
    case kFpcr:
      return bytes_of(state.fpcr);
    default:
      break;
  }
  if (number < kFpsr) return bytes_of(state.v[number - kV0]);
  if (number < kSystem) return bytes_of(pauth_mask(state, number - kPauth));
  uint64_t value = 0;
  cpu_.debug_read(system_keys_[number - kSystem], value);
  return bytes_of(value);
}

bool ArmDebug::write_register(unsigned number, std::string_view bytes) {
  const size_t n = size(number);
  if (n == 0 || bytes.size() != n) return false;
  ArmState& state = cpu_.arm();
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), std::min<size_t>(n, 8));
  if (number < kSp) {
    state.x(number) = word;
  } else if (number == kSp) {
    state.sp() = word;
  } else if (number == kPc) {
    cpu_.set_pc(word);
  } else if (number == kCpsr) {
    write_cpsr(state, static_cast<uint32_t>(word));
  } else if (number < kFpsr) {
    std::memcpy(&state.v[number - kV0], bytes.data(), 16);
  } else if (number == kFpsr) {
    cpu_.set_fpsr(static_cast<uint32_t>(word));
  } else if (number == kFpcr) {
    state.fpcr = static_cast<uint32_t>(word) & kFpcrWritable;
  } else if (number < kSystem) {
    return false;  // they follow from TCR_EL1
  } else {
    return cpu_.debug_write(system_keys_[number - kSystem], word);
  }
  return true;
}

std::optional<uint64_t> ArmDebug::physical(uint64_t va) const {
  const uint32_t current = cpu_.context_key().translation.permission_class;
  for (const uint32_t permission_class : {current, 1u, 0u}) {
    const TranslateResult t = cpu_.translate(va, ::mynah::Access::kRead, permission_class);
    if (t.ok) return t.page.pa;
  }
  return std::nullopt;
}

}  // namespace mynah::arm
