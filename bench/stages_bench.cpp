// SPDX-License-Identifier: Apache-2.0
//
// What each stage of a translation costs a guest instruction ("inst"), over real code: a checked-in sample,
// and the installer's kernel where that is installed. All stages see the same blocks, as the engine would cut
// them.
#include <benchmark/benchmark.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "backend-x86_64/backend.h"
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/cpu_models.h"
#include "frontend/arm/mode.h"
#include "ir/eval.h"
#include "ir/passes/passes.h"
#include "tests/engine/bare_machine.h"

namespace mynah {
namespace {

namespace a64 = arm::a64;

constexpr size_t kPageBytes = 4096;
constexpr uint64_t kMode = arm::kModeEl1 | arm::kModeSpEl1 | arm::kModeFpEnabled;
constexpr uint32_t kSample[] = {
#include "bench/sample_code.inc"
};

struct Block {
  uint32_t page, offset;
};

struct Corpus {
  std::vector<uint8_t> bytes;
  std::vector<Block> blocks;
  uint64_t insts = 0;

  std::span<const uint8_t> page(uint32_t i) const { return {bytes.data() + i * kPageBytes, kPageBytes}; }
};

const arm::CpuModel& model() {
  static const arm::CpuModel value = *arm::make_cpu_model("max").model;
  return value;
}

void lift(const Corpus& corpus, const Block& block, ir::Region& region) {
  a64::lift_block(region, corpus.page(block.page), block.offset, kMode, model(),
                  {.max_insts = 64, .slow = false});
}

void cut(Corpus& corpus) {
  ir::Region region;
  for (uint32_t page = 0; page < corpus.bytes.size() / kPageBytes; ++page)
    for (uint32_t offset = 0; offset < kPageBytes;) {
      lift(corpus, {page, offset}, region);
      corpus.blocks.push_back({page, offset});
      corpus.insts += region.guest_insts;
      offset += region.guest_bytes;
    }
}

Corpus make_sample() {
  Corpus corpus;
  corpus.bytes.resize(sizeof kSample);
  std::memcpy(corpus.bytes.data(), kSample, sizeof kSample);
  cut(corpus);
  return corpus;
}

// 64 pages spread over the kernel's text; pages that hold much that is no code are left out.
Corpus make_kernel() {
  Corpus corpus;
  std::ifstream file("/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/linux",
                     std::ios::binary);
  std::vector<uint8_t> page(kPageBytes);
  for (uint64_t at = 1 << 20; corpus.bytes.size() < 64 * kPageBytes && at < 14 << 20; at += 200 << 10) {
    file.seekg(static_cast<std::streamoff>(at));
    if (!file.read(reinterpret_cast<char*>(page.data()), kPageBytes)) break;
    unsigned unknown = 0;
    for (size_t i = 0; i < kPageBytes; i += 4) {
      uint32_t word;
      std::memcpy(&word, &page[i], 4);
      const a64::Decoded d = a64::decode(word);
      unknown += !d || d.encoding == a64::Encoding::udf;
    }
    if (unknown < 20) corpus.bytes.insert(corpus.bytes.end(), page.begin(), page.end());
  }
  cut(corpus);
  return corpus;
}

const Corpus& corpus(benchmark::State& state) {
  static const Corpus sample = make_sample(), kernel = make_kernel();
  const Corpus& c = state.range(0) ? kernel : sample;
  if (c.blocks.empty()) state.SkipWithError("the installer's kernel is not installed");
  return c;
}

void per_inst(benchmark::State& state, uint64_t insts) {
  using benchmark::Counter;
  state.counters["s/inst"] =
      Counter(static_cast<double>(insts), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

void BM_Decode(benchmark::State& state) {
  const Corpus& c = corpus(state);
  const size_t words = c.bytes.size() / 4;
  for (auto _ : state)
    for (size_t i = 0; i < words; ++i) {
      uint32_t word;
      std::memcpy(&word, &c.bytes[4 * i], 4);
      benchmark::DoNotOptimize(a64::decode(word));
    }
  per_inst(state, words);
}

void BM_Lift(benchmark::State& state) {
  const Corpus& c = corpus(state);
  ir::Region region;
  for (auto _ : state)
    for (const Block& block : c.blocks) {
      lift(c, block, region);
      benchmark::DoNotOptimize(region.insts.data());
    }
  per_inst(state, c.insts);
  state.counters["insts/block"] = static_cast<double>(c.insts) / static_cast<double>(c.blocks.size());
}

std::vector<ir::Region> lifted(const Corpus& c) {
  std::vector<ir::Region> regions(c.blocks.size());
  for (size_t i = 0; i < regions.size(); ++i) lift(c, c.blocks[i], regions[i]);
  return regions;
}

void BM_Passes(benchmark::State& state) {
  const Corpus& c = corpus(state);
  const std::vector<ir::Region> fresh = lifted(c);
  std::vector<ir::Region> regions;
  for (auto _ : state) {
    state.PauseTiming();
    regions = fresh;
    state.ResumeTiming();
    for (ir::Region& region : regions) ir::run_passes(region);
  }
  uint64_t before = 0, after = 0;
  for (const ir::Region& r : fresh) before += r.insts.size();
  for (const ir::Region& r : regions) after += r.insts.size();
  per_inst(state, c.insts);
  state.counters["ir/inst before"] = static_cast<double>(before) / static_cast<double>(c.insts);
  state.counters["ir/inst"] = static_cast<double>(after) / static_cast<double>(c.insts);
}

// Selection, allocation and emission.
void BM_Compile(benchmark::State& state) {
  const Corpus& c = corpus(state);
  std::vector<ir::Region> regions = lifted(c);
  for (ir::Region& region : regions) ir::run_passes(region);
  const auto compiler = x86_64::make_backend()->make_compiler();
  ir::CompiledCode code;
  uint64_t host = 0, guest = 0;
  for (auto _ : state) {
    host = guest = 0;
    for (const ir::Region& region : regions) {
      compiler->compile(region, code);
      host += code.size;
      guest += region.guest_bytes;
    }
  }
  per_inst(state, c.insts);
  state.counters["host/guest bytes"] = static_cast<double>(host) / static_cast<double>(guest);
}

// All of it as the engine does it, the cache's bookkeeping included.
void BM_Translate(benchmark::State& state) {
  const Corpus& c = corpus(state);
  test::BareMachine m({.code_bytes = 64 << 20, .validate = false});
  m.memory_of().write(test::kData, c.bytes.data(), c.bytes.size());
  const uint8_t* host = m.memory_of().host(test::kData, c.bytes.size());
  for (auto _ : state) {
    for (const Block& block : c.blocks) {
      BlockSource source({host + block.page * kPageBytes, kPageBytes});
      const BlockKey start{.pa = test::kData + block.page * kPageBytes + block.offset, .mode = kMode};
      if (!m.vcpu->translator()->translate(start, source, {}).block)
        m.vcpu->translator()->translate(start, source, {});
    }
    state.PauseTiming();
    m.vcpu->cache()->flush();
    state.ResumeTiming();
  }
  per_inst(state, c.insts);
}

BENCHMARK(BM_Decode)->ArgName("kernel")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Lift)->ArgName("kernel")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Passes)->ArgName("kernel")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Compile)->ArgName("kernel")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Translate)->ArgName("kernel")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace mynah
