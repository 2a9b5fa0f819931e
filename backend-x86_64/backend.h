// SPDX-License-Identifier: Apache-2.0
//
// The x86-64 backend. Needs x86-64-v2 (SSE4.2, cmpxchg16b, lahf); uses AVX, AVX2, BMI1, BMI2, LZCNT and
// others where the processor has them.
#pragma once

#include <memory>

#include "ir/backend.h"

namespace mynah::x86_64 {

struct Features;  // target.h

std::unique_ptr<ir::Backend> make_backend(const ir::BackendOptions& options = {});
// For a processor that offers no more than these (and the host's own).
std::unique_ptr<ir::Backend> make_backend(const ir::BackendOptions& options, const Features& features);

}  // namespace mynah::x86_64
