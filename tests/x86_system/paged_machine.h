// SPDX-License-Identifier: Apache-2.0
//
// A BareMachine with tables of a format of one's choice: its memory one to one by pages of 4 KiB, a
// supervisor's but for the user's code and stack, and the page kTest, which is the user's too and whose
// entries a test changes. Accesses to it are made by programs: what comes of them.
#pragma once

#include <optional>
#include <vector>

#include "frontend/x86/segments.h"
#include "tests/x86_system/system_test.h"

namespace mynah::test {

enum class Format : uint8_t { k32, kPae, k4, k5 };
// Bits of entries.
constexpr uint64_t kP = 1, kW = 2, kU = 4, kA = 0x20, kD = 0x40, kPs = 0x80, kG = 0x100,
                   kNx = uint64_t{1} << 63;
constexpr uint64_t kTest = 0x80000;  // linear and physical

enum class Kind : uint8_t { kRead, kWrite, kExecute };
// Of an access: nothing (it was made), or the error code of #PF.
using Outcome = std::optional<uint32_t>;

class PagedMachine {
 public:
  PagedMachine(const BareOptions& options, Format format) : m(with_start(options, format)), format_(format) {
    const unsigned levels = this->levels();
    for (unsigned level = levels; level > 1; --level) {
      const uint64_t first = table(level), next = table(level - 1);
      m.load(first, std::vector<uint8_t>(4096));
      // In one table of the last level there is room for all of the memory, or for half of it.
      set(first, 0, next | (format == Format::kPae && level == 3 ? kP : kP | kW | kU));
      if (level == 2 && word() == 8) set(first, 1, (next + 4096) | kP | kW | kU);
    }
    for (uint64_t page = 0; page < kRamSize / 4096; ++page) {
      const uint64_t pa = page * 4096;
      const bool user = pa == kUserCode || pa == kStack3 - 4096 || pa == kTest;
      set(table(1), page, pa | kP | kW | (user ? kU : 0));
    }
    X86State& s = m.s();
    s.cr3 = table(levels);
    s.cr0 |= cr0::kPg;
    if (format == Format::kPae) {
      s.cr4 |= cr4::kPae;
      for (unsigned n = 0; n < 4; ++n) s.pdpte[n] = m.get<uint64_t>(s.cr3 + 8 * n);
    }
    if (format == Format::k5) s.cr4 |= cr4::kLa57;
    if (!is_long()) set_segment(s, kDs, kDataUser, flat_data(3));  // IRET leaves it
    m.put<uint8_t>(kTest, 0xc3);
    m.cpu->changed();
    start_ = s;
  }

  unsigned levels() const {
    return format_ == Format::k32 ? 2 : format_ == Format::kPae ? 3 : format_ == Format::k4 ? 4 : 5;
  }
  bool is_long() const { return format_ >= Format::k4; }
  unsigned word() const { return format_ == Format::k32 ? 4 : 8; }
  // The physical address of the first table of a level; 1 is the last.
  uint64_t table(unsigned level) const { return kTables + (levels() - level) * 4096; }
  uint64_t entry_at(unsigned level, uint64_t va) const {
    const unsigned bits = word() == 4 ? 10 : 9;
    const uint64_t index = va >> (12 + (level - 1) * bits);
    if (level == 1) return table(1) + (index & (kRamSize / 4096 - 1)) * word();
    return table(level) + (index & ((1u << bits) - 1)) * word();
  }
  uint64_t entry(unsigned level, uint64_t va = kTest) {
    return word() == 4 ? m.get<uint32_t>(entry_at(level, va)) : m.get<uint64_t>(entry_at(level, va));
  }
  void set_entry(unsigned level, uint64_t value, uint64_t va = kTest) {
    if (word() == 4)
      m.put(entry_at(level, va), static_cast<uint32_t>(value));
    else
      m.put(entry_at(level, va), value);
  }

  // Makes an access to `va` by a program that loads CR3 first, with the registers of the start but for what
  // `change` does to them.
  template <typename Change>
  Outcome access(Kind kind, bool user, Change change, uint64_t va = kTest) {
    X86State& s = m.s();
    const X86State before = s;
    s = start_;
    s.cr0 = before.cr0;
    s.cr4 = before.cr4;
    s.efer = before.efer;
    s.pkru = before.pkru;
    change(s);
    m.cpu->changed();
    std::vector<uint8_t> code = {0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8};  // mov eax, cr3; mov cr3, eax
    if (user) {
      if (is_long()) code.push_back(0x48);
      code.push_back(0xcf);  // iret
      push_frame(s);
    }
    m.load(kCode, code);
    const uint64_t at = user ? kUserCode : kCode + code.size();
    s.r(kRbx) = va;
    std::vector<uint8_t> body = kind == Kind::kRead    ? std::vector<uint8_t>{0x8a, 0x03}  // mov al, [ebx]
                                : kind == Kind::kWrite ? std::vector<uint8_t>{0xc6, 0x03, 0xc3}
                                                       // mov byte [ebx], 0xc3
                                                       : std::vector<uint8_t>{0xff, 0xd3};  // call ebx
    body.insert(body.end(), {0x0f, 0x0b});
    m.load(at, body);
    m.run_at(kCode);
    const auto vector = m.vector();
    if (vector == 6u) return std::nullopt;
    EXPECT_EQ(vector, 14u);
    EXPECT_EQ(s.cr2, va);
    return static_cast<uint32_t>(m.frame(0));
  }
  Outcome access(Kind kind, bool user, uint64_t va = kTest) {
    return access(
        kind, user, [](X86State&) {}, va);
  }

  // The processor at the start of a program.
  const X86State& start() const { return start_; }

  BareMachine m;

 private:
  static BareOptions with_start(BareOptions o, Format format) {
    o.start = format >= Format::k4 ? Start::kLong64 : Start::kProtected32;
    return o;
  }
  void set(uint64_t table, uint64_t index, uint64_t value) {
    if (word() == 4)
      m.put(table + index * 4, static_cast<uint32_t>(value));
    else
      m.put(table + index * 8, value);
  }
  void push_frame(X86State& s) {
    const unsigned bytes = is_long() ? 8 : 4;
    const uint64_t frame[] = {kUserCode, is_long() ? kCode64User : kCode32User, rflags(s), kStack3,
                              kDataUser};
    s.r(kRsp) -= 5 * bytes;
    for (unsigned n = 0; n < 5; ++n) {
      const uint64_t pa = s.r(kRsp) + n * bytes;
      if (bytes == 8)
        m.put(pa, frame[n]);
      else
        m.put(pa, static_cast<uint32_t>(frame[n]));
    }
  }

  const Format format_;
  X86State start_;
};

}  // namespace mynah::test
