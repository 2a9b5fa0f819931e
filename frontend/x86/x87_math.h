// SPDX-License-Identifier: Apache-2.0
//
// Instructions of the x87 that are long: their numbers, as Helper::kX87Function takes them.
#pragma once

#include <cstdint>

namespace mynah::x86 {

enum class X87Function : uint8_t {
  kF2xm1,
  kFyl2x,
  kFyl2xp1,
  kFptan,
  kFpatan,
  kFxtract,
  kFprem,
  kFprem1,
  kFscale,
  kFsin,
  kFcos,
  kFsincos,
  kFxam,
};

}  // namespace mynah::x86
