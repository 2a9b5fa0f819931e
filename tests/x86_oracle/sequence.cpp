// SPDX-License-Identifier: Apache-2.0
//
// Sequences: pieces are drawn one after the other, then put together; branches lead forward, to a later
// piece.
#include "tests/x86_oracle/sequence.h"

#include <algorithm>

namespace mynah::x86_oracle {

namespace {

constexpr unsigned kReserved = 1u << kRbx | 1u << kRbp | 1u << kRsp;
constexpr int kLoopRegister = kRdi;

bool usable(const Form& f) {
  switch (f.group) {
    case Group::kString:
    case Group::kControl:
    case Group::kSystem:
      return false;
    default:
      break;
  }
  switch (f.mnemonic) {
    // What they store or do depends on what other instructions leave undefined, or ends every sequence.
    case ZYDIS_MNEMONIC_FNSTSW:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FLDCW:
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR:
    case ZYDIS_MNEMONIC_ENTER:
    case ZYDIS_MNEMONIC_LEAVE:
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD:
    case ZYDIS_MNEMONIC_XLAT:
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
    case ZYDIS_MNEMONIC_BOUND:
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_INTO:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_HLT:
      return false;
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
      return f.name.find("16") == std::string::npos;
    // Whether they fault where their operand is not aligned is a processor's.
    case ZYDIS_MNEMONIC_SHA1MSG1:
    case ZYDIS_MNEMONIC_SHA1MSG2:
    case ZYDIS_MNEMONIC_SHA1NEXTE:
    case ZYDIS_MNEMONIC_SHA1RNDS4:
    case ZYDIS_MNEMONIC_SHA256MSG1:
    case ZYDIS_MNEMONIC_SHA256MSG2:
    case ZYDIS_MNEMONIC_SHA256RNDS2:
      return f.name.find("m128") == std::string::npos;
    default:
      return f.name.find("cr") == std::string::npos && f.name.find("dr") == std::string::npos &&
             f.name.find("vm") == std::string::npos;
  }
}

int whole(ZydisRegister r) {
  const auto largest = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
  return largest >= ZYDIS_REGISTER_RAX && largest <= ZYDIS_REGISTER_R15 ? largest - ZYDIS_REGISTER_RAX : -1;
}

// Accesses go by RBX and RBP with a small displacement, or lie at a fixed place; nothing else changes those
// two.
bool keeps_registers(const Instance& i, bool loop) {
  if (i.low) return false;
  for (const ZydisDecodedOperand& o : i.decoded.all()) {
    if (o.type == ZYDIS_OPERAND_TYPE_REGISTER && o.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) {
      const int r = whole(o.reg.value);
      const bool hidden = o.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
      if (r >= 0 && kReserved >> r & 1 && !(hidden && r == kRsp)) return false;
      if (loop && r == kLoopRegister) return false;
    }
    if (o.type != ZYDIS_OPERAND_TYPE_MEMORY || o.mem.type == ZYDIS_MEMOP_TYPE_AGEN) continue;
    if (o.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && whole(o.mem.base) == kRsp) continue;
    if (o.mem.segment == ZYDIS_REGISTER_FS || o.mem.segment == ZYDIS_REGISTER_GS) return false;
    if (o.mem.segment == ZYDIS_REGISTER_CS) return false;
    if (o.mem.index != ZYDIS_REGISTER_NONE) return false;
    if (o.mem.base == ZYDIS_REGISTER_NONE || o.mem.base == ZYDIS_REGISTER_RIP ||
        o.mem.base == ZYDIS_REGISTER_EIP)
      continue;
    const int base = whole(o.mem.base);
    if (base != kRbx && base != kRbp) return false;
    if (i.decoded.insn.address_width == 16 || o.mem.disp.value < -1000 || o.mem.disp.value > 1000)
      return false;
    // A bit string's bits are counted from there on.
    if (i.decoded.insn.meta.category == ZYDIS_CATEGORY_BITBYTE) return false;
  }
  return true;
}

uint32_t flags_read(const Decoded& d) {
  return d.insn.cpu_flags ? static_cast<uint32_t>(d.insn.cpu_flags->tested) : 0;
}
uint32_t flags_set(const Decoded& d) {
  if (!d.insn.cpu_flags) return 0;
  // By a count that may be zero: perhaps not.
  const auto c = d.insn.meta.category;
  if (c == ZYDIS_CATEGORY_SHIFT || c == ZYDIS_CATEGORY_ROTATE) return 0;
  return static_cast<uint32_t>(d.insn.cpu_flags->modified | d.insn.cpu_flags->set_0 |
                               d.insn.cpu_flags->set_1);
}

}  // namespace

SequenceMaker::SequenceMaker(Mode mode, const CaseLimits& limits, const std::function<bool(const Form&)>& use)
    : mode_(mode), limits_(limits), forms_(static_cast<size_t>(Group::kCount)) {
  for (Form& f : all_forms(mode))
    if (usable(f) && use(f)) forms_[static_cast<size_t>(f.group)].push_back(std::move(f));
  std::erase_if(forms_, [](const auto& group) { return group.empty(); });
}

std::optional<Instance> SequenceMaker::draw(Random& random, uint64_t rip, bool loop,
                                            uint32_t undefined) const {
  for (unsigned attempt = 0; attempt < 400; ++attempt) {
    // Half of them are general ones, which come first.
    const auto& group = forms_[random.chance(50) ? 0 : random.below(static_cast<uint32_t>(forms_.size()))];
    CaseLimits limits = limits_;
    limits.rip = rip;
    limits.based = true;
    const auto i = random_instance(random, group[random.below(static_cast<uint32_t>(group.size()))], limits);
    if (!i || !keeps_registers(*i, loop) || flags_read(i->decoded) & undefined) continue;
    Case none;
    if (loop && undefined_of(i->decoded, none).flags) continue;
    return i;
  }
  return std::nullopt;
}

Sequence SequenceMaker::make(Random& random, unsigned length, bool branches) const {
  Sequence s;
  Case& c = s.before;
  c.mode = mode_;
  c.branches = true;
  const bool loop = branches && random.chance(30);
  c.state.rip = kCode + (random.chance(10) ? 0x1000 - 2 - random.below(60) : 0x200 + random.below(0xc00));
  for (size_t at = 0; at < kDataBytes; at += 8) {
    const uint64_t v = random.chance(30) ? random.integer(32) | random.integer(32) << 32 : random.next();
    std::memcpy(c.data + at, &v, 8);
  }
  uint32_t undefined = 0, ever = 0;
  struct Pending {
    size_t at;  // of the displacement
    unsigned target;
    uint32_t undefined;
    bool placed = false;
  };
  std::vector<Pending> pending;
  std::vector<uint8_t> code;
  Instance last;
  const auto arrive = [&](unsigned n) {
    for (Pending& p : pending) {
      if (p.placed || p.target != n) continue;
      code[p.at] = static_cast<uint8_t>(code.size() - p.at - 1);
      undefined |= p.undefined;
      p.placed = true;
    }
  };
  unsigned n = 0;
  for (; n < length && code.size() < 100; ++n) {
    arrive(n);
    if (branches && n + 1 < length && random.chance(25)) {
      // Jcc or JMP to a later piece. A condition that is undefined is none.
      const bool always = undefined || random.chance(15);
      code.push_back(static_cast<uint8_t>(always ? 0xeb : 0x70 | random.below(16)));
      code.push_back(0);
      pending.push_back({code.size() - 1, n + 1 + random.below(length - n), undefined});
    } else if (const auto i = draw(random, c.state.rip + code.size(), loop, undefined)) {
      code.insert(code.end(), i->bytes, i->bytes + i->length);
      Case one;
      one.state.gpr[kRcx] = 1;  // a count
      one.state.ftw = 0xff;     // no stack fault, which defines more
      const Undefined u = undefined_of(i->decoded, one);
      undefined = (undefined & ~flags_set(i->decoded)) | u.flags;
      ever |= u.flags;
      s.undefined.codes |= u.codes;
      last = *i;
    }
  }
  for (; n <= length; ++n) arrive(n);
  if (loop) {  // dec edi; jnz to the start
    code.insert(code.end(), {0x83, 0xef, 0x01, 0x75, 0});
    code.back() = static_cast<uint8_t>(0 - code.size());
  }
  std::copy(code.begin(), code.end(), c.code);
  c.length = static_cast<uint8_t>(code.size());
  s.undefined.flags = undefined;
  s.undefined.flags_on_fault = ever;

  CaseLimits limits = limits_;
  limits.unmasked &= random.chance(30);
  random_registers(random, last.length ? &last.decoded : nullptr, c, limits);
  for (unsigned i = 0; i < 6; ++i) c.state.gpr[random.below(mode_ == Mode::k64 ? 16 : 8)] = random.below(3);
  const auto place = [&] { return kData + 1600 + 16 * random.below(300); };
  c.state.gpr[kRbx] = place();
  c.state.gpr[kRbp] = place();
  c.state.gpr[kRsp] = place();
  if (loop) c.state.gpr[kLoopRegister] = 1 + random.below(4);
  return s;
}

}  // namespace mynah::x86_oracle
