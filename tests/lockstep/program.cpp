// SPDX-License-Identifier: Apache-2.0
//
// Writes the memory of a random program: page tables, vectors and handlers, code.
#include "tests/lockstep/program.h"

#include <algorithm>
#include <iterator>

#include "frontend/arm/a64/rows.h"
#include "frontend/arm/sysregs.h"
#include "machines/virt_map.h"
#include "tests/engine/assembler.h"

namespace mynah::lockstep {

namespace {

using namespace a64asm;
namespace a64 = arm::a64;

// --- memory

enum Descriptor : uint64_t {
  kValidPage = 3,
  kDeviceMemory = 1 << 2,  // AttrIndx 1
  kUser = 1 << 6,
  kReadOnly = 1 << 7,
  kAf = 1 << 10,
  kNotGlobal = 1 << 11,
  kGuarded = uint64_t{1} << 50,
  kDbm = uint64_t{1} << 51,
  kPxn = uint64_t{1} << 53,
  kUxn = uint64_t{1} << 54,
  kNormal = kValidPage | kAf | 3 << 8,
};

constexpr uint64_t frame(uint64_t n) { return kData + n * kPage; }

// The kinds of data pages, in the order of their addresses.
constexpr uint64_t kDataKinds[] = {
    frame(0) | kNormal | kUxn | kPxn,
    frame(2) | kNormal | kUxn | kPxn,  // not the frame behind the one before
    frame(3) | kNormal | kReadOnly | kUxn,
    0,
    frame(4) | kNormal | kDeviceMemory | kUxn | kPxn,
    frame(0) | kNormal | kUxn | kPxn,  // an alias
    frame(5) | kNormal | kUser | kUxn,
    frame(6) | kNormal | kUser | kReadOnly | kUxn,
    (frame(7) | kNormal | kUxn | kPxn) & ~uint64_t{kAf},
    frame(8) | kNormal | kReadOnly | kDbm | kUxn | kPxn,
    frame(9) | kNormal | kUser | kNotGlobal | kUxn,
    (virt_map::kUart & ~(kPage - 1)) | kNormal | kUxn | kPxn,  // registers mapped as normal memory
    frame(10) | kNormal | kUxn | kPxn,
    uint64_t{0x30000000} | kNormal | kUxn | kPxn,  // nothing is there
    frame(11) | kNormal | kUxn | kPxn,
    uint64_t{0xf00000000000} | kNormal,  // more bits than there are
};

class Tables {
 public:
  Tables() : words_(512) {}
  void map(uint64_t va, uint64_t descriptor) {
    uint64_t table = 0;
    for (unsigned shift = 30; shift > 12; shift -= 9) {
      const uint64_t at = table + (va >> shift & 511);
      if (!words_[at]) {
        words_[at] = (kTables + words_.size() * 8) | 3;
        words_.resize(words_.size() + 512);
      }
      table = ((words_[at] & ~uint64_t{0xfff}) - kTables) / 8;
    }
    words_[table + (va >> 12 & 511)] = descriptor;
  }
  std::vector<uint64_t> words() && { return std::move(words_); }

 private:
  std::vector<uint64_t> words_;
};

constexpr uint64_t kDevicePages[] = {
    virt_map::kGicDistributor,
    virt_map::kGicCpu,
    virt_map::kGicRedistributor,
    virt_map::kGicRedistributor + 0x10000,
    virt_map::kUart,
    virt_map::kRtc,
    virt_map::kFwCfg,
    virt_map::kGpio,
    virt_map::kVirtio,
};

std::vector<uint64_t> make_tables() {
  Tables t;
  t.map(kVectors, kVectors | kNormal | kReadOnly | kUxn);
  for (uint64_t i = 0; i < kCodePages; ++i) {
    const uint64_t code = (kCode + i * kPage) | kNormal | kReadOnly;
    t.map(kCodeViews + i * kPage, code | kUxn | kGuarded);
    t.map(kCodeViews + kCodeView + i * kPage, code | kUxn);
    t.map(kCodeViews + 2 * kCodeView + i * kPage, code | kUser);
    t.map(kCodeViews + 3 * kCodeView + i * kPage, code | kUser | kGuarded);
    t.map(kCodeStores + i * kPage, (kCode + i * kPage) | kNormal | kUxn | kPxn);
  }
  for (size_t i = 0; i < std::size(kDataKinds); ++i) t.map(kDataPages + i * kPage, kDataKinds[i]);
  for (const uint64_t page : kDevicePages) t.map(page, page | kValidPage | kAf | kDeviceMemory | kUxn | kPxn);
  return std::move(t).words();
}

// --- handlers

constexpr Word kTpidrEl1 = system(3, 0, 13, 0, 4), kTpidrro = system(3, 3, 13, 0, 3);
constexpr Word kCpacr = system(3, 0, 1, 0, 2), kCntvTval = system(3, 3, 14, 3, 0);
constexpr Word kIccIar1 = system(3, 0, 12, 12, 0), kIccEoir1 = system(3, 0, 12, 12, 1);
constexpr Word ubfx(unsigned d, unsigned n, unsigned lsb, unsigned width) {
  return 0xd3400000 | lsb << 16 | (lsb + width - 1) << 10 | n << 5 | d;
}
constexpr Word lsl_imm(unsigned d, unsigned n, unsigned by) {
  return 0xd3400000 | (64 - by) << 16 | (63 - by) << 10 | n << 5 | d;
}

constexpr Word bic(unsigned d, unsigned n, unsigned m) { return 0x8a200000 | m << 16 | n << 5 | d; }

// What faults is skipped; where that leads nowhere, execution goes on at a place that ELR and the time
// choose, at EL0 or EL1. The FP trap enables FP. Interrupts are acknowledged, and sometimes masked, so that
// none can keep the program from going on. `places`: log2 of the words at the code's start that are such
// places.
std::vector<Word> make_handlers(unsigned gic, unsigned places, uint64_t& entry) {
  enum { kSync, kInterrupt, kFast, kPlace, kOut, kFp, kSameLevel, kToEl0, kSaved, kAtEl1, kMask };
  Code c(kVectors);
  for (unsigned from = 0; from < 4; ++from) {
    c.pad_to(kVectors + from * 0x200).b(kSync);
    c.pad_to(kVectors + from * 0x200 + 0x80).b(kInterrupt);
    c.pad_to(kVectors + from * 0x200 + 0x100).b(kFast);
    c.pad_to(kVectors + from * 0x200 + 0x180).b(kSync);
  }
  c.pad_to(kVectors + 0x800);
  const auto save = [&] { c(msr(kTpidrEl1, 0), msr(kTpidrro, 1), msr(kTpidr, 2)); };
  c.bind(kSync);
  save();
  c(mrs(0, kEsr), ubfx(0, 0, 26, 6), sub_imm(1, 0, 0x20), cmp_imm(1, 2)).b_cc(kLs, kPlace);
  c(cmp_imm(0, 0x0d)).b_cc(kEq, kPlace)(cmp_imm(0, 0x0e)).b_cc(kEq, kPlace)(cmp_imm(0, 7)).b_cc(kEq, kFp);
  c(mrs(1, kElr), add_imm(1, 1, 4), msr(kElr, 1)).b(kOut);
  c.bind(kFp)(movz(0, 0x30, 16), msr(kCpacr, 0)).b(kOut);

  c.bind(kPlace)(mrs(0, kElr), mrs(1, kCntvct), crc32x(0, 0, 1), mrs(2, kSpsr));
  c(movz(1, 0x10, 16), movk(1, 0xc00), bic(2, 2, 1));  // no IL, no BTYPE
  c(ubfx(1, 0, 20, 2)).cbnz(1, kSameLevel)(movz(1, 0xf), bic(2, 2, 1), ubfx(1, 0, 22, 1));
  c.cbz(1, kToEl0)(movz(1, 5), orr(2, 2, 1)).bind(kToEl0).bind(kSameLevel)(msr(kSpsr, 2));
  c(ubfx(1, 2, 2, 1)).cbnz(1, kAtEl1)(movz(2, 1, 17)).b(kSaved).bind(kAtEl1)(movz(2, 0));
  c.bind(kSaved)(ubfx(1, 0, 16, 2), lsl_imm(1, 1, 16), orr(1, 1, 2), ubfx(2, 0, 2, places), lsl_imm(2, 2, 2));
  c(orr(1, 1, 2), movz(2, kCodeViews >> 16, 16), orr(1, 1, 2), msr(kElr, 1));

  c.bind(kOut)(mrs(0, kTpidrEl1), mrs(1, kTpidrro), mrs(2, kTpidr), kEret);

  c.bind(kInterrupt);
  save();
  if (gic == 3) {
    c(mrs(0, kIccIar1), msr(kIccEoir1, 0));
  } else {
    c.load(1, virt_map::kGicCpu)(ldr_w(0, 1, 0xc), str_w(0, 1, 0x10));
  }
  // The next timer interrupt is a few to a few hundred instructions away.
  c(mrs(0, kCntvct), ubfx(1, 0, 1, 6), msr(kCntvTval, 1), movz(1, 1), msr(kCntvCtl, 1));
  c(ubfx(0, 0, 3, 2)).cbnz(0, kOut).b(kMask);
  c.bind(kFast);
  save();
  c.bind(kMask)(mrs(0, kSpsr), movz(1, 0xc0), orr(0, 0, 1), msr(kSpsr, 0)).b(kOut);

  entry = c.here();
  if (gic == 3) {
    constexpr Word kIccPmr = system(3, 0, 4, 6, 0), kIccIgrpen1 = system(3, 0, 12, 12, 7);
    c.load(1, virt_map::kGicDistributor)(movz(0, 0x12), str_w(0, 1, 0));
    c.load(1, virt_map::kGicRedistributor)(str_w(kZr, 1, 0x14));
    c.load(1, virt_map::kGicRedistributor + 0x10000)(movn(0, 0), str_w(0, 1, 0x80), str_w(0, 1, 0x100));
    c(movz(0, 0xf0), msr(kIccPmr, 0), movz(0, 1), msr(kIccIgrpen1, 0));
  } else {
    c.load(1, virt_map::kGicDistributor)(movn(0, 0), str_w(0, 1, 0x100), movz(0, 1), str_w(0, 1, 0));
    c.load(1, virt_map::kGicCpu)(movz(0, 0xf0), str_w(0, 1, 4), movz(0, 1), str_w(0, 1, 0));
  }
  c(movz(0, 20), msr(kCntvTval, 0), movz(0, 1), msr(kCntvCtl, 0), daifclr(15));
  c.load(0, kCodeViews + kCodeView)(br(0));
  return c.words();
}

// --- code

constexpr a64::Encoding kBranchSystem[] = {
#define ROW(id, ...) a64::Encoding::id,
#define GENERAL ROW
#include "frontend/arm/a64/table_branch_system.inc"
#undef GENERAL
#undef ROW
};
constexpr a64::Encoding kInteger[] = {
#define ROW(id, ...) a64::Encoding::id,
#include "frontend/arm/a64/table_dp_immediate.inc"
#undef ROW
#define ROW(id, ...) a64::Encoding::id,
#include "frontend/arm/a64/table_dp_register.inc"
#undef ROW
};
constexpr a64::Encoding kLoadStore[] = {
#define ROW(id, ...) a64::Encoding::id,
#include "frontend/arm/a64/table_load_store.inc"
#undef ROW
};
constexpr a64::Encoding kVector[] = {
#define ROW(id, ...) a64::Encoding::id,
#include "frontend/arm/a64/table_fp.inc"
#undef ROW
#define ROW(id, ...) a64::Encoding::id,
#include "frontend/arm/a64/table_simd.inc"
#undef ROW
#define ROW(id, ...) a64::Encoding::id,
#include "frontend/arm/a64/table_simd_scalar.inc"
#undef ROW
#define ROW(id, ...) a64::Encoding::id,
#include "frontend/arm/a64/table_crypto.inc"
#undef ROW
};

constexpr Word kDestructive[] = {kSctlr, kTtbr0, kTtbr1, kTcr, kVbar, system(3, 0, 10, 2, 0)};

bool is_load_store(Word w) { return (w >> 27 & 1) && !(w >> 25 & 1); }

class Generator {
 public:
  Generator(Random& random, unsigned places) : r_(random), places_(places) {}

  std::vector<Word> run() {
    const size_t size = kCodeBytes / 4 - 1;
    while (words_.size() < size) one();
    words_.resize(size);
    words_.push_back(0);
    const size_t last = std::min(size_t{2} << places_, words_.size()) - 1;
    for (const size_t at : {last, size}) words_[at] = b(-static_cast<int64_t>(at * 4));
    return std::move(words_);
  }

 private:
  void one() {
    const unsigned what = r_.below(100);
    if (what < 24) return put(of(kInteger));
    if (what < 40) return vector();
    if (what < 62) return access(of(kLoadStore));
    if (what < 70) return put(near_branch(of(kBranchSystem)));
    if (what < 76) return indirect_branch();
    if (what < 81) return put(sysreg() | 1u << 21 | any());
    if (what < 85) return write_sysreg();
    if (what < 88) return maintenance();
    if (what < 90) return toggle();
    if (what < 91) return debug();
    if (what < 92) return exception_return();
    if (what < 93) return write_code();
    if (what < 94) return put(mov_sp(any()));
    if (what < 97) return put(daifclr(r_.chance(80) ? 15 : r_.below(16)));
    put(static_cast<Word>(r_.next()));
  }

  void put(Word w) {
    for (const Word reg : kDestructive)
      if ((w & ~31u) == reg && !r_.chance(1)) w = kNop;
    words_.push_back(w);
  }
  unsigned any() { return r_.below(32); }
  void load(unsigned d, uint64_t value) {
    Code c(0);
    for (const Word w : c.load(d, value).words()) put(w);
    if (value == 0) put(movz(d, 0));
  }
  static Word mov_sp(unsigned n) { return add_imm(kSp, n == 31 ? 0 : n, 0); }

  // A random word of a random row.
  template <size_t n>
  Word of(const a64::Encoding (&rows)[n]) {
    for (;;) {
      const a64::Encoding e = rows[r_.below(n)];
      const a64::Row& row = a64::row_of(e);
      for (unsigned attempt = 0; attempt < 20; ++attempt) {
        const Word w = (static_cast<Word>(r_.next()) & ~row.bits.mask) | row.bits.value;
        if (a64::decode(w).encoding == e) return w;
      }
    }
  }

  uint64_t offset_in_page() {
    uint64_t offset = r_.chance(25) ? kPage - r_.below(48) : r_.below(kPage);
    if (r_.chance(65)) offset &= ~uint64_t{15};
    return offset & (kPage - 1);
  }
  uint64_t data_pointer() {
    uint64_t va = kDataPages + (r_.chance(50) ? 0 : r_.below(std::size(kDataKinds)) * kPage);
    if (r_.chance(12)) va = kDevicePages[r_.below(std::size(kDevicePages))];
    if (r_.chance(4)) va = kCodeViews + r_.below(4) * kCodeView;
    va += offset_in_page();
    if (r_.chance(8)) va |= kUpperHalf;
    if (r_.chance(4)) va ^= uint64_t{r_.below(256)} << 56;
    return va;
  }
  uint64_t code_pointer() {
    uint64_t va = kCodeViews + r_.below(4) * kCodeView + r_.below(1u << places_) * 4;
    if (r_.chance(4)) va += 1 + r_.below(3);
    if (r_.chance(3)) va = data_pointer();
    if (r_.chance(5)) va |= kUpperHalf;
    if (r_.chance(2)) va ^= uint64_t{r_.below(256)} << 56;
    return va;
  }
  uint64_t value() {
    switch (r_.below(5)) {
      case 0:
        return r_.below(64);
      case 1:
        return uint64_t{1} << r_.below(64);
      case 2:
        return r_.chance(50) ? 0 : ~uint64_t{0};
      case 3:
        return r_.next() >> r_.below(64);
      default:
        return r_.next();
    }
  }

  void vector() {
    const Word w = of(kVector);
    if (is_load_store(w)) return access(w);
    if (r_.chance(4)) {
      constexpr Word kFpcr = system(3, 3, 4, 4, 0);
      const unsigned t = any();
      load(t, r_.next() & 0x07c80000 & r_.next());
      put(msr(kFpcr, t));
    }
    put(w);
  }

  // The word behind a pointer that it can use.
  void access(Word w) {
    const a64::Row& row = a64::row_of(a64::decode(w).encoding);
    const unsigned n = w >> 5 & 31;
    const bool literal = row.find("imm19") != nullptr;
    if (literal) {
      w = (w & ~(0x7ffffu << 5)) | ((r_.below(256) - 128) & 0x7ffff) << 5;
    } else if (!r_.chance(10)) {
      uint64_t pointer = data_pointer();
      if (n == 31) {
        const unsigned t = r_.below(31);
        if (!r_.chance(10)) pointer &= ~uint64_t{15};
        load(t, pointer);
        put(mov_sp(t));
      } else {
        load(n, pointer);
      }
    }
    if (row.find("imm12") && r_.chance(80)) w &= ~(0x1ffu << 13);
    if (const a64::Field* m = row.find("rm"); m && row.find("option") && r_.chance(70)) {
      const unsigned index = w >> m->lsb & 31;
      if (index != n && index != 31) load(index, r_.below(64));
    }
    put(w);
    // More at the same place: what is merged, monitored, read again.
    while (!literal && r_.chance(40)) {
      const Word next = of(kLoadStore);
      if (a64::row_of(a64::decode(next).encoding).find("imm19")) continue;
      put((next & ~(31u << 5)) | n << 5);
    }
  }

  Word near_branch(Word w) {
    const a64::Row& row = a64::row_of(a64::decode(w).encoding);
    for (const char* name : {"imm26", "imm19", "imm14"})
      if (const a64::Field* f = row.find(name); f && !r_.chance(2)) {
        const Word mask = (1u << f->width) - 1;
        const Word distance = (r_.chance(75) ? r_.below(24) : r_.below(400) - 200) & mask;
        w = (w & ~(mask << f->lsb)) | distance << f->lsb;
      }
    return w;
  }

  void indirect_branch() {
    const unsigned n = r_.chance(20) ? 16 + r_.below(2) : any(), m = any();
    if (n != 31) load(n, code_pointer());
    switch (r_.below(8)) {
      case 0:
      case 1:
        return put(br(n));
      case 2:
      case 3:
        return put(blr(n));
      case 4:
        return put(ret(n));
      case 5:
        if (r_.chance(80)) put(pacia(n, m));
        return put(r_.chance(50) ? braa(n, m) : blraa(n, m));
      case 6:
        return put(ret());
      default:
        put(0xdac123e0 | n);  // PACIZA
        return put(r_.chance(50) ? 0xd61f081f | n << 5 : 0xd63f081f | n << 5);
    }
  }

  Word sysreg() {
    const auto all = arm::sysregs::all();
    const Word key = r_.chance(95) ? all[r_.below(static_cast<uint32_t>(all.size()))].key
                                   : 0xc000u | (static_cast<Word>(r_.next()) & 0x3fff);
    return 0xd5000000 | key << 5;
  }
  void write_sysreg() {
    const unsigned t = any();
    if (r_.chance(60) && t != 31) load(t, r_.chance(20) ? data_pointer() : value());
    put(sysreg() | t);
  }

  void maintenance() {
    constexpr Word kOps[] = {dc_zva(0),
                             dc_cvau(0),
                             ic_ivau(0),
                             system(1, 3, 7, 10, 1),
                             system(1, 3, 7, 12, 1),
                             system(1, 3, 7, 13, 1),
                             system(1, 3, 7, 14, 1),
                             system(1, 0, 7, 6, 1),
                             system(1, 0, 7, 5, 0),
                             system(1, 0, 7, 8, 0),
                             system(1, 0, 7, 8, 1),
                             system(1, 0, 7, 8, 2),
                             system(1, 0, 7, 8, 3),
                             system(1, 0, 7, 9, 0),
                             system(1, 0, 7, 9, 1),
                             kTlbiAll & ~31u,
                             tlbi_va(0),
                             tlbi_asid(0),
                             tlbi_va_all(0),
                             tlbi_range(0),
                             system(1, 3, 7, 4, 1)};
    const unsigned t = any();
    const uint64_t pointer = data_pointer();
    const Word op = kOps[r_.below(std::size(kOps))];
    if (t != 31) load(t, (op >> 12 & 15) == 8 ? pointer >> 12 & 0xfffffffffff : pointer);
    put(op | t);
    if ((op >> 5 & 0xffff) == (system(1, 0, 7, 8, 0) >> 5 & 0xffff)) put(mrs(any(), system(3, 0, 7, 4, 0)));
  }

  void toggle() {
    struct Row {
      Word reg;
      std::initializer_list<unsigned> bits;
    };
    static const Row kRows[] = {
        {kSctlr, {1, 3, 4, 9, 13, 14, 15, 16, 18, 23, 26, 27, 30, 31, 35, 36, 44}},
        {kTcr, {37, 38, 39, 40, 51, 52, 55, 56}},
        {system(3, 0, 1, 0, 2), {20, 21}},
        {kCntkctl, {0, 1, 2, 8, 9}},
        {system(3, 3, 9, 14, 0), {0, 1, 2, 3}},
    };
    const Row& row = kRows[r_.below(std::size(kRows))];
    const unsigned a = r_.below(31), c = r_.below(31);
    if (a == c) return;
    put(mrs(a, row.reg));
    load(c, uint64_t{1} << row.bits.begin()[r_.below(static_cast<uint32_t>(row.bits.size()))]);
    put(eor(a, a, c));
    words_.push_back(msr(row.reg, a));
  }

  void debug() {
    constexpr Word kMdscr = system(2, 0, 0, 2, 2), kOslar = system(2, 0, 1, 0, 4);
    const unsigned t = r_.below(31), n = r_.below(4);
    const auto set = [&](Word reg, uint64_t to) {
      load(t, to);
      put(msr(reg, t));
    };
    set(kOslar, 0);
    if (r_.chance(60)) {
      set(system(2, 0, 0, n, 6), data_pointer());
      set(system(2, 0, 0, n, 7), (r_.next() & 0x1fff) | 1);
    } else {
      set(system(2, 0, 0, n, 4), code_pointer());
      set(system(2, 0, 0, n, 5), (r_.next() & 0x1e6) | 1);
    }
    // Software step is rare: it is all that happens then.
    set(kMdscr, r_.chance(60) ? 0 : 1u << 15 | r_.below(2) << 13 | (r_.chance(10) ? 1 : 0));
    if (r_.chance(50)) put(daifclr(8));
  }

  void exception_return() {
    const unsigned t = r_.below(31);
    uint64_t saved = r_.chance(45) ? 0 : r_.chance(80) ? 5 : r_.below(16);
    saved |= r_.next() & 0xf0000000;
    if (r_.chance(30)) saved |= r_.next() & 0x03f00fc0;  // DIT, UAO, PAN, SS, IL, BTYPE, DAIF
    if (r_.chance(20)) saved |= 3 << 22;
    load(t, saved);
    put(msr(kSpsr, t));
    load(t, code_pointer());
    put(msr(kElr, t));
    put(r_.chance(90) ? kEret : kEretaa);
  }

  // Stores another word over one of the code and says so. Nothing points there afterwards.
  void write_code() {
    const unsigned n = r_.below(31), t = (n + 1) % 31;
    load(n, kCodeStores + r_.below(kCodeBytes / 4 - 1) * 4);
    load(t, r_.chance(50) ? of(kInteger) : near_branch(of(kBranchSystem)));
    put(str_w(t, n));
    put(dc_cvau(n));
    put(ic_ivau(n));
    put(kIsb);
    put(movz(n, 0));
  }

  Random& r_;
  const unsigned places_;
  std::vector<Word> words_;
};

}  // namespace

Program make_program(uint64_t seed, const std::string& cpu, unsigned gic) {
  Random random{seed};
  Program p;
  p.seed = seed;
  p.cpu = cpu;
  p.gic = gic;
  // Little code runs often, which is what links and caches are for; much of it is of many kinds.
  const unsigned places = 6 + random.below(7);
  p.handlers = make_handlers(gic, places, p.entry);
  p.code = Generator(random, places).run();
  p.tables = make_tables();
  return p;
}

}  // namespace mynah::lockstep
