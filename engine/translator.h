// SPDX-License-Identifier: Apache-2.0
//
// The pipeline: guest bytes to a block in the cache.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "engine/code_cache.h"
#include "engine/techniques.h"
#include "frontend/guest.h"
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
  Translator(GuestCpu& guest, const ir::Backend* backend, CodeCache* cache)
      : guest_(guest), compiler_(backend ? backend->make_compiler() : nullptr), cache_(cache) {}

  // The block at pa, pc_offset bytes into its page, translated now. Nullptr: the cache was full and has been
  // emptied, once more. `stops`: see LiftOptions.
  TranslatedBlock* translate(std::span<const uint8_t> page, uint32_t pc_offset, uint64_t pa, uint64_t mode,
                             std::span<const uint16_t> stops);
  // Lifted, for the evaluator. max_insts 0: as many as a block takes.
  const ir::Region& lift(std::span<const uint8_t> page, uint32_t pc_offset, uint64_t mode, unsigned max_insts,
                         std::span<const uint16_t> stops);

  TranslationLog log;
  TranslatorStats stats;
  unsigned max_insts = 64;
  Techniques techniques;
  bool verify = ir::kVerifyByDefault;  // the region behind each stage

 private:
  GuestCpu& guest_;
  std::unique_ptr<ir::Compiler> compiler_;
  CodeCache* cache_;
  ir::Region region_;
  ir::CompiledCode code_;
};

}  // namespace mynah
