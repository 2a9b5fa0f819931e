// SPDX-License-Identifier: Apache-2.0
//
// The backend of the host that this program is built for: host_backend.cpp alone names one.
#pragma once

#include <memory>

#include "engine/techniques.h"
#include "ir/backend.h"

namespace mynah {

std::unique_ptr<ir::Backend> make_host_backend(const Techniques& techniques, bool verify);

}  // namespace mynah
