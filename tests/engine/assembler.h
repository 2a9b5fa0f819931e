// SPDX-License-Identifier: Apache-2.0
//
// Guest programs of tests: A64 words by functions named as the instructions are, and Code, which places them
// at an address and knows labels. Register 31 is XZR or SP as the instruction has it.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace mynah::a64asm {

using Word = uint32_t;
constexpr unsigned kZr = 31, kSp = 31;
enum Cc : unsigned { kEq, kNe, kCs, kCc, kMi, kPl, kVs, kVc, kHi, kLs, kGe, kLt, kGt, kLe };

// --- data processing, 64 bits unless named otherwise
constexpr Word movz(unsigned d, unsigned imm, unsigned shift = 0) {
  return 0xd2800000 | shift / 16 << 21 | imm << 5 | d;
}
constexpr Word movk(unsigned d, unsigned imm, unsigned shift = 0) {
  return 0xf2800000 | shift / 16 << 21 | imm << 5 | d;
}
constexpr Word movn(unsigned d, unsigned imm, unsigned shift = 0) {
  return 0x92800000 | shift / 16 << 21 | imm << 5 | d;
}
constexpr Word movz_w(unsigned d, unsigned imm) { return 0x52800000 | imm << 5 | d; }
constexpr Word add_imm(unsigned d, unsigned n, unsigned imm) { return 0x91000000 | imm << 10 | n << 5 | d; }
constexpr Word sub_imm(unsigned d, unsigned n, unsigned imm) { return 0xd1000000 | imm << 10 | n << 5 | d; }
constexpr Word adds_imm(unsigned d, unsigned n, unsigned imm) { return 0xb1000000 | imm << 10 | n << 5 | d; }
constexpr Word subs_imm(unsigned d, unsigned n, unsigned imm) { return 0xf1000000 | imm << 10 | n << 5 | d; }
constexpr Word cmp_imm(unsigned n, unsigned imm) { return subs_imm(kZr, n, imm); }
constexpr Word add(unsigned d, unsigned n, unsigned m) { return 0x8b000000 | m << 16 | n << 5 | d; }
constexpr Word adds(unsigned d, unsigned n, unsigned m) { return 0xab000000 | m << 16 | n << 5 | d; }
constexpr Word sub(unsigned d, unsigned n, unsigned m) { return 0xcb000000 | m << 16 | n << 5 | d; }
constexpr Word eor(unsigned d, unsigned n, unsigned m) { return 0xca000000 | m << 16 | n << 5 | d; }
constexpr Word orr(unsigned d, unsigned n, unsigned m) { return 0xaa000000 | m << 16 | n << 5 | d; }
constexpr Word mov(unsigned d, unsigned m) { return orr(d, kZr, m); }
constexpr Word madd(unsigned d, unsigned n, unsigned m, unsigned a) {
  return 0x9b000000 | m << 16 | a << 10 | n << 5 | d;
}
constexpr Word ror_imm(unsigned d, unsigned n, unsigned by) {
  return 0x93c00000 | n << 16 | by << 10 | n << 5 | d;
}
constexpr Word crc32x(unsigned d, unsigned n, unsigned m) { return 0x9ac04c00 | m << 16 | n << 5 | d; }
constexpr Word csel(unsigned d, unsigned n, unsigned m, Cc cc) {
  return 0x9a800000 | m << 16 | cc << 12 | n << 5 | d;
}

// --- loads and stores; byte offsets
constexpr Word ldr(unsigned t, unsigned n, unsigned offset = 0) {
  return 0xf9400000 | offset / 8 << 10 | n << 5 | t;
}
constexpr Word str(unsigned t, unsigned n, unsigned offset = 0) {
  return 0xf9000000 | offset / 8 << 10 | n << 5 | t;
}
constexpr Word ldr_w(unsigned t, unsigned n, unsigned offset = 0) {
  return 0xb9400000 | offset / 4 << 10 | n << 5 | t;
}
constexpr Word str_w(unsigned t, unsigned n, unsigned offset = 0) {
  return 0xb9000000 | offset / 4 << 10 | n << 5 | t;
}
constexpr Word ldrh(unsigned t, unsigned n, unsigned offset = 0) {
  return 0x79400000 | offset / 2 << 10 | n << 5 | t;
}
constexpr Word ldrb(unsigned t, unsigned n, unsigned offset = 0) {
  return 0x39400000 | offset << 10 | n << 5 | t;
}
constexpr Word strb(unsigned t, unsigned n, unsigned offset = 0) {
  return 0x39000000 | offset << 10 | n << 5 | t;
}
constexpr Word imm9(int offset) { return (static_cast<Word>(offset) & 0x1ff) << 12; }
constexpr Word ldur(unsigned t, unsigned n, int offset) { return 0xf8400000 | imm9(offset) | n << 5 | t; }
constexpr Word stur(unsigned t, unsigned n, int offset) { return 0xf8000000 | imm9(offset) | n << 5 | t; }
constexpr Word ldr_post(unsigned t, unsigned n, int offset) { return 0xf8400400 | imm9(offset) | n << 5 | t; }
constexpr Word ldr_pre(unsigned t, unsigned n, int offset) { return 0xf8400c00 | imm9(offset) | n << 5 | t; }
constexpr Word str_post(unsigned t, unsigned n, int offset) { return 0xf8000400 | imm9(offset) | n << 5 | t; }
constexpr Word ldtr(unsigned t, unsigned n, int offset = 0) { return 0xf8400800 | imm9(offset) | n << 5 | t; }
constexpr Word sttr(unsigned t, unsigned n, int offset = 0) { return 0xf8000800 | imm9(offset) | n << 5 | t; }
constexpr Word imm7(int offset) { return (static_cast<Word>(offset / 8) & 0x7f) << 15; }
constexpr Word ldp(unsigned t, unsigned t2, unsigned n, int offset = 0) {
  return 0xa9400000 | imm7(offset) | t2 << 10 | n << 5 | t;
}
constexpr Word stp(unsigned t, unsigned t2, unsigned n, int offset = 0) {
  return 0xa9000000 | imm7(offset) | t2 << 10 | n << 5 | t;
}
constexpr Word ldp_post(unsigned t, unsigned t2, unsigned n, int offset) {
  return 0xa8c00000 | imm7(offset) | t2 << 10 | n << 5 | t;
}
constexpr Word stp_pre(unsigned t, unsigned t2, unsigned n, int offset) {
  return 0xa9800000 | imm7(offset) | t2 << 10 | n << 5 | t;
}
constexpr Word ldr_q(unsigned t, unsigned n, unsigned offset = 0) {
  return 0x3dc00000 | offset / 16 << 10 | n << 5 | t;
}
constexpr Word str_q(unsigned t, unsigned n, unsigned offset = 0) {
  return 0x3d800000 | offset / 16 << 10 | n << 5 | t;
}
constexpr Word ldxr(unsigned t, unsigned n) { return 0xc85f7c00 | n << 5 | t; }
constexpr Word stxr(unsigned s, unsigned t, unsigned n) { return 0xc8007c00 | s << 16 | n << 5 | t; }
constexpr Word ldar(unsigned t, unsigned n) { return 0xc8dffc00 | n << 5 | t; }
constexpr Word ldadd(unsigned s, unsigned t, unsigned n) { return 0xf8200000 | s << 16 | n << 5 | t; }

// --- branches; byte distances
constexpr Word b(int64_t to) { return 0x14000000 | (static_cast<Word>(to / 4) & 0x3ffffff); }
constexpr Word bl(int64_t to) { return 0x94000000 | (static_cast<Word>(to / 4) & 0x3ffffff); }
constexpr Word b_cc(Cc cc, int64_t to) {
  return 0x54000000 | (static_cast<Word>(to / 4) & 0x7ffff) << 5 | cc;
}
constexpr Word cbz(unsigned t, int64_t to) {
  return 0xb4000000 | (static_cast<Word>(to / 4) & 0x7ffff) << 5 | t;
}
constexpr Word cbnz(unsigned t, int64_t to) {
  return 0xb5000000 | (static_cast<Word>(to / 4) & 0x7ffff) << 5 | t;
}
constexpr Word tbnz(unsigned t, unsigned bit, int64_t to) {
  return 0x37000000 | bit >> 5 << 31 | (bit & 31) << 19 | (static_cast<Word>(to / 4) & 0x3fff) << 5 | t;
}
constexpr Word br(unsigned n) { return 0xd61f0000 | n << 5; }
constexpr Word blr(unsigned n) { return 0xd63f0000 | n << 5; }
constexpr Word ret(unsigned n = 30) { return 0xd65f0000 | n << 5; }

// --- pointer authentication, branch targets
constexpr Word pacia(unsigned d, unsigned n) { return 0xdac10000 | n << 5 | d; }
constexpr Word pacda(unsigned d, unsigned n) { return 0xdac10800 | n << 5 | d; }
constexpr Word autia(unsigned d, unsigned n) { return 0xdac11000 | n << 5 | d; }
constexpr Word xpaci(unsigned d) { return 0xdac143e0 | d; }
constexpr Word pacga(unsigned d, unsigned n, unsigned m) { return 0x9ac03000 | m << 16 | n << 5 | d; }
constexpr Word braa(unsigned n, unsigned m) { return 0xd71f0800 | n << 5 | m; }
constexpr Word blraa(unsigned n, unsigned m) { return 0xd73f0800 | n << 5 | m; }
constexpr Word ldraa(unsigned t, unsigned n) { return 0xf8200400 | n << 5 | t; }
constexpr Word kPaciasp = 0xd503233f, kAutiasp = 0xd50323bf, kRetaa = 0xd65f0bff, kEretaa = 0xd69f0bff;
constexpr Word kBti = 0xd503241f, kBtiC = 0xd503245f, kBtiJ = 0xd503249f, kBtiJc = 0xd50324df;

// --- system
constexpr Word svc(unsigned imm) { return 0xd4000001 | imm << 5; }
constexpr Word hvc(unsigned imm) { return 0xd4000002 | imm << 5; }
constexpr Word brk(unsigned imm) { return 0xd4200000 | imm << 5; }
constexpr Word kNop = 0xd503201f, kIsb = 0xd5033fdf, kDsb = 0xd5033f9f, kWfi = 0xd503207f, kEret = 0xd69f03e0;
constexpr Word kWfe = 0xd503205f, kSev = 0xd503209f, kSevl = 0xd50320bf, kClrex = 0xd5033f5f;
constexpr Word kUndefined = 0x00000000;
constexpr Word daifset(unsigned bits) { return 0xd50340df | bits << 8; }
constexpr Word daifclr(unsigned bits) { return 0xd50340ff | bits << 8; }
constexpr Word msr_pan(unsigned on) { return 0xd500409f | on << 8; }
// op0, op1, CRn, CRm, op2 as MSR, MRS and SYS have them in bits 20:5.
constexpr Word system(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return 0xd5000000 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5;
}
constexpr Word kSctlr = system(3, 0, 1, 0, 0), kTtbr0 = system(3, 0, 2, 0, 0), kTtbr1 = system(3, 0, 2, 0, 1),
               kTcr = system(3, 0, 2, 0, 2), kSpsr = system(3, 0, 4, 0, 0), kElr = system(3, 0, 4, 0, 1),
               kEsr = system(3, 0, 5, 2, 0), kFar = system(3, 0, 6, 0, 0), kVbar = system(3, 0, 12, 0, 0),
               kSpEl0 = system(3, 0, 4, 1, 0), kNzcv = system(3, 3, 4, 2, 0),
               kCntvct = system(3, 3, 14, 0, 2), kCntvCtl = system(3, 3, 14, 3, 1),
               kTpidr = system(3, 3, 13, 0, 2), kCntkctl = system(3, 0, 14, 1, 0);
constexpr Word kPmcr = system(3, 3, 9, 12, 0), kPmcntenset = system(3, 3, 9, 12, 1),
               kPmovsclr = system(3, 3, 9, 12, 3), kPmccntr = system(3, 3, 9, 13, 0),
               kPmovsset = system(3, 3, 9, 14, 3), kPmintenset = system(3, 0, 9, 14, 1),
               kPmintenclr = system(3, 0, 9, 14, 2), kPmccfiltr = system(3, 3, 14, 15, 7);
constexpr Word msr(Word sysreg, unsigned t) { return sysreg | t; }
constexpr Word mrs(unsigned t, Word sysreg) { return sysreg | 1u << 21 | t; }
constexpr Word kTlbiAll = system(1, 0, 8, 7, 0) | kZr;                        // TLBI VMALLE1
constexpr Word tlbi_va(unsigned t) { return system(1, 0, 8, 7, 1) | t; }      // VAE1
constexpr Word tlbi_asid(unsigned t) { return system(1, 0, 8, 7, 2) | t; }    // ASIDE1
constexpr Word tlbi_va_all(unsigned t) { return system(1, 0, 8, 7, 3) | t; }  // VAAE1
constexpr Word tlbi_range(unsigned t) { return system(1, 0, 8, 6, 1) | t; }   // RVAE1
constexpr Word ic_ivau(unsigned t) { return system(1, 3, 7, 5, 1) | t; }
constexpr Word dc_cvau(unsigned t) { return system(1, 3, 7, 11, 1) | t; }
constexpr Word dc_zva(unsigned t) { return system(1, 3, 7, 4, 1) | t; }

// Words that will stand at an address.
class Code {
 public:
  explicit Code(uint64_t address) : address_(address) {}

  uint64_t here() const { return address_ + 4 * words_.size(); }
  template <typename... W>
  Code& operator()(W... words) {
    (words_.push_back(words), ...);
    return *this;
  }
  // A 64-bit constant in as few words as MOVZ and MOVK take.
  Code& load(unsigned d, uint64_t value) {
    bool first = true;
    for (unsigned shift = 0; shift < 64; shift += 16) {
      const auto part = static_cast<unsigned>(value >> shift & 0xffff);
      if (part == 0 && !(shift == 48 && first)) continue;
      words_.push_back(first ? movz(d, part, shift) : movk(d, part, shift));
      first = false;
    }
    return *this;
  }
  Code& pad_to(uint64_t address) {
    assert(address >= here() && address % 4 == 0);
    while (here() < address) words_.push_back(kNop);
    return *this;
  }

  // Labels: any number, bound once, used before or after.
  Code& bind(int label) {
    labels_[label] = here();
    return *this;
  }
  Code& b(int label) { return use(label, a64asm::b(0)); }
  Code& bl(int label) { return use(label, a64asm::bl(0)); }
  Code& b_cc(Cc cc, int label) { return use(label, a64asm::b_cc(cc, 0)); }
  Code& cbz(unsigned t, int label) { return use(label, a64asm::cbz(t, 0)); }
  Code& cbnz(unsigned t, int label) { return use(label, a64asm::cbnz(t, 0)); }
  Code& adr(unsigned d, int label) { return use(label, 0x10000000 | d); }
  uint64_t at(int label) const { return labels_.at(label); }

  uint64_t address() const { return address_; }
  // The finished words.
  std::vector<Word> words() const {
    std::vector<Word> out = words_;
    for (const Use& u : uses_) {
      const int64_t distance =
          static_cast<int64_t>(labels_.at(u.label)) - static_cast<int64_t>(address_ + 4 * u.index);
      Word& w = out[u.index];
      if ((w & 0x1f000000) == 0x10000000) {
        w |= static_cast<Word>(distance & 3) << 29 | (static_cast<Word>(distance >> 2) & 0x7ffff) << 5;
      } else if ((w & 0x7c000000) == 0x14000000) {
        w |= static_cast<Word>(distance / 4) & 0x3ffffff;
      } else {
        w |= (static_cast<Word>(distance / 4) & 0x7ffff) << 5;
      }
    }
    return out;
  }

 private:
  struct Use {
    int label;
    size_t index;
  };
  Code& use(int label, Word word) {
    uses_.push_back({label, words_.size()});
    words_.push_back(word);
    return *this;
  }

  uint64_t address_;
  std::vector<Word> words_;
  std::map<int, uint64_t> labels_;
  std::vector<Use> uses_;
};

}  // namespace mynah::a64asm
