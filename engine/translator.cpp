// SPDX-License-Identifier: Apache-2.0
//
// The stages of the pipeline, in order, with what each costs.
#include "engine/translator.h"

#include "engine/cycles.h"
#include "ir/passes/passes.h"

namespace mynah {

const ir::Region& Translator::lift(std::span<const uint8_t> page, uint32_t pc_offset, uint64_t mode,
                                   unsigned limit, std::span<const uint16_t> stops) {
  LiftOptions options{.max_insts = limit ? limit : max_insts,
                      .stops = stops,
                      .slow = (mode & kSlowFlavour) != 0,
                      .side_exits = techniques.side_exits,
                      .reuse = techniques.reuse};
  guest_.lift(region_, page, pc_offset, mode & ((uint64_t{1} << kModeBits) - 1), options);
  return region_;
}

TranslatedBlock* Translator::translate(std::span<const uint8_t> page, uint32_t pc_offset, uint64_t pa,
                                       uint64_t mode, std::span<const uint16_t> stops) {
  for (unsigned limit = max_insts;; limit /= 2) {
    const uint64_t start = cycles();
    lift(page, pc_offset, mode, limit, stops);
    if (log.in_asm) log.in_asm(region_, page.subspan(pc_offset, region_.guest_bytes), pa);
    if (log.ir) log.ir(region_, "lift");
    const uint64_t lifted = cycles();
    ir::run_passes(region_, {.merge_guards = techniques.merge_guards && !(mode & kNarrowFlavour),
                             .dead_code = techniques.dead_code,
                             .verify = verify});
    if (log.ir) log.ir(region_, "opt");
    const uint64_t optimized = cycles();
    const bool compiled = compiler_->compile(region_, code_) && cache_->holds(code_);
    const uint64_t emitted = cycles();
    stats.cycles[size_t(Stage::kLift)] += lifted - start;
    stats.cycles[size_t(Stage::kPasses)] += optimized - lifted;
    stats.cycles[size_t(Stage::kEmit)] += emitted - optimized;
    if (!compiled) {  // too many live values: fewer instructions
      if (limit <= 1) ir::broken(region_, "the backend has no room for a single instruction");
      continue;
    }
    TranslatedBlock* block =
        cache_->commit(pa, mode, page.subspan(pc_offset, region_.guest_bytes), region_, code_);
    if (!block) {
      cache_->flush();
      return nullptr;
    }
    stats.guest_insts += region_.guest_insts;
    stats.cycles[size_t(Stage::kCommit)] += cycles() - emitted;
    if (log.out_asm)
      log.out_asm(region_, {cache_->entry(*block), block->code_size},
                  reinterpret_cast<uint64_t>(cache_->entry(*block)));
    return block;
  }
}

}  // namespace mynah
