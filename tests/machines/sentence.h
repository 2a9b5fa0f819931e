// SPDX-License-Identifier: Apache-2.0
//
// What a result says of its failure, for tests.
#pragma once

#include <string>

#include "ir/result.h"

namespace mynah {

// Empty where it has not failed.
template <typename T>
std::string sentence(const Result<T>& result) {
  return result ? std::string() : result.message();
}

}  // namespace mynah
