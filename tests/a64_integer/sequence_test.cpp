// SPDX-License-Identifier: Apache-2.0
//
// Short sequences of A64 instructions, lifted as one block: what state in registers, folding, flag fusing and
// guard merging do between instructions, against Unicorn.
//
// X27, X28 and SP point into the window and change only by write-back; X26 is an index. So every access stays
// inside.
#include <gtest/gtest.h>
#include <unicorn/unicorn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "frontend/arm/a64/decode.h"
#include "frontend/arm/a64/fields.h"
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/rows.h"
#include "tests/a64_integer/jit_runner.h"
#include "tests/a64_oracle/general_rows.h"

namespace mynah::a64_oracle {
namespace {

namespace a64 = arm::a64;

constexpr Encoding kFlagRows[] = {Encoding::adds_immediate,
                                  Encoding::subs_immediate,
                                  Encoding::ands_immediate,
                                  Encoding::adds_shifted_register,
                                  Encoding::subs_shifted_register,
                                  Encoding::ands_shifted_register,
                                  Encoding::bics_shifted_register,
                                  Encoding::subs_extended_register,
                                  Encoding::adcs,
                                  Encoding::sbcs,
                                  Encoding::ccmn_register,
                                  Encoding::ccmp_register,
                                  Encoding::ccmn_immediate,
                                  Encoding::ccmp_immediate,
                                  Encoding::csel,
                                  Encoding::csinc,
                                  Encoding::csinv,
                                  Encoding::csneg,
                                  Encoding::rmif,
                                  Encoding::setf8,
                                  Encoding::setf16,
                                  Encoding::adc,
                                  Encoding::sbc};
constexpr Encoding kAccesses[] = {Encoding::stur,
                                  Encoding::ldur,
                                  Encoding::ldurs,
                                  Encoding::str_immediate_indexed,
                                  Encoding::ldr_immediate_indexed,
                                  Encoding::ldrs_immediate_indexed,
                                  Encoding::sttr,
                                  Encoding::ldtr,
                                  Encoding::ldtrs,
                                  Encoding::str_register,
                                  Encoding::ldr_register,
                                  Encoding::ldrs_register,
                                  Encoding::str_immediate,
                                  Encoding::ldr_immediate,
                                  Encoding::ldrs_immediate,
                                  Encoding::stp,
                                  Encoding::ldp,
                                  Encoding::ldpsw,
                                  Encoding::stnp,
                                  Encoding::ldnp};
constexpr Encoding kAtomics[] = {
    Encoding::stxr,  Encoding::stlxr, Encoding::ldxr, Encoding::ldaxr, Encoding::stxp,  Encoding::ldxp,
    Encoding::stlr,  Encoding::ldar,  Encoding::cas,  Encoding::casp,  Encoding::ldadd, Encoding::ldclr,
    Encoding::ldeor, Encoding::ldset, Encoding::swp,  Encoding::clrex, Encoding::dmb};
constexpr Encoding kBranches[] = {Encoding::b_cond, Encoding::b,   Encoding::bl,   Encoding::cbz,
                                  Encoding::cbnz,   Encoding::tbz, Encoding::tbnz, Encoding::br,
                                  Encoding::blr,    Encoding::ret};

constexpr unsigned kIndex = 26, kFirstBase = 27, kSp = 31;
constexpr unsigned kMost = 8;
// Each sequence has an address of its own: Unicorn takes long to forget code.
constexpr uint64_t kSequences = 0x10000000, kSequenceBytes = 32 << 20;

struct Sequence {
  std::vector<uint32_t> words;
  State state;
};

std::optional<uint32_t> field(const a64::Row& row, std::string_view name, uint32_t word) {
  const a64::Field* f = row.find(name);
  if (!f) return std::nullopt;
  return word >> f->lsb & ((1u << f->width) - 1);
}

class Generator {
 public:
  Generator(Random& random, uint64_t pc) : random_(random), pc_(pc) {}

  Sequence make(unsigned length) {
    Sequence s;
    // Registers from an access, which wants nothing of FP.
    s.state = random_state(random_, 0x8b000000, pc_, 0);
    for (unsigned i = 0; i < 3; ++i) bases_[i] = kMemory + 192 + 16 * random_.below(8);
    s.state.x[27] = bases_[0];
    s.state.x[28] = bases_[1];
    s.state.sp = bases_[2];
    index_ = static_cast<int64_t>(random_.below(32)) - 16;
    s.state.x[kIndex] = static_cast<uint64_t>(index_);
    // A few values of small range, so that equal operands and zero results happen.
    for (unsigned i = 0; i < 6; ++i) s.state.x[random_.below(26)] = random_.below(3) - 1;
    while (s.words.size() + 1 < length) s.words.push_back(next(s.words));
    s.words.push_back(random_.chance(50) ? word_of(kBranches, s.words) : next(s.words));
    return s;
  }

 private:
  template <size_t N>
  uint32_t word_of(const Encoding (&rows)[N], const std::vector<uint32_t>& before) {
    const uint64_t pc = pc_ + 4 * before.size();
    for (;;) {
      const auto word = random_word(random_, rows[random_.below(N)], pc);
      if (word) return *word;
    }
  }
  uint32_t next(const std::vector<uint32_t>& before) {
    const unsigned kind = random_.below(100);
    for (;;) {
      const uint32_t word = kind < 35   ? word_of(kDataProcessing, before)
                            : kind < 55 ? word_of(kFlagRows, before)
                            : kind < 90 ? access(word_of(kAccesses, before))
                                        : access(word_of(kAtomics, before));
      if (word && acceptable(word)) return word;
    }
  }
  static bool reserved(unsigned n) { return n >= kIndex && n <= 28; }

  // Writes of the registers that lead accesses, and what the harness cannot run.
  bool acceptable(uint32_t word) {
    const a64::Decoded d = a64::decode(word);
    const a64::Row& row = a64::row_of(d.encoding);
    const std::string_view id = encoding_id(d.encoding);
    if (id == "udf" || id.starts_with("pac") || id.starts_with("aut") || id.starts_with("xpac")) return false;
    if (const auto rd = field(row, "rd", word)) {
      const bool sp = *rd == 31 && (id.ends_with("immediate") || id.ends_with("extended_register"));
      const bool flags = id.starts_with("adds") || id.starts_with("subs") || id.starts_with("ands");
      return !reserved(*rd) && (!sp || flags);
    }
    return true;
  }

  // The access with its address led into the window, or 0.
  uint32_t access(uint32_t word) {
    const a64::Decoded d = a64::decode(word);
    const a64::Row& row = a64::row_of(d.encoding);
    if (!row.find("rn")) return word;  // CLREX, DMB
    const unsigned which = random_.below(3);
    word = (word & ~(31u << 5)) | (which == 2 ? kSp : kFirstBase + which) << 5;
    if (row.find("rm")) word = (word & ~(31u << 16)) | kIndex << 16;
    for (const char* name : {"rt", "rt2", "rs"}) {
      const auto n = field(row, name, word);
      if (n && (reserved(*n) || (d.encoding == Encoding::casp && reserved(*n + 1)))) return 0;
    }
    if (d.encoding == Encoding::casp && field(row, "rs", word) == 30) return 0;  // see single_test.cpp
    if (row.find("imm12")) word &= ~(0xff8u << 10);
    if (a64::decode(word).encoding != d.encoding) return 0;

    const auto imm7 = field(row, "imm7", word);
    const unsigned size = imm7 ? (word >> 30 == 2 ? 3 : 2) : word >> 30;
    unsigned bytes = 1u << size;
    if (imm7 || d.encoding == Encoding::stxp || d.encoding == Encoding::ldxp) bytes *= 2;
    if (d.encoding == Encoding::casp) bytes = word >> 30 & 1 ? 16 : 8;
    int64_t offset = 0;
    bool pre = true, write_back = false;
    if (imm7) {
      offset = a64::signed_bits(word, 15, 7) * (int64_t{1} << size);
      const auto index = field(row, "index", word).value_or(2);
      write_back = index & 1;
      pre = index != 1;
    } else if (row.find("imm12")) {
      offset = int64_t{*field(row, "imm12", word)} << size;
    } else if (row.find("imm9")) {
      offset = a64::signed_bits(word, 12, 9);
      if (const auto p = field(row, "pre", word)) {
        write_back = true;
        pre = *p;
      }
    } else if (const auto option = field(row, "option", word)) {
      const uint64_t x = static_cast<uint64_t>(index_);
      offset = *option == 2 ? static_cast<int64_t>(static_cast<uint32_t>(x)) : index_;
      if (*option == 6) offset = static_cast<int32_t>(x);
      if (a64::S(word)) offset = static_cast<int64_t>(static_cast<uint64_t>(offset) << size);
    }
    const uint64_t at = bases_[which] + static_cast<uint64_t>(pre ? offset : 0);
    if (at < kMemory || at + bytes > kMemory + kMemorySize) return 0;
    const std::string_view id = encoding_id(d.encoding);
    const bool ordered =
        std::find(std::begin(kAtomics), std::end(kAtomics), d.encoding) != std::end(kAtomics) ||
        id.starts_with("stl") || id.starts_with("lda");
    if (ordered && at % bytes) return 0;
    // A store-exclusive of another size than the load before it may do this or that.
    if (id.starts_with("ldxr") || id.starts_with("ldaxr") || id.starts_with("ldxp")) exclusive_bytes_ = bytes;
    if ((id.starts_with("stxr") || id.starts_with("stlxr") || id.starts_with("stxp")) &&
        exclusive_bytes_ != bytes) {
      if (exclusive_bytes_) return 0;
    }
    if (write_back) {
      const uint64_t moved = bases_[which] + static_cast<uint64_t>(offset);
      if (moved < kMemory + 64 || moved > kMemory + kMemorySize - 64) return 0;
      if (which == 2 && moved % 16) return 0;  // SP stays aligned
      bases_[which] = moved;
    }
    return word;
  }

  Random& random_;
  uint64_t pc_;
  uint64_t bases_[3];
  int64_t index_ = 0;
  unsigned exclusive_bytes_ = 0;  // of the last load-exclusive
};

class UnicornEngine {
 public:
  UnicornEngine() {
    check(uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &uc_));
    check(uc_ctl_set_cpu_model(uc_, UC_CPU_ARM64_MAX));
    check(uc_mem_map(uc_, kSequences, kSequenceBytes, UC_PROT_ALL));
    // What a branch may lead to must be something that can be translated.
    const std::vector<uint32_t> nops((1 << 20) / 4, 0xd503201f);
    for (uint64_t at = 0; at < kSequenceBytes; at += 1 << 20)
      check(uc_mem_write(uc_, kSequences + at, nops.data(), 1 << 20));
    check(uc_mem_map(uc_, kMemory & ~uint64_t{kPageSize - 1}, 2 * kPageSize, UC_PROT_READ | UC_PROT_WRITE));
    for (int i = 0; i < 31; ++i) {
      ids_.push_back(i < 29 ? UC_ARM64_REG_X0 + i : i == 29 ? UC_ARM64_REG_X29 : UC_ARM64_REG_X30);
      values_.push_back(&state_.x[i]);
    }
    ids_.insert(ids_.end(), {UC_ARM64_REG_SP, UC_ARM64_REG_NZCV});
    values_.insert(values_.end(), {&state_.sp, &nzcv_});
  }
  ~UnicornEngine() { uc_close(uc_); }
  UnicornEngine(const UnicornEngine&) = delete;

  // Runs the words, which end at `end`, or the one word, which may branch. False: it raised an exception.
  bool run(State& state, std::span<const uint32_t> words, uint64_t start, bool branch) {
    state_ = state;
    nzcv_ = state_.nzcv;
    check(uc_mem_write(uc_, start, words.data(), words.size_bytes()));
    if (branch) check(uc_ctl_remove_cache(uc_, start, start + 4));  // another branch may have led here
    check(uc_mem_write(uc_, kMemory, state_.memory, kMemorySize));
    check(uc_reg_write_batch(uc_, ids_.data(), values_.data(), static_cast<int>(ids_.size())));
    const uc_err error = branch ? uc_emu_start(uc_, start, ~uint64_t{3}, 0, 1)
                                : uc_emu_start(uc_, start, start + words.size_bytes(), 0, 0);
    const bool left = branch && (error == UC_ERR_FETCH_UNMAPPED || error == UC_ERR_FETCH_PROT);
    if (error != UC_ERR_OK && !left) return false;
    check(uc_reg_read_batch(uc_, ids_.data(), values_.data(), static_cast<int>(ids_.size())));
    check(uc_mem_read(uc_, kMemory, state_.memory, kMemorySize));
    check(uc_reg_read(uc_, UC_ARM64_REG_PC, &state_.pc));
    state_.nzcv = static_cast<uint32_t>(nzcv_) & 0xf0000000;
    state = state_;
    return true;
  }

 private:
  static void check(uc_err error) {
    if (error == UC_ERR_OK) return;
    std::fprintf(stderr, "unicorn: %s\n", uc_strerror(error));
    std::abort();
  }
  uc_engine* uc_ = nullptr;
  std::vector<int> ids_;
  std::vector<void*> values_;
  State state_{};
  uint64_t nzcv_ = 0;
};

// A run of one instruction forgets all code that was translated for longer ones, at length: two engines.
class UnicornSequences {
 public:
  bool run(const Sequence& s, State& after) {
    constexpr uint32_t kClrex = 0xd5033f5f;  // another sequence may have left the monitor closed
    const bool branch = (s.words.back() >> 26 & 7) == 5;
    std::vector<uint32_t> words = {kClrex};
    words.insert(words.end(), s.words.begin(), s.words.end() - branch);
    after = s.state;
    if (!straight_.run(after, words, s.state.pc - 4, false)) return false;
    return !branch || branches_.run(after, {&s.words.back(), 1}, s.state.pc + 4 * (s.words.size() - 1), true);
  }

 private:
  UnicornEngine straight_, branches_;
};

std::string list(const Sequence& s) {
  std::string text;
  char line[120];
  for (size_t i = 0; i < s.words.size(); ++i) {
    const std::string_view name = a64::encoding_name(a64::decode(s.words[i]).encoding);
    std::snprintf(line, sizeof line, "  .inst 0x%08x  // %.*s\n", s.words[i], static_cast<int>(name.size()),
                  name.data());
    text += line;
  }
  for (unsigned i = 0; i < 31; ++i) {
    std::snprintf(line, sizeof line, " x%u=%llx", i, static_cast<unsigned long long>(s.state.x[i]));
    text += line;
  }
  std::snprintf(line, sizeof line, " sp=%llx nzcv=%08x pc=%llx\n",
                static_cast<unsigned long long>(s.state.sp), s.state.nzcv,
                static_cast<unsigned long long>(s.state.pc));
  return text + line;
}

TEST(A64Sequences, Unicorn) {
  const Settings settings = Settings::from_environment();
  const unsigned count = settings.words * 600;
  const arm::CpuModel model = *arm::make_cpu_model("max").model;
  Random random(settings.seed);
  UnicornSequences oracle;
  JitRunner jit({.validate = true}), no_passes({.passes = false, .validate = false}),
      plain({.plain = true, .validate = false});
  struct Way {
    const char* name;
    RunRegion run;
    bool slow;
  };
  const Way ways[] = {{"evaluator", evaluate_region, false},
                      {"evaluator, slow flavour", evaluate_region_bounced, true},
                      {"jit", jit.function(), false},
                      {"jit without passes", no_passes.function(), false},
                      {"jit for a plain processor", plain.function(), false},
                      {"jit, slow flavour", jit.function(), true}};
  alignas(8) static uint8_t page[kPageSize];
  ir::Region region;
  uint64_t compared = 0, next = kSequences;
  unsigned failures = 0;
  for (unsigned i = 0; i < count && failures < 10; ++i) {
    const unsigned length = 2 + random.below(kMost - 1);
    // Now and then the sequence ends its page.
    next = next + 4 + 4 * length > (next | (kPageSize - 1)) + 1 ? (next | (kPageSize - 1)) + 1 : next;
    const uint64_t pc = random.chance(5) ? (next | (kPageSize - 1)) + 1 - 4 * length : next + 4;
    next = pc + 4 * length;
    ASSERT_LT(next, kSequences + kSequenceBytes - kPageSize);
    const Sequence s = Generator(random, pc).make(length);
    Case expected{};
    expected.state = s.state;
    if (!oracle.run(s, expected.state)) expected.outcome = Outcome::kException;
    const auto offset = static_cast<uint32_t>(pc % kPageSize);
    std::memcpy(page + offset, s.words.data(), s.words.size() * 4);
    for (const Way& way : ways) {
      a64::lift_block(region, page, offset, mode_of(s.state), model, {.max_insts = length, .slow = way.slow});
      Case actual{};
      actual.state = s.state;
      arm::ArmState state{};
      to_arm_state(s.state, state);
      uint32_t fpsr = 0;
      const RegionExit exit = way.run(region, state, actual.state.memory, fpsr);
      actual.outcome = exit.outcome;
      from_arm_state(state, actual.state);
      actual.state.pc = exit.pc;
      actual.state.fpsr = expected.state.fpsr;
      const std::string lines = difference(expected, actual);
      if (!lines.empty()) {
        ++failures;
        ADD_FAILURE() << way.name << ", sequence " << i << "\n" << list(s) << lines;
        break;
      }
    }
    compared += expected.outcome == Outcome::kDone;
  }
  EXPECT_GT(compared, count * 9ull / 10);
}

}  // namespace
}  // namespace mynah::a64_oracle
