// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets of front ends share: two pages of code with the input's bytes in them, which are
// lifted, verified, optimized and compiled as the engine does it. Whatever the bytes, there is a block, which
// a backend has room for where it holds a single instruction.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>

#include "frontend/frontend.h"
#include "ir/passes/passes.h"
#include "ir/verify.h"
#include "machines/host_backend.h"
#include "tests/fuzz/fuzz_input.h"

namespace mynah::fuzz {

class LiftRun {
 public:
  explicit LiftRun(const Frontend& frontend) : frontend_(frontend) {
    if (const auto backend = host()) compiler_ = backend->make_compiler();
  }

  // Lifts at several places around the end of the first page, with the rest of the input for code.
  void run(Input& in, uint64_t mode, unsigned alignment) {
    const uint8_t how = in.u8();
    LiftOptions options{.max_insts = how & 1 ? 64u : 1u + how / 32u,
                        .stops = {},
                        .slow = (how & 2) != 0,
                        .side_exits = (how & 4) != 0,
                        .reuse = (how & 8) != 0,
                        .yields = (how & 16) != 0};
    unsigned n = 0;
    for (; n < kMost && !in.empty(); ++n) pages_[kPage - kMost / 2 + n] = in.u8();
    const std::span<const uint8_t> pages(pages_);
    Pages source(pages.first(kPage), pages.subspan(kPage), (how & 32) != 0);
    const unsigned first = kPage - kMost / 2, last = std::min(first + std::max(n, 1u), kPage);
    for (unsigned offset = first; offset < last; offset += 12)
      lift(source, offset / alignment * alignment, mode, options);
  }

 private:
  static constexpr unsigned kPage = 4096, kMost = 256;
  struct Pages final : CodeSource {
    Pages(std::span<const uint8_t> page, std::span<const uint8_t> next, bool there)
        : CodeSource(page), next(there ? next : std::span<const uint8_t>()) {}
    std::span<const uint8_t> next_page() override { return next; }
    std::span<const uint8_t> next;
  };

  static const ir::Backend* host() {
    static const std::unique_ptr<ir::Backend> backend = make_host_backend({}, true);
    return backend.get();
  }

  void lift(Pages& source, unsigned offset, uint64_t mode, LiftOptions options) {
    for (;; options.max_insts /= 2) {
      if (frontend_.lift(region_, source, offset, mode, options) == Lifted::kNextPageFaults)
        return require(source.next.empty());
      ir::verify_after("lift", region_);
      require(region_.guest_insts <= std::max(options.max_insts, 1u) && region_.guest_bytes > 0);
      ir::run_passes(region_, {.merge_guards = !options.slow, .verify = true});
      if (!compiler_ || compiler_->compile(region_, code_)) return;
      if (options.max_insts <= 1) ir::broken(region_, "the backend has no room for a single instruction");
    }
  }

  const Frontend& frontend_;
  std::unique_ptr<ir::Compiler> compiler_;
  ir::Region region_;
  ir::CompiledCode code_;
  std::array<uint8_t, 2 * kPage> pages_{};
};

}  // namespace mynah::fuzz
