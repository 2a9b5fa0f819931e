// SPDX-License-Identifier: Apache-2.0
//
// Every word of the state is compared, by name, at every exception and at the end; there the memory, too. The
// pages of the tables are not mapped, so that no program changes them behind a TLB; one that loads CR3 or
// turns paging on ends its episode.
#include "tests/lockstep/x86_episodes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "frontend/x86/segments.h"
#include "tests/lockstep/x86_words.h"

namespace mynah::lockstep {

using namespace x86;
using test::BareMachine;
using test::Start;

namespace {

constexpr uint64_t kCodeBytes = 1024;

Start start_of(X86Mode mode) {
  switch (mode) {
    case X86Mode::kReal:
      return Start::kReal;
    case X86Mode::kProtected16:
      return Start::kProtected16;
    case X86Mode::kProtected32:
    case X86Mode::kVm86:
      return Start::kProtected32;
    default:
      return Start::kLong64;
  }
}

}  // namespace

std::string_view name_of(X86Mode mode) {
  constexpr std::string_view kNames[] = {"real", "protected16",   "protected32",
                                         "vm86", "compatibility", "long64"};
  return kNames[static_cast<size_t>(mode)];
}

// One of the two machines.
class X86Episodes::Side final : public BareMachine {
 public:
  Side(X86Mode mode, Accelerator accelerator)
      : BareMachine({.start = start_of(mode), .accelerator = accelerator, .cpu = "max", .on_host = false}),
        mode_(mode) {
    cpu->on_exception = [this](const Exception& e) {
      noted.push_back(words_of(*cpu));
      noted.back().emplace_back("vector", e.vector);
      noted.back().emplace_back("error", e.error.value_or(~0u));
      noted.back().emplace_back("executed", vcpu->instructions() - begun_);
    };
    if (start_of(mode) == Start::kLong64) {
      constexpr uint64_t kPt = test::kTables + 3 * 4096;
      for (uint64_t page = test::kTables >> 12; page < (test::kTables >> 12) + 8; ++page)
        put<uint64_t>(kPt + page * 8, 0);
    }
    initial_ = s();
    memory_.resize(test::kRamSize);
    for (uint64_t at = 0; at < test::kRamSize; at += 8) {
      const auto word = get<uint64_t>(at);
      std::memcpy(&memory_[at], &word, 8);
    }
  }

  void run(const std::vector<uint8_t>& code, uint64_t seed, uint64_t n) {
    prepare(code, seed);
    begun_ = vcpu->instructions();
    stop_ = false;
    noted.clear();
    ports.clear();
    const uint64_t end = begun_ + n;
    AfterExit after = AfterExit::kContinue;
    while ((after == AfterExit::kContinue || after == AfterExit::kYield) && vcpu->instructions() < end &&
           !shut && !stop_)
      after = vcpu->run(end - vcpu->instructions());
    noted.push_back(words_of(*cpu));
    noted.back().emplace_back("executed", vcpu->instructions() - begun_);
    noted.back().emplace_back("ports", ports.size());
  }

  // A load of other tables than those of the start.
  void translation_changed() override {
    if ((s().cr0 & cr0::kPg) && s().cr3 != initial_.cr3) stop_ = true;
    if (stop_ && vcpu) vcpu->request_stop();
    BareMachine::translation_changed();
  }

  std::vector<Words> noted;
  std::vector<uint8_t> after() {
    std::vector<uint8_t> bytes(test::kRamSize);
    for (uint64_t at = 0; at < test::kRamSize; at += 4096) {
      const auto page = get<std::array<uint8_t, 4096>>(at);
      std::memcpy(&bytes[at], page.data(), page.size());
    }
    return bytes;
  }
  uint64_t executed() { return vcpu->instructions() - begun_; }

 private:
  // Memory and registers as at the beginning, but for the code, some data and what the seed says.
  void prepare(const std::vector<uint8_t>& code, uint64_t seed) {
    for (uint64_t at = 0; at < test::kRamSize; at += 4096) {
      std::array<uint8_t, 4096> page;
      std::memcpy(page.data(), &memory_[at], page.size());
      if (get<std::array<uint8_t, 4096>>(at) != page) put(at, page);
    }
    Random random{seed};
    interrupt = -1;
    shut = false;
    X86State& x = s();
    x = initial_;
    tlb_flush_all();  // or what is kept would decide who marks the tables that were just written
    cpu->set_mxcsr(0x1f80);
    x.fcw = 0x37f;
    x.fsw = x.fpu_stack_fault = 0;
    x.fpu_top = 16 * random.below(8);
    x.ftw = random.below(256);
    for (F80& r : x.fpr)
      r = {random.next() | uint64_t{random.chance(80)} << 63,
           static_cast<uint16_t>(0x3fe0 + random.below(64))};
    for (unsigned n = 0; n < 16; ++n) {
      x.xmm[n] = {random.next(), random.next()};
      x.ymm_high[n] = {random.next(), random.next()};
    }
    x.cr4 |=
        cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave | cr4::kFsgsbase | (random.chance(50) ? cr4::kDe : 0);
    x.xcr0 = 7;
    const bool is_long = start_of(mode_) == Start::kLong64;
    if (mode_ == X86Mode::kVm86) {
      if (random.chance(50)) x.eflags |= eflags::kIopl;
      if (random.chance(50)) x.cr4 |= cr4::kVme;
      enter_vm86();
    } else if (mode_ == X86Mode::kCompatibility || random.chance(mode_ == X86Mode::kReal ? 0 : 30)) {
      if (mode_ != X86Mode::kProtected16) enter_user(is_long && mode_ == X86Mode::kLong64);
    }
    set_rflags(x, (x.eflags & ~eflags::kStatus) |
                      (random.below(0x1000) & (eflags::kStatus | (random.chance(20) ? eflags::kDf : 0))) |
                      eflags::kFixed | (random.chance(10) ? eflags::kTf : 0) |
                      (random.chance(10) ? eflags::kAc : 0));
    const bool narrow = !x.in_64bit_code();
    for (unsigned n = 0; n < 16; ++n) {
      if (n == kRsp) continue;
      uint64_t value = random.chance(70)   ? test::kData + random.below(0x3000)
                       : random.chance(50) ? random.below(300)
                                           : random.next() >> random.below(64);
      if (mode_ == X86Mode::kReal || mode_ == X86Mode::kVm86 || mode_ == X86Mode::kProtected16)
        value = random.chance(60) ? value & 0x3fff : value;
      x.r(n) = narrow ? value & 0xffffffff : value;
    }
    for (uint64_t at = test::kData; at < test::kData + 0x4000; at += 8)
      put(at, random.next() >> random.below(64));
    if (random.chance(10)) {
      x.dr[7] |= random.next() & 0xffff0055;
      for (unsigned n = 0; n < 4; ++n)
        x.dr[n] = random.chance(50) ? test::kData + random.below(0x100) : x.pc() + random.below(64);
    }
    load(x.pc(), code);
    put<uint16_t>(x.pc() + code.size(), 0x0b0f);
    cpu->interrupt_changed();
    cpu->changed();
  }

  const X86Mode mode_;
  X86State initial_{};
  std::vector<uint8_t> memory_;
  uint64_t begun_ = 0;
  bool stop_ = false;
};

X86Episodes::X86Episodes(X86Mode mode)
    : mode_(mode),
      evaluated_(std::make_unique<Side>(mode, Accelerator::kInterp)),
      translated_(std::make_unique<Side>(mode, Accelerator::kJit)) {}

X86Episodes::~X86Episodes() = default;

std::string X86Episodes::run(const std::vector<uint8_t>& code, uint64_t seed, uint64_t n) {
  for (Side* side : {evaluated_.get(), translated_.get()}) side->run(code, seed, n);
  instructions += evaluated_->executed();
  exceptions += evaluated_->noted.size() - 1;
  std::string text;
  const auto& e = evaluated_->noted;
  const auto& t = translated_->noted;
  for (size_t i = 0; i < std::min(e.size(), t.size()) && text.empty(); ++i) {
    if (e[i] == t[i]) continue;
    text = fmt::format("note {} of {} and {}:\n", i, e.size(), t.size()) + difference(e[i], t[i]);
  }
  if (text.empty() && e.size() != t.size()) text = fmt::format("{} and {} notes\n", e.size(), t.size());
  if (text.empty()) {
    const auto a = evaluated_->after(), b = translated_->after();
    const auto at = std::ranges::mismatch(a, b).in1 - a.begin();
    if (at != static_cast<ptrdiff_t>(a.size()))
      text = fmt::format("memory at {:x}: evaluated {:02x}, translated {:02x}\n", at, a[at], b[at]);
  }
  if (text.empty()) return text;
  std::string bytes;
  for (const uint8_t byte : code) bytes += fmt::format("{:02x} ", byte);
  const uint64_t pc = code.empty() ? 0 : (e.size() > 1 ? e[e.size() - 2] : e[0])[16].second;
  return fmt::format("{}, seed {}, {} exceptions, last near {:x}\n{}\n{}", name_of(mode_), seed, e.size() - 1,
                     pc, bytes, text);
}

std::vector<uint8_t> random_code(Random& random, size_t bytes, bool code64) {
  std::vector<uint8_t> code;
  const auto byte = [&] { code.push_back(static_cast<uint8_t>(random.next())); };
  while (code.size() < bytes) {
    if (random.chance(4)) {
      byte();
      continue;
    }
    constexpr uint8_t kPrefixes[] = {0x66, 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65};
    while (random.chance(15)) code.push_back(kPrefixes[random.below(std::size(kPrefixes))]);
    if (code64 && random.chance(40)) code.push_back(static_cast<uint8_t>(0x40 | random.below(16)));
    const uint32_t map = random.below(100);
    if (map < 55) {
      byte();
    } else if (map < 80) {
      code.push_back(0x0f);
      byte();
    } else if (map < 88) {
      code.insert(code.end(), {0x0f, static_cast<uint8_t>(random.chance(70) ? 0x38 : 0x3a)});
      byte();
    } else if (map < 96) {
      code.push_back(0xc4);
      code.push_back(static_cast<uint8_t>((random.next() & 0xe0) | (1 + random.below(3))));
      byte();
      byte();
    } else {
      code.push_back(static_cast<uint8_t>(0xd8 + random.below(8)));
    }
    // ModRM: registers, [register], [register + disp8]
    const uint32_t mod = random.below(100);
    code.push_back(static_cast<uint8_t>((mod < 50 ? 0xc0 : mod < 75 ? 0x00 : 0x40) | random.below(64)));
    if (random.chance(40)) byte();
    if (random.chance(10)) code.insert(code.end(), {static_cast<uint8_t>(random.below(8)), 0});
  }
  code.resize(bytes);
  return code;
}

}  // namespace mynah::lockstep
