// SPDX-License-Identifier: Apache-2.0
//
// The pipeline: guest bytes to a block in the cache.
//
// lift() and what follows it read nothing but their arguments and the techniques: a block may be made on
// another thread than the one that runs it, with a Translator of its own.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "engine/code_cache.h"
#include "engine/techniques.h"
#include "frontend/frontend.h"
#include "ir/backend.h"
#include "ir/verify.h"

namespace mynah {

enum class Stage : uint8_t { kLift, kPasses, kEmit, kCommit, kCount };

struct TranslatorStats {
  std::array<uint64_t, static_cast<size_t>(Stage::kCount)> cycles{};  // host time-stamp counter
  uint64_t guest_insts = 0;
};

// What -d prints of a translation; unset functions cost nothing.
struct TranslationLog {
  std::function<void(const ir::Region&, std::span<const uint8_t> bytes, uint64_t pa)> in_asm;
  std::function<void(const ir::Region&, std::string_view stage)> ir;
  std::function<void(const ir::Region&, std::span<const uint8_t> code, uint64_t address)> out_asm;
};

class Translator {
 public:
  // backend, cache: null when only lift() is used.
  Translator(const Frontend& frontend, const ir::Backend* backend, CodeCache* cache)
      : frontend_(frontend), compiler_(backend ? backend->make_compiler() : nullptr), cache_(cache) {}

  // kCacheWasFull: it has been emptied; once more. kNextPageFaults: see Lifted.
  enum class Made : uint8_t { kBlock, kCacheWasFull, kNextPageFaults };
  struct Translation {
    Made made;
    TranslatedBlock* block;
  };
  // The block with this start, translated now. `stops`: see LiftOptions.
  Translation translate(const BlockKey& start, BlockSource& source, std::span<const uint16_t> stops);
  // Lifted, for the evaluator; nullptr: Lifted::kNextPageFaults. max_insts 0: as many as a block takes.
  const ir::Region* lift(const BlockKey& start, BlockSource& source, unsigned max_insts,
                         std::span<const uint16_t> stops);

  TranslationLog log;
  TranslatorStats stats;
  unsigned max_insts = 64;
  bool yields = false;  // LiftOptions::yields
  Techniques techniques;
  bool verify = ir::kVerifyByDefault;  // the region behind each stage

 private:
  const Frontend& frontend_;
  std::unique_ptr<ir::Compiler> compiler_;
  CodeCache* cache_;
  ir::Region region_;
  ir::CompiledCode code_;
};

}  // namespace mynah
