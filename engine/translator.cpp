// SPDX-License-Identifier: Apache-2.0
//
// The pipeline. A region that the backend has no room for is made again with fewer instructions.
#include "engine/translator.h"

#include "engine/cycles.h"
#include "ir/passes/passes.h"

namespace mynah {

namespace {
// Adds to each stage the time since the one before it.
class StageClock {
 public:
  explicit StageClock(TranslatorStats& stats) : stats_(stats), last_(cycles()) {}
  void done(Stage stage) {
    const uint64_t now = cycles();
    stats_.cycles[static_cast<size_t>(stage)] += now - last_;
    last_ = now;
  }

 private:
  TranslatorStats& stats_;
  uint64_t last_;
};
}  // namespace

const ir::Region* Translator::lift(const BlockKey& start, BlockSource& source, unsigned limit,
                                   std::span<const uint16_t> stops) {
  const LiftOptions options{.max_insts = limit ? limit : max_insts,
                            .stops = stops,
                            .slow = leaves_nothing_out(start.flavour),
                            .side_exits = techniques.side_exits,
                            .reuse = techniques.reuse,
                            .yields = yields};
  const auto offset = static_cast<uint32_t>(start.pa & (kGuestPageSize - 1));
  const Lifted lifted = frontend_.lift(region_, source, offset, start.mode, options);
  return lifted == Lifted::kBlock ? &region_ : nullptr;
}

Translator::Translation Translator::translate(const BlockKey& start, BlockSource& source,
                                              std::span<const uint16_t> stops) {
  for (unsigned limit = max_insts;; limit /= 2) {
    StageClock clock(stats);
    if (!lift(start, source, limit, stops)) return {Made::kNextPageFaults, nullptr};
    BlockKey key = start;
    if (region_.pc_offset + region_.guest_bytes > kGuestPageSize) key.second_page = source.next_page_pa();
    if (log.in_asm) {
      std::vector<uint8_t> bytes;
      source.append(region_.pc_offset, region_.guest_bytes, bytes);
      log.in_asm(region_, bytes, key.pa);
    }
    if (log.ir) log.ir(region_, "lift");
    clock.done(Stage::kLift);
    const bool merges = techniques.merge_guards && merges_guards(key.flavour) && !cache_->keeps_apart(key);
    ir::run_passes(region_, {.merge_guards = merges, .verify = verify});
    if (log.ir) log.ir(region_, "opt");
    clock.done(Stage::kPasses);
    const bool compiled = compiler_->compile(region_, code_) && cache_->holds(code_);
    clock.done(Stage::kEmit);
    if (!compiled) {  // too many live values: fewer instructions
      if (limit <= 1) ir::broken(region_, "the backend has no room for a single instruction");
      continue;
    }
    TranslatedBlock* block = cache_->commit(key, source, region_, code_);
    if (!block) {
      cache_->flush();
      return {Made::kCacheWasFull, nullptr};
    }
    stats.guest_insts += region_.guest_insts;
    clock.done(Stage::kCommit);
    if (log.out_asm)
      log.out_asm(region_, {cache_->entry(*block), block->code_size},
                  reinterpret_cast<uint64_t>(cache_->entry(*block)));
    return {Made::kBlock, block};
  }
}

}  // namespace mynah
