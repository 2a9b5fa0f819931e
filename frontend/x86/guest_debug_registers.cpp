// SPDX-License-Identifier: Apache-2.0
//
// Registers of the debugger's view: features and order of GDB's descriptions of i386 and x86-64 (GDB manual,
// "i386 Features"), of as many as the processor's model has; behind them what only a system sees.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "frontend/x86/control.h"
#include "frontend/x86/guest_debug.h"
#include "frontend/x86/x87.h"
#include "ir/f80.h"

namespace mynah::x86 {

namespace {

constexpr const char* kNames32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
constexpr uint8_t kSegmentOrder[] = {kCs, kSs, kDs, kEs, kFs, kGs};
constexpr const char* kSegmentNames[] = {"cs", "ss", "ds", "es", "fs", "gs"};
constexpr const char* kX87Names[] = {"fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"};

struct Bit {
  const char* name;
  unsigned first, last;
};
std::string flags_type(const char* name, unsigned bytes, std::initializer_list<Bit> bits) {
  std::string xml = fmt::format("<flags id=\"{}\" size=\"{}\">\n", name, bytes);
  for (const Bit& b : bits)
    xml += fmt::format("<field name=\"{}\" start=\"{}\" end=\"{}\"/>\n", b.name, b.first, b.last);
  return xml + "</flags>\n";
}

std::string eflags_type() {
  return flags_type("i386_eflags", 4,
                    {{"CF", 0, 0},
                     {"", 1, 1},
                     {"PF", 2, 2},
                     {"AF", 4, 4},
                     {"ZF", 6, 6},
                     {"SF", 7, 7},
                     {"TF", 8, 8},
                     {"IF", 9, 9},
                     {"DF", 10, 10},
                     {"OF", 11, 11},
                     {"IOPL", 12, 13},
                     {"NT", 14, 14},
                     {"RF", 16, 16},
                     {"VM", 17, 17},
                     {"AC", 18, 18},
                     {"VIF", 19, 19},
                     {"VIP", 20, 20},
                     {"ID", 21, 21}});
}

std::string vector_types() {
  struct Lanes {
    const char *id, *type, *field;
    unsigned count;
  };
  constexpr Lanes kLanes[] = {{"v4f", "ieee_single", "v4_float", 4}, {"v2d", "ieee_double", "v2_double", 2},
                              {"v16i8", "int8", "v16_int8", 16},     {"v8i16", "int16", "v8_int16", 8},
                              {"v4i32", "int32", "v4_int32", 4},     {"v2i64", "int64", "v2_int64", 2}};
  std::string xml;
  for (const Lanes& l : kLanes)
    xml += fmt::format("<vector id=\"{}\" type=\"{}\" count=\"{}\"/>\n", l.id, l.type, l.count);
  xml += "<union id=\"vec128\">\n";
  for (const Lanes& l : kLanes) xml += fmt::format("<field name=\"{}\" type=\"{}\"/>\n", l.field, l.id);
  xml += "<field name=\"uint128\" type=\"uint128\"/>\n</union>\n";
  return xml + flags_type("i386_mxcsr", 4,
                          {{"IE", 0, 0},
                           {"DE", 1, 1},
                           {"ZE", 2, 2},
                           {"OE", 3, 3},
                           {"UE", 4, 4},
                           {"PE", 5, 5},
                           {"DAZ", 6, 6},
                           {"IM", 7, 7},
                           {"DM", 8, 8},
                           {"ZM", 9, 9},
                           {"OM", 10, 10},
                           {"UM", 11, 11},
                           {"PM", 12, 12},
                           {"RC", 13, 14},
                           {"FZ", 15, 15}});
}

std::string system_types(unsigned bytes) {
  return flags_type("x86_cr0", bytes,
                    {{"PE", 0, 0},
                     {"MP", 1, 1},
                     {"EM", 2, 2},
                     {"TS", 3, 3},
                     {"ET", 4, 4},
                     {"NE", 5, 5},
                     {"WP", 16, 16},
                     {"AM", 18, 18},
                     {"NW", 29, 29},
                     {"CD", 30, 30},
                     {"PG", 31, 31}}) +
         flags_type("x86_cr4", bytes,
                    {{"VME", 0, 0},
                     {"PVI", 1, 1},
                     {"TSD", 2, 2},
                     {"DE", 3, 3},
                     {"PSE", 4, 4},
                     {"PAE", 5, 5},
                     {"MCE", 6, 6},
                     {"PGE", 7, 7},
                     {"PCE", 8, 8},
                     {"OSFXSR", 9, 9},
                     {"OSXMMEXCPT", 10, 10},
                     {"UMIP", 11, 11},
                     {"LA57", 12, 12},
                     {"FSGSBASE", 16, 16},
                     {"PCIDE", 17, 17},
                     {"OSXSAVE", 18, 18},
                     {"SMEP", 20, 20},
                     {"SMAP", 21, 21},
                     {"PKE", 22, 22}}) +
         flags_type("x86_efer", bytes, {{"SCE", 0, 0}, {"LME", 8, 8}, {"LMA", 10, 10}, {"NXE", 11, 11}});
}

std::string bytes_of(uint64_t value, unsigned n) {
  return std::string(reinterpret_cast<const char*>(&value), n);
}
uint64_t value_of(std::string_view bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min<size_t>(bytes.size(), sizeof value));
  return value;
}

uint32_t x87_word(const X87Image& x, unsigned n) {
  const uint32_t words[] = {x.control,
                            x.status,
                            x87_tag_word(x),
                            x.cs,
                            static_cast<uint32_t>(x.ip),
                            x.ds,
                            static_cast<uint32_t>(x.dp),
                            x.opcode};
  return words[n];
}

void set_x87_word(X87Image& x, unsigned n, uint32_t value) {
  const auto half = static_cast<uint16_t>(value);
  switch (n) {
    case 0:
      x.control = half;
      break;
    case 1:
      x.status = half;
      break;
    case 2:
      x.tags = x87_abridged(half);
      break;
    case 3:
      x.cs = half;
      break;
    case 4:
      x.ip = value;
      break;
    case 5:
      x.ds = half;
      break;
    case 6:
      x.dp = value;
      break;
    default:
      x.opcode = half;
  }
}

}  // namespace

// Each register gets the next number, and what it stands for.
X86Debug::X86Debug(X86Cpu& cpu) : cpu_(cpu), wide_(cpu.model().has(Feature::kLm)) {
  const CpuModel& m = cpu.model();
  const unsigned word = wide_ ? 64 : 32, count = wide_ ? 16 : 8;
  const auto begin = [&](std::string_view name, std::string types) {
    features_.push_back({.name = name, .types = std::move(types), .registers = {}});
  };
  const auto add = [&](std::string name, What what, unsigned index, unsigned bits, std::string_view type = {},
                       std::string_view group = {}) {
    const auto number = static_cast<unsigned>(places_.size());
    features_.back().registers.push_back(
        {.name = std::move(name), .number = number, .bits = bits, .type = type, .group = group});
    places_.push_back({what, static_cast<uint8_t>(index), static_cast<uint8_t>(bits / 8)});
  };
  begin("org.gnu.gdb.i386.core", eflags_type());
  for (unsigned n = 0; n < count; ++n) {
    const unsigned reg = wide_ ? kGdbOrder[n] : n;
    add(wide_ ? kGdbNames[n] : kNames32[n], What::kGeneral, reg, word,
        reg == kRsp || reg == kRbp ? "data_ptr" : "");
  }
  pc_ = static_cast<unsigned>(places_.size());
  add(wide_ ? "rip" : "eip", What::kPc, 0, word, "code_ptr");
  add("eflags", What::kFlags, 0, 32, "i386_eflags");
  for (unsigned n = 0; n < 6; ++n) add(kSegmentNames[n], What::kSelector, kSegmentOrder[n], 32, "int32");
  for (unsigned n = 0; n < 8; ++n) add(fmt::format("st{}", n), What::kX87, n, 80, "i387_ext");
  for (unsigned n = 0; n < 8; ++n) add(kX87Names[n], What::kX87Control, n, 32, "int", "float");
  if (m.has(Feature::kSse)) {
    begin("org.gnu.gdb.i386.sse", vector_types());
    for (unsigned n = 0; n < count; ++n) add(fmt::format("xmm{}", n), What::kXmm, n, 128, "vec128");
    add("mxcsr", What::kMxcsr, 0, 32, "i386_mxcsr", "vector");
  }
  general_ = static_cast<unsigned>(places_.size());
  if (m.has(Feature::kAvx)) {
    begin("org.gnu.gdb.i386.avx", "");
    for (unsigned n = 0; n < count; ++n) add(fmt::format("ymm{}h", n), What::kYmmHigh, n, 128, "uint128");
  }
  if (wide_) {
    begin("org.gnu.gdb.i386.segments", "");
    add("fs_base", What::kBase, kFs, 64, "int");
    add("gs_base", What::kBase, kGs, 64, "int");
  }
  begin("org.mynah.gdb.i386.system", system_types(word / 8));
  for (unsigned n = 0; n < (wide_ ? 4u : 6u); ++n)
    add(fmt::format("{}_base", kSegmentNames[n]), What::kBase, kSegmentOrder[n], word, "", "system");
  if (wide_) add("k_gs_base", What::kKernelGsBase, 0, 64, "", "system");
  add("cr0", What::kControl, 0, word, "x86_cr0", "system");
  add("cr2", What::kControl, 2, word, "data_ptr", "system");
  add("cr3", What::kControl, 3, word, "", "system");
  add("cr4", What::kControl, 4, word, "x86_cr4", "system");
  if (wide_) add("cr8", What::kControl, 8, 64, "", "system");
  add("efer", What::kEfer, 0, word, "x86_efer", "system");
}

// The host's x87 has whatever ran last.
X87Image X86Debug::x87() const {
  ir::load_f80(cpu_.runtime());
  return x87_image(cpu_);
}

std::string X86Debug::read_register(unsigned number) const {
  if (number >= places_.size()) return {};
  const X86State& s = cpu_.x86();
  const Place p = places_[number];
  const auto vector = [](const Vec& v) { return bytes_of(v.lo, 8) + bytes_of(v.hi, 8); };
  switch (p.what) {
    case What::kGeneral:
      return bytes_of(s.r(p.index), p.bytes);
    case What::kPc:
      return bytes_of(s.pc(), p.bytes);
    case What::kFlags:
      return bytes_of(rflags(s), 4);
    case What::kSelector:
      return bytes_of(s.segments[p.index].selector, 4);
    case What::kX87: {
      const F80 r = x87().stack[p.index];
      return bytes_of(r.significand, 8) + bytes_of(r.sign_exponent, 2);
    }
    case What::kX87Control:
      return bytes_of(x87_word(x87(), p.index), 4);
    case What::kXmm:
      return vector(s.xmm[p.index]);
    case What::kYmmHigh:
      return vector(s.ymm_high[p.index]);
    case What::kMxcsr:
      return bytes_of(cpu_.mxcsr(), 4);
    case What::kBase:
      return bytes_of(s.base(p.index), p.bytes);
    case What::kKernelGsBase:
      return bytes_of(s.kernel_gs_base, 8);
    case What::kControl:
      return bytes_of(read_control(cpu_, p.index), p.bytes);
    case What::kEfer:
      return bytes_of(s.efer, p.bytes);
  }
  return {};
}

// What the guest could not write is not written, selectors neither: a segment is more than its selector.
bool X86Debug::write_register(unsigned number, std::string_view bytes) {
  if (number >= places_.size() || bytes.size() != places_[number].bytes) return false;
  X86State& s = cpu_.x86();
  const Place p = places_[number];
  const uint64_t value = value_of(bytes);
  const auto set_vector = [&](Vec& v) { v = {value, value_of(bytes.substr(8))}; };
  const auto allowed = [&](bool ok) {
    cpu_.take_raised();
    return ok;
  };
  switch (p.what) {
    case What::kGeneral:
      s.r(p.index) = value;
      return true;
    case What::kPc:
      cpu_.set_pc(value);
      return true;
    case What::kFlags: {
      constexpr uint32_t kWritable = 0x3d7fd5;  // all but VM, which is a matter of segments, too
      set_rflags(s, (rflags(s) & ~kWritable) | (static_cast<uint32_t>(value) & kWritable));
      cpu_.changed();
      return true;
    }
    case What::kSelector:
      return false;
    case What::kX87: {
      X87Image image = x87();
      image.stack[p.index] = {value, static_cast<uint16_t>(value_of(bytes.substr(8)))};
      set_x87_image(cpu_, image);
      return true;
    }
    case What::kX87Control: {
      X87Image image = x87();
      set_x87_word(image, p.index, static_cast<uint32_t>(value));
      set_x87_image(cpu_, image);
      return true;
    }
    case What::kXmm:
      set_vector(s.xmm[p.index]);
      return true;
    case What::kYmmHigh:
      set_vector(s.ymm_high[p.index]);
      return true;
    case What::kMxcsr:
      if (value >> 16) return false;
      cpu_.set_mxcsr(static_cast<uint32_t>(value));
      cpu_.changed();
      return true;
    case What::kBase:
      if (s.in_64bit_code() && p.index < kFs) return false;
      s.base(p.index) = value;
      cpu_.changed();
      return true;
    case What::kKernelGsBase:
      s.kernel_gs_base = value;
      return true;
    case What::kControl:
      return allowed(write_control(cpu_, p.index, value));
    case What::kEfer:
      return allowed(write_efer(cpu_, value));
  }
  return false;
}

}  // namespace mynah::x86
