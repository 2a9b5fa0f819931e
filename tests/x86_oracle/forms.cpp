// SPDX-License-Identifier: Apache-2.0
//
// Enumerates the opcode space. Prefixes come in the order in which a form's plain spelling is found first;
// spellings that give the same key are one form.
#include "tests/x86_oracle/forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

namespace mynah::x86_oracle {

Group group_of(const Decoded&);

namespace {

const ZydisDecoder& decoder(Mode mode) {
  static const auto make = [](bool wide) {
    ZydisDecoder d;
    ZydisDecoderInit(&d, wide ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
                     wide ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32);
    for (const auto off : {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CLDEMOTE})
      ZydisDecoderEnableMode(&d, off, ZYAN_FALSE);
    return d;
  };
  static const ZydisDecoder k64 = make(true), k32 = make(false);
  return mode == Mode::k64 ? k64 : k32;
}

std::string shape(const ZydisDecodedOperand& o) {
  switch (o.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER: {
      if (o.visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT) return ZydisRegisterGetString(o.reg.value);
      constexpr const char* kClasses[] = {"?",   "r8",  "r16", "r32", "r64", "st",  "mm", "xmm", "ymm",
                                          "zmm", "tmm", "f",   "ip",  "seg", "tab", "tr", "cr",  "dr"};
      const unsigned c = ZydisRegisterGetClass(o.reg.value);
      return c < std::size(kClasses) ? kClasses[c] : "?";
    }
    case ZYDIS_OPERAND_TYPE_MEMORY:
      if (o.mem.type == ZYDIS_MEMOP_TYPE_AGEN) return "agen";
      return fmt::format("{}m{}", o.mem.type == ZYDIS_MEMOP_TYPE_VSIB ? "v" : "", o.size);
    case ZYDIS_OPERAND_TYPE_POINTER:
      return "ptr";
    default:
      return fmt::format("imm{}", o.size);
  }
}

constexpr ZydisInstructionAttributes kInKey =
    ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;

class Enumeration {
 public:
  Enumeration(Mode mode, std::vector<std::string>* excluded) : mode_(mode), excluded_(excluded) {}
  std::vector<Form> run();

 private:
  void legacy(Form f);
  void vex(Form f);
  void modrms(Form& f, std::vector<uint8_t> head);
  bool try_bytes(Form& f, const std::vector<uint8_t>& head, int modrm);

  Mode mode_;
  std::vector<std::string>* excluded_;
  std::vector<Form> forms_;
  std::unordered_set<std::string> seen_;
  std::set<std::string> left_out_;
};

// False: these bytes need no ModRM byte, so that one try is enough.
bool Enumeration::try_bytes(Form& f, const std::vector<uint8_t>& head, int modrm) {
  uint8_t bytes[32] = {};
  std::copy(head.begin(), head.end(), bytes);
  bytes[head.size()] = static_cast<uint8_t>(modrm);
  Decoded d;
  if (!decode(mode_, bytes, 15, d)) return true;
  if (d.insn.encoding != (f.vex ? ZYDIS_INSTRUCTION_ENCODING_VEX : ZYDIS_INSTRUCTION_ENCODING_LEGACY))
    return true;
  f.has_modrm = d.insn.attributes & ZYDIS_ATTRIB_HAS_MODRM;
  std::string key = key_of(d);
  if (!seen_.insert(key).second) return f.has_modrm;
  std::string_view why = not_offered(d.insn.meta.isa_set);
  if (why.empty()) why = not_comparable(d);
  if (!why.empty()) {
    left_out_.insert(fmt::format("{}: {}", ZydisMnemonicGetString(d.insn.mnemonic), why));
    return f.has_modrm;
  }
  f.modrm = static_cast<uint8_t>(modrm);
  f.memory = f.has_modrm && modrm < 0xc0;
  f.vsib = f.memory && (modrm & 7) == 4;
  f.mnemonic = d.insn.mnemonic;
  f.isa_set = d.insn.meta.isa_set;
  f.group = group_of(d);
  f.key = std::move(key);
  f.name = name_of(d);
  forms_.push_back(f);
  return f.has_modrm;
}

void Enumeration::modrms(Form& f, std::vector<uint8_t> head) {
  // Memory by (E)BX or RBX; by SIB, for gathers; then registers.
  for (int reg = 0; reg < 8; ++reg)
    if (!try_bytes(f, head, reg << 3 | 3)) return;
  for (int reg = 0; reg < 8; ++reg) try_bytes(f, head, reg << 3 | 4);
  for (int modrm = 0xc0; modrm < 0x100; ++modrm) try_bytes(f, head, modrm);
}

void Enumeration::legacy(Form f) {
  // What each prefix is for itself.
  constexpr uint8_t kPrefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x9b};
  if (f.map == 0 && std::find(std::begin(kPrefixes), std::end(kPrefixes), f.opcode) != std::end(kPrefixes) &&
      f.opcode != 0x9b)
    return;
  if (f.map == 0 && (f.opcode == 0x0f || (mode_ == Mode::k64 && (f.opcode & 0xf0) == 0x40))) return;
  if (f.map == 1 && (f.opcode == 0x38 || f.opcode == 0x3a)) return;
  std::vector<uint8_t> head = f.prefixes;
  if (f.w) head.push_back(0x48);
  if (f.map) head.push_back(0x0f);
  if (f.map == 2) head.push_back(0x38);
  if (f.map == 3) head.push_back(0x3a);
  head.push_back(f.opcode);
  modrms(f, head);
}

void Enumeration::vex(Form f) {
  for (const bool unused : {true, false}) {  // vvvv that names no operand must be 15
    f.vvvv = !unused;
    const auto byte2 = static_cast<uint8_t>(f.w << 7 | (unused ? 15 : 14) << 3 | f.l << 2 | f.pp);
    std::vector<uint8_t> head = {0xc4, static_cast<uint8_t>(0xe0 | f.map), byte2, f.opcode};
    modrms(f, head);
  }
}

std::vector<Form> Enumeration::run() {
  const std::vector<uint8_t> kSets[] = {
      {},           {0x66}, {0xf3},       {0xf2},       {0x66, 0xf3}, {0x66, 0xf2},       {0xf0},
      {0x66, 0xf0}, {0x67}, {0x66, 0x67}, {0x67, 0xf3}, {0x67, 0xf2}, {0x66, 0x67, 0xf3}, {0x66, 0x67, 0xf2}};
  for (uint8_t map = 0; map < 4; ++map)
    for (unsigned opcode = 0; opcode < 256; ++opcode)
      for (const auto& prefixes : kSets)
        for (int w = 0; w <= (mode_ == Mode::k64); ++w) {
          Form f{.mode = mode_,
                 .prefixes = prefixes,
                 .map = map,
                 .opcode = static_cast<uint8_t>(opcode),
                 .w = w != 0};
          legacy(f);
        }
  for (uint8_t map = 1; map < 4; ++map)
    for (unsigned opcode = 0; opcode < 256; ++opcode)
      for (uint8_t pp = 0; pp < 4; ++pp)
        for (uint8_t l = 0; l < 2; ++l)
          for (int w = 0; w < 2; ++w) {
            Form f{.mode = mode_,
                   .vex = true,
                   .map = map,
                   .opcode = static_cast<uint8_t>(opcode),
                   .pp = pp,
                   .l = l};
            f.w = w != 0;
            vex(f);
          }
  if (excluded_) excluded_->assign(left_out_.begin(), left_out_.end());
  return std::move(forms_);
}

}  // namespace

bool decode(Mode mode, const uint8_t* bytes, size_t length, Decoded& out) {
  return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(mode), bytes, length, &out.insn, out.operands));
}

std::string text_of(Mode mode, const uint8_t* bytes, size_t length, uint64_t rip) {
  static const auto formatter = [] {
    ZydisFormatter f;
    ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
    return f;
  }();
  std::string text;
  while (length) {
    Decoded d;
    char line[128] = "?";
    if (!decode(mode, bytes, length, d)) return text + "?";
    ZydisFormatterFormatInstruction(&formatter, &d.insn, d.operands, d.insn.operand_count_visible, line,
                                    sizeof line, rip, nullptr);
    text += (text.empty() ? "" : "; ") + std::string(line);
    bytes += d.insn.length;
    length -= d.insn.length;
    rip += d.insn.length;
  }
  return text;
}

std::string hex(const uint8_t* bytes, size_t length) {
  std::string text;
  for (size_t i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string name_of(const Decoded& d) {
  std::string name;
  if (d.insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) name += "lock ";
  if (d.insn.attributes & ZYDIS_ATTRIB_HAS_REP) name += "rep ";
  if (d.insn.attributes & ZYDIS_ATTRIB_HAS_REPE) name += "repe ";
  if (d.insn.attributes & ZYDIS_ATTRIB_HAS_REPNE) name += "repne ";
  name += ZydisMnemonicGetString(d.insn.mnemonic);
  const char* between = " ";
  for (const ZydisDecodedOperand& o : d.visible()) {
    name += between + shape(o);
    between = ", ";
  }
  return name;
}

std::string key_of(const Decoded& d) {
  // Address registers that no ModRM byte names.
  bool hidden = false;
  for (const ZydisDecodedOperand& o : d.all())
    if (o.visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT && o.type == ZYDIS_OPERAND_TYPE_MEMORY)
      hidden = true;
  hidden |= d.insn.meta.category == ZYDIS_CATEGORY_COND_BR;
  const bool st_only = d.insn.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;
  return fmt::format("{}.{}.{:02x} {} o{} a{} {:x} {}", static_cast<unsigned>(d.insn.encoding),
                     static_cast<unsigned>(d.insn.opcode_map), d.insn.opcode, name_of(d),
                     d.insn.operand_width, hidden ? d.insn.address_width : 0u, d.insn.attributes & kInKey,
                     st_only && d.insn.opcode == 0x90 ? "nop" : "");
}

std::vector<Form> all_forms(Mode mode, std::vector<std::string>* excluded) {
  return Enumeration(mode, excluded).run();
}

}  // namespace mynah::x86_oracle
