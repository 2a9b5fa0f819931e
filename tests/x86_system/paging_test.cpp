// SPDX-License-Identifier: Apache-2.0
//
// Paging (SDM vol. 3, chapter 4): who may do what to a page and what error code says that he may not, in
// every format; accessed and dirty bits; reserved bits; large pages; translations that are to be forgotten.
#include "tests/x86_system/paged_machine.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Paging);

namespace {

constexpr Format kFormats[] = {Format::k32, Format::kPae, Format::k4, Format::k5};
constexpr Kind kKinds[] = {Kind::kRead, Kind::kWrite, Kind::kExecute};
bool host_lacks(Format f) { return f == Format::k5; }

// 4.6 and 4.7, for pages whose entries are present and without reserved bits.
struct Question {
  Kind kind;
  bool user;  // who accesses
  bool user_page, writable, no_execute;
  bool wp, smep, smap, ac, nxe;
  bool keyed = false;     // CR4.PKE in long mode
  unsigned key_bits = 0;  // of PKRU: 1 access, 2 writes denied
};
Outcome expected(const Question& q) {
  const bool data = q.kind != Kind::kExecute, write = q.kind == Kind::kWrite;
  bool ok = true, key_denies = false;
  if (q.keyed && data && q.user_page)
    key_denies = (q.key_bits & 1) || ((q.key_bits & 2) && write && (q.wp || q.user));
  if (q.user) {
    ok = q.user_page && (!write || q.writable);
  } else {
    ok = !write || q.writable || !q.wp;
    if (data && q.user_page && q.smap && !q.ac) ok = false;
    if (!data && q.user_page && q.smep) ok = false;
  }
  if (!data && q.nxe && q.no_execute) ok = false;
  if (ok && !key_denies) return std::nullopt;
  const bool fetch = !data && (q.smep || q.nxe);
  return 1u | (write ? 2u : 0u) | (q.user ? 4u : 0u) | (fetch ? 0x10u : 0u) | (key_denies ? 0x20u : 0u);
}

}  // namespace

TEST_P(Paging, Rights) {
  for (const Format format : kFormats) {
    if (on_host() && host_lacks(format)) continue;
    PagedMachine p(options(Start::kLong64), format);
    const bool wide = format != Format::k32;
    for (unsigned bits = 0; bits < 256; ++bits) {
      Question q{};
      q.user_page = bits & 1;
      q.writable = bits & 2;
      q.no_execute = bits & 4;
      q.wp = bits & 8;
      q.smep = bits & 16;
      q.smap = bits & 32;
      q.ac = bits & 64;
      q.nxe = bits & 128;
      if (q.no_execute && !q.nxe) continue;
      if (!wide && (q.no_execute || q.nxe)) continue;
      p.set_entry(1, kTest | kP | (q.user_page ? kU : 0) | (q.writable ? kW : 0) | (q.no_execute ? kNx : 0));
      X86State& s = p.m.s();
      s.cr0 = q.wp ? s.cr0 | cr0::kWp : s.cr0 & ~cr0::kWp;
      s.cr4 = (s.cr4 & ~(cr4::kSmep | cr4::kSmap)) | (q.smep ? cr4::kSmep : 0) | (q.smap ? cr4::kSmap : 0);
      s.efer = q.nxe ? s.efer | efer::kNxe : s.efer & ~efer::kNxe;
      for (const Kind kind : kKinds) {
        for (const bool user : {false, true}) {
          q.kind = kind;
          q.user = user;
          const Outcome got = p.access(kind, user, [&](X86State& x) {
            x.eflags = q.ac ? x.eflags | eflags::kAc : x.eflags & ~eflags::kAc;
          });
          ASSERT_EQ(got, expected(q))
              << "format " << int(format) << " bits " << bits << " kind " << int(kind) << " user " << user;
        }
      }
    }
  }
}

// All levels have to agree: each in turn forbids.
TEST_P(Paging, EveryLevelCounts) {
  for (const Format format : kFormats) {
    if (on_host() && host_lacks(format)) continue;
    PagedMachine p(options(Start::kLong64), format);
    // The page by another way: a linear address of its own down from the first level.
    const unsigned top = p.levels();
    const unsigned bit = format == Format::k5 ? 50 : format == Format::k4 ? 46 : 30;
    const uint64_t va = (uint64_t{1} << bit) + kTest;
    constexpr uint64_t kOther = kTables + 0x10000;
    const auto other = [&](unsigned level) { return kOther + (top - level) * 4096; };
    const auto at = [&](unsigned level) {
      const unsigned bits = p.word() == 4 ? 10 : 9;
      const uint64_t table = level == top ? p.table(top) : other(level);
      const uint64_t mask = format == Format::kPae && level == 3 ? 3 : (1u << bits) - 1;
      return table + (va >> (12 + (level - 1) * bits) & mask) * p.word();
    };
    const auto put = [&](unsigned level, uint64_t value) {
      if (p.word() == 4)
        p.m.put(at(level), static_cast<uint32_t>(value));
      else
        p.m.put(at(level), value);
    };
    const auto get = [&](unsigned level) {
      return p.word() == 4 ? uint64_t{p.m.get<uint32_t>(at(level))} : p.m.get<uint64_t>(at(level));
    };
    const auto map = [&] {
      for (unsigned level = top; level > 1; --level)
        put(level, other(level - 1) | (format == Format::kPae && level == 3 ? kP : kP | kW | kU));
      put(1, kTest | kP | kW | kU);
    };
    p.m.s().cr0 |= cr0::kWp;
    for (unsigned level = 1; level <= top; ++level) {
      const bool pdpte = format == Format::kPae && level == 3;
      for (const uint64_t flag : {kP, kW, kU}) {
        if (pdpte && flag != kP) continue;
        map();
        put(level, get(level) & ~flag);
        const Outcome read = p.access(Kind::kRead, true, va), write = p.access(Kind::kWrite, true, va);
        const uint32_t present = flag == kP ? 0 : 1;
        if (flag == kW)
          EXPECT_EQ(read, std::nullopt);
        else
          EXPECT_EQ(read, Outcome(4 | present)) << int(format) << " " << level;
        EXPECT_EQ(write, Outcome(6 | present)) << int(format) << " " << level;
      }
      // Accessed at every level, dirty at the last.
      map();
      EXPECT_EQ(p.access(Kind::kRead, true, va), std::nullopt);
      EXPECT_EQ((get(level) & kA) != 0, !pdpte) << int(format) << " " << level;
      EXPECT_EQ(get(level) & kD, 0u);
      EXPECT_EQ(p.access(Kind::kWrite, true, va), std::nullopt);
      EXPECT_EQ(get(level) & kD, level == 1 ? kD : 0);
    }
  }
}

TEST_P(Paging, FaultsLeaveNoMarks) {
  MYNAH_NOT_ON_HOST("processors may mark what they have used");
  for (const Format format : kFormats) {
    PagedMachine p(options(Start::kLong64), format);
    p.m.s().cr0 |= cr0::kWp;
    p.set_entry(1, kTest | kP | kU);
    EXPECT_EQ(p.access(Kind::kWrite, true), Outcome(7));
    EXPECT_EQ(p.entry(1) & (kA | kD), 0u);
    EXPECT_EQ(p.access(Kind::kRead, true), std::nullopt);
    EXPECT_EQ(p.entry(1) & (kA | kD), kA);
  }
}

// Reserved bits are looked at before rights (4.7), and a page that is not present has none.
TEST_P(Paging, ReservedBits) {
  for (const Format format : {Format::kPae, Format::k4, Format::k5}) {
    if (on_host() && host_lacks(format)) continue;
    PagedMachine p(options(Start::kLong64), format);
    for (const unsigned bit : {51u, 62u, 63u}) {
      const uint64_t r = uint64_t{1} << bit;
      // Bits 62:52 are the system's in long mode.
      const bool reserved = bit != 62 || format == Format::kPae;
      p.set_entry(1, kTest | kP | kW | kU | r);
      for (const bool user : {false, true}) {
        EXPECT_EQ(p.access(Kind::kRead, user), reserved ? Outcome(9u | (user ? 4u : 0u)) : std::nullopt)
            << bit;
        EXPECT_EQ(p.access(Kind::kWrite, user), reserved ? Outcome(11u | (user ? 4u : 0u)) : std::nullopt)
            << bit;
      }
      p.set_entry(1, kTest | kU | r);
      EXPECT_EQ(p.access(Kind::kRead, true), Outcome(4u));
      p.set_entry(1, kTest | kP | r);
      EXPECT_EQ(p.access(Kind::kRead, true), Outcome(reserved ? 0xdu : 5u)) << bit;
    }
  }
}

// --- large pages

TEST_P(Paging, PagesOf4MiB) {
  PagedMachine p(options(Start::kProtected32), Format::k32);
  constexpr uint64_t kVa = 0x40000000;
  const auto set = [&](uint32_t value) { p.m.put<uint32_t>(p.table(2) + (kVa >> 22) * 4, value); };
  p.m.put<uint8_t>(kTest, 0x5a);
  const auto read = [&] {
    const Outcome o = p.access(Kind::kRead, false, kVa + kTest);
    return o ? 0x1000 + *o : p.m.r(kRax) & 0xff;
  };
  set(kP | kW | kPs);  // without CR4.PSE: a table, at 0
  p.m.put<uint32_t>((kTest >> 12) * 4, 0);
  EXPECT_EQ(read(), 0x1000u);
  p.m.s().cr4 |= cr4::kPse;
  EXPECT_EQ(read(), 0x5au);
  set(kP | kW | kPs | 1u << 12);  // PAT's bit
  EXPECT_EQ(read(), 0x5au);
  set(kP | kW | kPs | 1u << 21);
  EXPECT_EQ(read(), 0x1009u);
  set(kP | kW | kPs | 1u << 13);  // at 4 GiB, where nothing is
  EXPECT_EQ(read(), 0xffu);
  EXPECT_EQ(p.access(Kind::kWrite, false, kVa + kTest), std::nullopt);
  EXPECT_EQ(p.m.get<uint32_t>(p.table(2) + (kVa >> 22) * 4) & (kA | kD), kA | kD);
}

TEST_P(Paging, PagesOf2MiBAnd1GiB) {
  for (const Format format : {Format::kPae, Format::k4}) {
    PagedMachine p(options(Start::kLong64), format);
    constexpr uint64_t kVa = 0x600000;
    const uint64_t at = p.table(2) + (kVa >> 21) * 8;
    p.m.put<uint8_t>(kTest, 0x5a);
    const auto read = [&](uint64_t va) {
      const Outcome o = p.access(Kind::kRead, false, va);
      return o ? 0x1000 + *o : p.m.r(kRax) & 0xff;
    };
    p.m.put<uint64_t>(at, kP | kW | kPs);
    EXPECT_EQ(read(kVa + kTest), 0x5au);
    p.m.put<uint64_t>(at, kP | kW | kPs | 1 << 12);
    EXPECT_EQ(read(kVa + kTest), 0x5au);
    p.m.put<uint64_t>(at, kP | kW | kPs | 1 << 13);
    EXPECT_EQ(read(kVa + kTest), 0x1009u);
    if (format != Format::k4) continue;
    const uint64_t huge = p.table(3) + 8;
    p.m.put<uint64_t>(huge, kP | kW | kPs);
    EXPECT_EQ(read(0x40000000 + kTest), 0x5au);
    p.m.put<uint64_t>(huge, kP | kW | kPs | 1 << 13);
    EXPECT_EQ(read(0x40000000 + kTest), 0x1009u);
    p.m.put<uint64_t>(p.table(4) + 8, p.table(3) | kP | kW | kPs);  // PS of a PML4E is reserved
    EXPECT_EQ(read((uint64_t{1} << 39) + kTest), 0x1009u);
  }
}

// --- PAE's registers

TEST_P(Paging, PdptesAreLoadedWithCr3) {
  PagedMachine p(options(Start::kProtected32), Format::kPae);
  BareMachine& m = p.m;
  const uint64_t cr3 = m.s().cr3;
  for (const uint64_t reserved : {uint64_t{2}, uint64_t{1} << 8, uint64_t{1} << 63}) {
    m.put<uint64_t>(cr3 + 24, kP | reserved);
    m.r(kRax) = cr3;
    m.s().set_linear_pc(kCode);
    m.s().sleep = Sleep::kNone;
    m.run({0x0f, 0x22, 0xd8, 0xf4});  // mov cr3, eax
    EXPECT_EQ(m.vector(), 13u) << reserved;
    EXPECT_EQ(m.frame(0), 0u);
  }
  m.put<uint64_t>(cr3 + 24, 0xfe0 & ~kP);  // not present: nothing is reserved
  m.s().sleep = Sleep::kNone;
  m.s().set_linear_pc(kCode);
  m.go_on();
  EXPECT_TRUE(m.halted_at(kCode + 4));
}

// --- canonical addresses

TEST_P(Paging, CanonicalAddresses) {
  for (const Format format : {Format::k4, Format::k5}) {
    if (on_host() && host_lacks(format)) continue;
    const unsigned bits = format == Format::k4 ? 47 : 56;
    for (const bool canonical : {false, true}) {
      PagedMachine p(options(Start::kLong64), format);
      p.m.r(kRbx) = uint64_t{1} << (canonical ? bits - 1 : bits);
      p.m.run({0x8a, 0x03});
      EXPECT_EQ(p.m.vector(), canonical ? 14u : 13u);
      EXPECT_EQ(p.m.frame(0), 0u);
    }
  }
}

// --- protection keys

TEST_P(Paging, ProtectionKeys) {
  MYNAH_NOT_ON_HOST("PKRU is not carried over");
  PagedMachine p(options(Start::kLong64), Format::k4);
  X86State& s = p.m.s();
  for (unsigned n = 0; n < 128; ++n) {
    Question q{};
    q.keyed = n & 1;
    q.wp = n & 2;
    q.writable = n & 4;
    q.user_page = n & 8;
    q.smap = n & 16;
    q.key_bits = n >> 5;
    s.cr0 = q.wp ? s.cr0 | cr0::kWp : s.cr0 & ~cr0::kWp;
    s.cr4 = (s.cr4 & ~(cr4::kPke | cr4::kSmap)) | (q.keyed ? cr4::kPke : 0) | (q.smap ? cr4::kSmap : 0);
    s.pkru = q.key_bits << (2 * 11);
    p.set_entry(1, kTest | kP | (q.writable ? kW : 0) | (q.user_page ? kU : 0) | uint64_t{11} << 59);
    for (const Kind kind : kKinds) {
      for (const bool user : {false, true}) {
        q.kind = kind;
        q.user = user;
        ASSERT_EQ(p.access(kind, user), expected(q)) << n << " kind " << int(kind) << " user " << user;
      }
    }
  }
}

// --- translations that have to go. `map` leads kTest elsewhere, `ends` does what is to make that seen.

namespace {
constexpr uint64_t kElsewhere = 0x81000;

struct Change {
  const char* what;
  bool global;
  std::vector<uint8_t> code;  // ends with what makes the change be seen; EAX: CR3, EBX: kTest
};

// Reads kTest, changes its entry, does what `code` does, reads it again: what was read.
std::pair<uint64_t, uint64_t> read_twice(PagedMachine& p, const Change& c) {
  BareMachine& m = p.m;
  m.put<uint8_t>(kTest, 0x11);
  m.put<uint8_t>(kElsewhere, 0x22);
  p.set_entry(1, kTest | kP | kW | (c.global ? kG : 0));
  m.s().cr4 |= cr4::kPge;
  m.cpu->changed();
  m.r(kRbx) = kTest;
  m.r(kRsi) = p.entry_at(1, kTest);
  m.r(kRdi) = kElsewhere | kP | kW | (c.global ? kG : 0);
  // mov cl, [rbx]; mov [rsi], rdi; mov rax, cr3; ...; mov dl, [rbx]; hlt
  std::vector<uint8_t> code = {0x8a, 0x0b, 0x48, 0x89, 0x3e, 0x0f, 0x20, 0xd8};
  code.insert(code.end(), c.code.begin(), c.code.end());
  code.insert(code.end(), {0x8a, 0x13, 0xf4});
  m.load(kCode, code);
  m.run_at(kCode);
  EXPECT_TRUE(m.halted_at(kCode + code.size())) << c.what;
  return {m.r(kRcx) & 0xff, m.r(kRdx) & 0xff};
}
}  // namespace

TEST_P(Paging, TranslationsEnd) {
  const Change changes[] = {
      {"INVLPG", false, {0x0f, 0x01, 0x3b}},
      {"INVLPG, global", true, {0x0f, 0x01, 0x3b}},
      {"INVLPG of another byte", true, {0x0f, 0x01, 0xbb, 0xff, 0x0f, 0, 0}},
      {"MOV CR3", false, {0x0f, 0x22, 0xd8}},
      // mov rax, cr4; xor al, 0x80; mov cr4, rax
      {"CR4.PGE", true, {0x0f, 0x20, 0xe0, 0x34, 0x80, 0x0f, 0x22, 0xe0}},
      {"CR4.PGE there and back",
       true,
       {0x0f, 0x20, 0xe0, 0x34, 0x80, 0x0f, 0x22, 0xe0, 0x34, 0x80, 0x0f, 0x22, 0xe0}},
  };
  for (const Change& c : changes) {
    PagedMachine p(options(Start::kLong64), Format::k4);
    const auto [first, second] = read_twice(p, c);
    EXPECT_EQ(first, 0x11u) << c.what;
    EXPECT_EQ(second, 0x22u) << c.what;
  }
}

TEST_P(Paging, Invpcid) {
  MYNAH_NOT_ON_HOST("not every processor has it");
  for (uint64_t type = 0; type < 4; ++type) {
    const bool global = type == 0 || type == 2;
    PagedMachine p(options(Start::kLong64), Format::k4);
    p.m.put<uint64_t>(kData, 0);
    p.m.put<uint64_t>(kData + 8, kTest + 0x123);
    p.m.r(kR8) = type;
    // invpcid r8, [kData]
    const Change c{"INVPCID", global && type != 0, {0x66, 0x44, 0x0f, 0x38, 0x82, 0x04, 0x25, 0, 0, 6, 0}};
    const auto [first, second] = read_twice(p, c);
    EXPECT_EQ(first, 0x11u) << type;
    EXPECT_EQ(second, 0x22u) << type;
  }
}

TEST_P(Paging, InvpcidFaults) {
  MYNAH_NOT_ON_HOST("not every processor has it");
  struct {
    uint64_t type, pcid, address;
    bool pcide;
  } const cases[] = {{4, 0, 0, true},      {0, 0x1000, 0, true}, {1, 0x1000, 0, true},
                     {0, 1, 0, false},     {1, 1, 0, false},     {0, 0, uint64_t{1} << 50, true},
                     {2, 0x1000, 0, false}};
  for (const auto& c : cases) {
    BareMachine m(options(Start::kLong64));
    if (c.pcide) m.s().cr4 |= cr4::kPcide;
    m.put(kData, c.pcid);
    m.put(kData + 8, c.address);
    m.r(kRax) = c.type;
    m.run({0x66, 0x0f, 0x38, 0x82, 0x04, 0x25, 0, 0, 6, 0, 0xf4});
    EXPECT_EQ(m.vector(), 13u) << c.type;
  }
  // What is not asked for is not looked at.
  BareMachine m(options(Start::kLong64));
  m.put<uint64_t>(kData, 0xfff);
  m.put<uint64_t>(kData + 8, uint64_t{1} << 50);
  m.r(kRax) = 3;
  m.run({0x66, 0x0f, 0x38, 0x82, 0x04, 0x25, 0, 0, 6, 0, 0xf4});
  EXPECT_TRUE(m.halted_at(kCode + 11));
}

TEST_P(Paging, PcidsHaveTranslationsOfTheirOwn) {
  MYNAH_NOT_ON_HOST("not every processor has it");
  // Two tables that map the page differently; MOV CR3 with bit 63 from one to the other and back.
  PagedMachine p(options(Start::kLong64), Format::k4);
  BareMachine& m = p.m;
  constexpr uint64_t kOther = kTables + 0x20000;
  std::vector<uint8_t> copy(4096);
  const unsigned levels = p.levels();
  for (unsigned level = levels; level >= 1; --level) {
    const uint64_t to = kOther + (levels - level) * 4096;
    for (unsigned n = 0; n < 512; ++n) m.put(to + n * 8, m.get<uint64_t>(p.table(level) + n * 8));
    if (level > 1) m.put<uint64_t>(to, (to + 4096) | kP | kW | kU);
  }
  m.put<uint64_t>(kOther + 3 * 4096 + (kTest >> 12) * 8, kElsewhere | kP | kW);
  m.put<uint8_t>(kTest, 0x11);
  m.put<uint8_t>(kElsewhere, 0x22);
  m.s().cr4 |= cr4::kPcide;
  m.cpu->changed();
  m.r(kRbx) = kTest;
  m.r(kRsi) = m.s().cr3 | uint64_t{1} << 63;
  m.r(kRdi) = kOther | 5 | uint64_t{1} << 63;
  // mov al, [rbx]; mov cr3, rdi; mov ah, [rbx]; mov cr3, rsi; mov cl, [rbx]; mov cr3, rdi; mov ch, [rbx]; hlt
  m.run({0x8a, 0x03, 0x0f, 0x22, 0xdf, 0x8a, 0x23, 0x0f, 0x22, 0xde, 0x8a, 0x0b, 0x0f, 0x22, 0xdf, 0x8a, 0x2b,
         0xf4});
  EXPECT_EQ(m.r(kRax) & 0xffff, 0x2211u);
  EXPECT_EQ(m.r(kRcx) & 0xffff, 0x2211u);
  EXPECT_EQ(m.s().cr3, kOther | 5);
}

// An exception between a load and a store of the same page: the store was not reached. Nor does a page behind
// it count that a store goes on in.
TEST_P(Paging, DirtyIsWhatAStoreHasReached) {
  for (const Format format : kFormats) {
    if (on_host() && host_lacks(format)) continue;
    PagedMachine p(options(Start::kLong64), format);
    constexpr uint64_t kMissing = kTest + 0x3000;
    p.set_entry(1, 0, kMissing);
    for (const bool reached : {false, true}) {
      for (const uint64_t page : {kTest, kTest + 0x1000}) p.set_entry(1, page | kP | kW, page);
      X86State& s = p.m.s();
      s = p.start();
      s.r(kRbx) = kTest + 0xffc;
      s.r(kRsi) = reached ? kTest + 0x2000 : kMissing;
      // mov eax, cr3; mov cr3, eax; mov eax, [ebx - 4]; mov edx, [esi]; mov [ebx], eax; mov [ebx + 2], eax;
      // ud2
      p.m.load(kCode, {0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0x8b, 0x43, 0xfc, 0x8b, 0x16, 0x89, 0x03, 0x89,
                       0x43, 0x02, 0x0f, 0x0b});
      p.m.run_at(kCode);
      EXPECT_EQ(p.m.vector(), reached ? 6u : 14u);
      EXPECT_EQ(p.entry(1) & kD, reached ? kD : 0u);
      EXPECT_EQ(p.entry(1, kTest + 0x1000) & kD, reached ? kD : 0u);
    }
  }
}

}  // namespace mynah::test
