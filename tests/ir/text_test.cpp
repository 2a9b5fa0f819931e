// SPDX-License-Identifier: Apache-2.0
//
// The text form: printing and parsing are inverse, and the tests that are written in it. Each file in text/
// holds
//
//   ; pass: NAME, NAME      verify, fold, merge-guards: applied in this order
//   region @... { ... }
//   ; expect:
//   the exact output: the verifier's or parser's message, or the region
//
// MYNAH_UPDATE_GOLDENS=1 in the environment rewrites what follows `; expect:`.
#include "ir/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ir/builder.h"
#include "ir/passes/passes.h"
#include "ir/verify.h"
#include "tests/ir/ir_test_support.h"
#include "tests/ir/random_region.h"

namespace mynah::ir::test {
namespace {

void expect_same(const Region& a, const Region& b) {
  ASSERT_EQ(a.insts.size(), b.insts.size());
  for (size_t i = 0; i < a.insts.size(); ++i) {
    const Inst &x = a.insts[i], &y = b.insts[i];
    EXPECT_EQ(x.op, y.op);
    EXPECT_EQ(x.type, y.type);
    EXPECT_EQ(x.aux, y.aux);
    EXPECT_EQ(x.imm, y.imm);
    for (int k = 0; k < 4; ++k) EXPECT_EQ(x.args[k], y.args[k]);
    if (x.op == Op::konst && x.type == y.type) {
      EXPECT_EQ(a.constant(x), b.constant(y));
    }
    ASSERT_EQ(x.snapshot == kNoSnapshot, y.snapshot == kNoSnapshot);
    if (x.snapshot == kNoSnapshot) continue;
    const Snapshot &s = a.snapshot(x), &t = b.snapshot(y);
    EXPECT_EQ(s.pc_offset, t.pc_offset);
    EXPECT_EQ(s.completed, t.completed);
    ASSERT_EQ(s.count, t.count);
    for (uint32_t k = 0; k < s.count; ++k) {
      EXPECT_EQ(a.entries(s)[k].slot, b.entries(t)[k].slot);
      EXPECT_EQ(a.entries(s)[k].value, b.entries(t)[k].value);
    }
  }
  EXPECT_EQ(a.jump_arguments, b.jump_arguments);
  ASSERT_EQ(a.edges.size(), b.edges.size());
  for (size_t i = 0; i < a.edges.size(); ++i) EXPECT_EQ(a.edges[i].block, b.edges[i].block);
  ASSERT_EQ(a.blocks.size(), b.blocks.size());
  for (size_t i = 0; i < a.blocks.size(); ++i) {
    EXPECT_EQ(a.blocks[i].first, b.blocks[i].first);
    EXPECT_EQ(a.blocks[i].end, b.blocks[i].end);
  }
  EXPECT_EQ(a.fp, b.fp);
  EXPECT_EQ(a.smp, b.smp);
  EXPECT_EQ(a.pc_offset, b.pc_offset);
  EXPECT_EQ(a.guest_insts, b.guest_insts);
  EXPECT_EQ(a.guest_bytes, b.guest_bytes);
}

void expect_round_trip(const Region& region) {
  const std::string text = print(region);
  Region again;
  ASSERT_EQ(parse(text, region.slots, again), "") << text;
  expect_same(region, again);
  EXPECT_EQ(print(again), text);
}

// Every op with arguments of the types that it takes, and every attribute at odd values.
TEST(Text, RoundTripsEveryOp) {
  Region r;
  r.slots = test_slots();
  r.fp = {.round = 3,
          .default_nan = true,
          .flush = true,
          .flush_half = true,
          .alternative_half = true,
          .x86_nans = true,
          .denormals_zero = true,
          .overflow_traps = true,
          .underflow_traps = true};
  r.smp = true;
  r.pc_offset = 0x120;
  r.guest_insts = 5;
  r.guest_bytes = 20;
  r.snapshots.push_back({-8, 2, 0, 2});
  r.snapshot_entries = {{0, 0}, {static_cast<Slot>(test_slots().size() - 1), 0}};
  r.insts.push_back({.op = Op::konst, .type = Type::i64, .imm = 7});
  for (unsigned op = 0; op < static_cast<unsigned>(Op::kCount); ++op) {
    for (const uint8_t aux : {0, 1, 2, 3, 16, 19, 0x55, 0xff}) {
      Inst i{.op = static_cast<Op>(op), .type = Type::none, .aux = aux};
      const OpInfo& facts = info(i.op);
      if (i.op == Op::jump || i.op == Op::branch) continue;
      if (facts.result != "-") i.type = Type::v128;
      for (size_t k = 0; k < facts.arguments.size(); ++k) i.args[k] = static_cast<Value>(k % r.insts.size());
      i.imm = 0x0000000500000003;
      if (i.op == Op::konst) {
        i.imm = r.wide_constants.size();
        r.wide_constants.push_back({aux, 0x8000000000000001});
      }
      if (i.op == Op::get || i.op == Op::set) i.imm = 3;
      if (i.op == Op::fround || i.op == Op::fto_int) i.imm = 0x82d;
      if (facts.effects & kLeave) i.snapshot = 0;
      if (facts.result == "-") {
        r.insts.push_back(i);
      } else {
        r.insts.push_back(i);
      }
      for (Value& v : i.args) v = 0;
    }
  }
  // Arguments must be values.
  for (Inst& i : r.insts) {
    if (i.op == Op::konst) continue;
    for (size_t k = 0; k < info(i.op).arguments.size(); ++k) i.args[k] = 0;
  }
  r.blocks.push_back({0, static_cast<uint32_t>(r.insts.size())});
  expect_round_trip(r);
}

TEST(Text, RoundTripsRandomRegions) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Region r;
    random_region(r, seed, true);
    expect_round_trip(r);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Text, RoundTripsBlocks) {
  const std::string text =
      "region @0x1000 {\n"
      "block0:\n"
      "  %0:i64 = get x0\n"
      "  %1:i64 = const 0\n"
      "  jump block1(%0, %1)\n"
      "block1:\n"
      "  %3:i64 = param\n"
      "  %4:i64 = param\n"
      "  %5:i1 = icmpz.eq %3\n"
      "  branch %5, block2(%4), block1(%4, %3)\n"
      "block2:\n"
      "  %7:i64 = param\n"
      "  exit @0x1004 #1 {x0=%7}\n"
      "}\n";
  Region r;
  ASSERT_EQ(parse(text, test_slots(), r), "");
  EXPECT_EQ(verify(r), "");
  EXPECT_EQ(print(r), text);
}

TEST(Text, Errors) {
  const auto error = [](const std::string& line) {
    Region r;
    return parse("region @0x1000 {\n  %0:i64 = get x0\n" + line + "\n}\n", test_slots(), r);
  };
  EXPECT_EQ(error("  %1:i64 = frob %0"), "line 3: unknown op 'frob'");
  EXPECT_EQ(error("  %1:i65 = add %0, %0"), "line 3: unknown type 'i65'");
  EXPECT_EQ(error("  %1:i64 = add %0, %2"), "line 3: %2 is not defined above");
  EXPECT_EQ(error("  %0:i64 = add %0, %0"), "line 3: %0 is defined twice");
  EXPECT_EQ(error("  %1:i64 = add %0"), "line 3: an operand is missing");
  EXPECT_EQ(error("  %1:i64 = add %0, %0, %0"), "line 3: unexpected operand");
  EXPECT_EQ(error("  %1:i64 = get y9"), "line 3: unknown slot 'y9'");
  EXPECT_EQ(error("  %1:i64 = add.eq %0, %0"), "line 3: add knows no '.eq'");
  EXPECT_EQ(error("  %1:i64 = const %0"), "line 3: expected a number at '%0'");
  EXPECT_EQ(error("  exit @0x1000 {x1=%7}"), "line 3: %7 is not defined above");
  Region r;
  EXPECT_EQ(parse("region @0x1000 {\n", test_slots(), r), "line 1: the region has no end");
  EXPECT_EQ(parse("", test_slots(), r), "line 0: the region has no end");
}

// Garbage is refused, not crashed upon.
TEST(Text, SurvivesGarbage) {
  Region r;
  random_region(r, 3, true);
  const std::string text = print(r);
  Random random(11);
  for (int i = 0; i < 3000; ++i) {
    std::string broken = text;
    for (unsigned n = 1 + random.below(4); n > 0; --n) {
      broken[random.below(static_cast<unsigned>(broken.size()))] = "%@#{}[]=,.:0x \nabc19-"[random.below(21)];
    }
    Region again;
    if (parse(broken, test_slots(), again).empty() && verify(again).empty()) expect_round_trip(again);
  }
}

struct File {
  std::string head, expected;
  std::vector<std::string> passes;
};
File read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  const std::string marker = "; expect:\n";
  const size_t at = text.find(marker);
  File f;
  f.head = text.substr(0, at == std::string::npos ? at : at + marker.size());
  if (at != std::string::npos) f.expected = text.substr(at + marker.size());
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("; pass:")) continue;
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream names(line.substr(7));
    for (std::string name; names >> name;) f.passes.push_back(name);
  }
  return f;
}

std::string apply(const File& f) {
  Region region;
  if (const std::string error = parse(f.head, test_slots(), region); !error.empty()) return error + "\n";
  const bool only_verify = f.passes.size() == 1 && f.passes[0] == "verify";
  if (const std::string error = verify(region); !error.empty() || only_verify) return error + "\n";
  for (const std::string& pass : f.passes) {
    if (pass == "fold") {
      Region folded;
      rebuild_folded(region, folded);
      region = folded;
    } else if (pass == "merge-guards") {
      merge_guards(region);
    } else if (pass != "verify") {
      return "unknown pass " + pass + "\n";
    }
    if (const std::string error = verify(region); !error.empty())
      return pass + " broke it: " + error + "\n" + print(region);
  }
  return print(region);
}

class TextFiles : public testing::TestWithParam<std::string> {};

TEST_P(TextFiles, Expected) {
  const std::filesystem::path path = std::filesystem::path(MYNAH_SOURCE_DIR) / "tests/ir/text" / GetParam();
  const File f = read(path);
  ASSERT_FALSE(f.passes.empty()) << "no `; pass:` line";
  const std::string got = apply(f);
  if (std::getenv("MYNAH_UPDATE_GOLDENS") != nullptr) {
    const std::string marker = f.head.ends_with("; expect:\n") ? "" : "; expect:\n";
    std::ofstream(path) << f.head << marker << got;
    return;
  }
  EXPECT_EQ(got, f.expected);
}

std::vector<std::string> text_files() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(MYNAH_SOURCE_DIR) / "tests/ir/text")) {
    if (entry.path().extension() == ".ir") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}
INSTANTIATE_TEST_SUITE_P(Ir, TextFiles, testing::ValuesIn(text_files()), [](const auto& info) {
  std::string name = info.param.substr(0, info.param.size() - 3);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace mynah::ir::test
