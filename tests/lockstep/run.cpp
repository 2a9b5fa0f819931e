// SPDX-License-Identifier: Apache-2.0
//
// What the guest can see of a run, put into words and hashes at exceptions and checkpoints.
#include "tests/lockstep/run.h"

#include <cstdio>
#include <cstring>
#include <map>

#include "frontend/arm/pstate.h"
#include "machines/virt.h"
#include "tests/app/guests.h"

namespace mynah::lockstep {

namespace {

constexpr dev::TimeNs kCheckpoint = 2 * 1501;  // an instruction takes 2 ns
constexpr size_t kMostEntries = 4000;
constexpr unsigned kStuck = 40;  // exceptions in a row that lead nowhere

template <typename F>
void each_word(VirtMachine& m, F&& f) {
  arm::ArmState& s = m.cpu().arm();
  const auto numbered = [&](const char* name, unsigned n, uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "%s%u", name, n);
    f(text, value);
  };
  for (unsigned i = 0; i < 31; ++i) numbered("x", i, s.x(i));
  f("sp", s.sp());
  f("other_sp", s.sp_bank[s.el && s.spsel ? 0 : 1]);
  f("nzcv", arm::get_nzcv(s));
  f("el", s.el);
  f("spsel", s.spsel);
  f("pan", s.pan);
  f("uao", s.uao);
  f("dit", s.dit);
  f("ssbs", s.ssbs);
  f("il", s.il);
  f("ss", s.ss);
  f("daif", s.daif);
  f("irq", s.irq_pending);
  f("fiq", s.fiq_pending);
  f("event", s.event_register);
  f("sleep", static_cast<uint64_t>(s.sleep));
  f("fpcr", s.fpcr);
  f("fpsr", m.cpu().fpsr());
  for (unsigned i = 0; i < 32; ++i) {
    numbered("v.lo", i, s.v[i].lo);
    numbered("v.hi", i, s.v[i].hi);
  }
  f("exclusive", s.exclusive_address);
#define WORD(name) f(#name, s.name)
  WORD(sctlr), WORD(actlr), WORD(cpacr), WORD(ttbr0), WORD(ttbr1), WORD(tcr), WORD(mair), WORD(amair);
  WORD(vbar), WORD(contextidr), WORD(par), WORD(esr), WORD(far), WORD(elr), WORD(spsr), WORD(afsr0);
  WORD(afsr1), WORD(tpidr_el0), WORD(tpidrro_el0), WORD(tpidr_el1), WORD(scxtnum_el0), WORD(scxtnum_el1);
  WORD(cntkctl), WORD(csselr), WORD(mdscr), WORD(oslsr), WORD(osdlr), WORD(mdccint), WORD(osdtrrx);
  WORD(osdtrtx), WORD(oseccr), WORD(dbgclaim), WORD(disr);
  WORD(pmcr), WORD(pmcnten), WORD(pmovs), WORD(pmselr), WORD(pminten), WORD(pmuseren), WORD(pmccfiltr);
#undef WORD
  for (unsigned i = 0; i < 16; ++i) {
    numbered("dbgbvr", i, s.dbgbvr[i]);
    numbered("dbgbcr", i, s.dbgbcr[i]);
    numbered("dbgwvr", i, s.dbgwvr[i]);
    numbered("dbgwcr", i, s.dbgwcr[i]);
  }
  unsigned k = 0;
  for (const arm::PauthKey& key : {s.apia, s.apib, s.apda, s.apdb, s.apga}) {
    numbered("key.lo", k, key.lo);
    numbered("key.hi", k++, key.hi);
  }
}

struct Hash {
  uint64_t value = 0;
  void add(uint64_t word) {
    value = (value ^ word) * 0x9e3779b97f4a7c15;
    value ^= value >> 32;
  }
};

class Board {
 public:
  Board(const Program& program, const Mode& mode) : program_(program) {
    VirtConfig config;
    config.verify = true;
    config.gic_version = program.gic;
    config.ram_bytes = 16 << 20;
    config.cpu = *arm::make_cpu_model(program.cpu).model;
    config.kernel = app::test::make_image({0x14000000});
    config.clock = GuestClock::Kind::kDeterministic;
    config.clock_shift = 1;
    config.rtc_base_seconds = 1'700'000'000;
    config.accelerator = mode.accelerator;
    config.techniques = mode.techniques;
    config.code_bytes = 4 << 20;
    machine_ = std::make_unique<VirtMachine>(std::move(config), log_);
    if (const auto ready = machine_->init(); !ready) {
      std::fprintf(stderr, "%s\n", ready.message().c_str());
      std::abort();
    }
    const auto load = [&](uint64_t pa, const auto& words) {
      if (!m().memory().write(pa, words.data(), words.size() * sizeof words[0])) std::abort();
    };
    load(kVectors, program.handlers);
    load(kCode, program.code);
    load(kTables, program.tables);
    Random random{program.seed ^ 0x5555};
    std::vector<uint64_t> data(kDataFrames * kPage / 8);
    for (uint64_t& word : data) word = random.next();
    load(kData, data);
    arm::ArmState& s = m().cpu().arm();
    for (unsigned i = 0; i < 31; ++i) s.x(i) = random.next() >> random.below(64);
    for (arm::Vec& v : s.v) v = {random.next(), random.next()};
    s.sp() = kDataPagesTop;
    s.sp_bank[0] = kDataPagesTop - 256;
    s.vbar = kVectors;
    s.cpacr = 3 << 20;
    s.ttbr0 = s.ttbr1 = kTables;
    // 39 bits of address in both halves, 4 KiB granules, 48 bits of output.
    s.tcr = 25 | uint64_t{25} << 16 | uint64_t{2} << 30 | uint64_t{5} << 32;
    s.mair = 0x04ff;
    s.sctlr |= 1 | 1 << 2 | 1 << 12;
    m().cpu().set_pc(program.entry);
    m().vcpu().translation_changed();
    m().cpu().on_exception = [this](const arm::Exception& e, uint64_t return_address) {
      note(return_address, e.kind == arm::ExceptionKind::kSynchronous ? e.esr : 0, false);
    };
    checkpoint_ = m().events().register_event("checkpoint", [this](uint64_t, dev::TimeNs late) {
      m().events().schedule(checkpoint_, m().clock().now() - late + kCheckpoint);
      due_ = true;
    });
    m().events().schedule(checkpoint_, kCheckpoint);
  }

  Record run(uint64_t instructions, std::optional<size_t> stop_at) {
    stop_at_ = stop_at;
    unsigned asleep = 0;
    while (!done_ && m().vcpu().instructions() < instructions) {
      const AfterExit after = m().run_slice();
      if (done_) break;
      m().events().run_due();
      if (due_) {
        due_ = false;
        note(m().cpu().pc(), 0, true);
        if (asleep > 3) break;
      }
      if (after == AfterExit::kHalt) {
        ++asleep;
        m().skip_idle_time();
      } else if (after != AfterExit::kContinue) {
        break;
      } else {
        asleep = 0;
      }
    }
    if (!done_) note(m().cpu().pc(), 0, true);
    return std::move(record_);
  }

 private:
  static constexpr uint64_t kDataPagesTop = kDataPages + 0x800;
  VirtMachine& m() { return *machine_; }

  std::vector<uint64_t> memory() {
    std::vector<uint64_t> words((kDataFrames * kPage + kCodeBytes) / 8);
    m().memory().read(kData, words.data(), kDataFrames * kPage);
    m().memory().read(kCode, &words[kDataFrames * kPage / 8], kCodeBytes);
    return words;
  }

  void note(uint64_t pc, uint64_t esr, bool checkpoint) {
    if (done_) return;
    Hash hash;
    each_word(m(), [&](const char*, uint64_t value) { hash.add(value); });
    const size_t n = record_.entries.size();
    if (checkpoint || n % 64 == 63 || stop_at_ == n)
      for (const uint64_t word : memory()) hash.add(word);
    record_.entries.push_back({hash.value, m().vcpu().instructions(), pc, esr, checkpoint});
    if (checkpoint) {
      repeated_ = 0;
    } else {
      repeated_ = pc == last_pc_ ? repeated_ + 1 : 0;
      last_pc_ = pc;
    }
    if (stop_at_ == n) {
      each_word(m(), [&](const char* name, uint64_t value) { record_.state.emplace_back(name, value); });
      record_.memory = memory();
    }
    if (stop_at_ && n + 2 >= *stop_at_ && n <= *stop_at_) describe(pc, esr);
    if (stop_at_ == n || n + 1 == kMostEntries || repeated_ == kStuck) {
      done_ = true;
      m().vcpu().request_stop();
    }
  }

  void describe(uint64_t pc, uint64_t esr) {
    char line[160];
    std::snprintf(line, sizeof line, "  %zu: after %llu instructions, pc %llx, esr %llx\n",
                  record_.entries.size() - 1, static_cast<unsigned long long>(m().vcpu().instructions()),
                  static_cast<unsigned long long>(pc), static_cast<unsigned long long>(esr));
    record_.disassembly += line;
    const uint64_t offset = pc & 0xffff;
    if ((pc & ~uint64_t{0x3ffff}) != kCodeViews || offset >= kCodeBytes) return;
    const uint64_t first = offset < 48 ? 0 : (offset & ~uint64_t{3}) - 48;
    std::vector<uint8_t> bytes(std::min<uint64_t>(56, kCodeBytes - first));
    m().memory().read(kCode + first, bytes.data(), bytes.size());
    record_.disassembly += m().cpu().frontend().disassemble(bytes, (pc & ~uint64_t{0xffff}) + first);
  }

  const Program& program_;
  dev::NullLog log_;
  std::unique_ptr<VirtMachine> machine_;
  dev::EventId checkpoint_ = 0;
  bool due_ = false, done_ = false;
  std::optional<size_t> stop_at_;
  Record record_;
  uint64_t last_pc_ = 0;
  unsigned repeated_ = 0;
};

}  // namespace

Record run(const Program& program, const Mode& mode, uint64_t instructions, std::optional<size_t> stop_at) {
  return Board(program, mode).run(instructions, stop_at);
}

}  // namespace mynah::lockstep
