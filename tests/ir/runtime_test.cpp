// SPDX-License-Identifier: Apache-2.0
//
// The floating-point environment of a frame: what C++ gathered and what the host's instructions did, seen as
// one; and alone, where no backend has prepared the frame.
#include "ir/runtime.h"

#include <gtest/gtest.h>

#include <memory>

namespace mynah::ir {
namespace {

struct Delete {
  void operator()(Runtime* r) const { delete_runtime(r); }
};

// A host whose flags and rounding mode lie in the backend's part of the frame.
uint8_t& gathered(Runtime& r) { return reinterpret_cast<uint8_t&>(r.backend[0]); }
uint8_t& rounding(Runtime& r) { return reinterpret_cast<uint8_t&>(r.backend[1]); }
constexpr HostFloat kHost = {
    [](const Runtime& r) -> uint32_t { return gathered(const_cast<Runtime&>(r)); },
    [](Runtime& r) { gathered(r) = 0; },
    [](Runtime& r, const FpMode& mode) { rounding(r) = mode.round; },
};

TEST(Runtime, FlagsOfHostAndCpp) {
  const std::unique_ptr<Runtime, Delete> r(new_runtime(64));
  r->host_float = &kHost;
  r->fp_sticky = 1;
  gathered(*r) = 16;
  EXPECT_EQ(fp_flags(*r), 17u);
  set_fp_flags(*r, 2);
  EXPECT_EQ(fp_flags(*r), 2u);
  EXPECT_EQ(gathered(*r), 0);
  set_fp_mode(*r, {.round = 3});
  EXPECT_EQ(rounding(*r), 3);
  EXPECT_EQ(fp_flags(*r), 2u);
}

TEST(Runtime, FlagsOfCppAlone) {
  const std::unique_ptr<Runtime, Delete> r(new_runtime(64));
  set_fp_flags(*r, 1u << 27 | 4);
  set_fp_mode(*r, {.round = 1});
  EXPECT_EQ(r->fp_mode.round, 1);
  EXPECT_EQ(fp_flags(*r), 1u << 27 | 4);
}

}  // namespace
}  // namespace mynah::ir
