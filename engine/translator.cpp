// SPDX-License-Identifier: Apache-2.0
#include "engine/translator.h"

#include "engine/cycles.h"
#include "ir/passes/passes.h"

namespace mynah {

const ir::Region& Translator::lift(std::span<const uint8_t> page, uint32_t pc_offset, uint64_t mode,
                                   unsigned limit) {
  LiftLimits limits{.max_insts = limit ? limit : max_insts,
                    .slow = (mode & kSlowFlavour) != 0,
                    .side_exits = techniques.side_exits,
                    .reuse = techniques.reuse};
  guest_.lift(region_, page, pc_offset, mode & ~(kSlowFlavour | kNarrowFlavour), limits);
  return region_;
}

TranslatedBlock* Translator::translate(std::span<const uint8_t> page, uint32_t pc_offset, uint64_t pa,
                                       uint64_t mode) {
  for (unsigned limit = max_insts;; limit /= 2) {
    const uint64_t start = cycles();
    lift(page, pc_offset, mode, limit);
    if (log.in_asm) log.in_asm(region_, page.subspan(pc_offset, region_.guest_bytes), pa);
    if (log.ir) log.ir(region_, "lift");
    const uint64_t lifted = cycles();
    ir::run_passes(region_, {.merge_guards = techniques.merge_guards && !(mode & kNarrowFlavour),
                             .dead_code = techniques.dead_code});
    if (log.ir) log.ir(region_, "opt");
    const uint64_t optimized = cycles();
    ir::CodeSpan space = cache_->reserve();
    if (!space.write) {
      cache_->flush();
      return nullptr;
    }
    backend_->compile(region_, space, code_);
    const uint64_t emitted = cycles();
    stats.cycles[size_t(Stage::kLift)] += lifted - start;
    stats.cycles[size_t(Stage::kPasses)] += optimized - lifted;
    stats.cycles[size_t(Stage::kEmit)] += emitted - optimized;
    if (!code_.fits && limit > 1) continue;  // too many live values: fewer instructions
    TranslatedBlock* block = cache_->commit(pa, mode, region_, code_);
    stats.guest_insts += region_.guest_insts;
    stats.cycles[size_t(Stage::kCommit)] += cycles() - emitted;
    if (log.out_asm)
      log.out_asm(region_, {cache_->entry(*block), block->code_size},
                  reinterpret_cast<uint64_t>(cache_->entry(*block)));
    return block;
  }
}

}  // namespace mynah
