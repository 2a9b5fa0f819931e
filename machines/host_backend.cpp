// SPDX-License-Identifier: Apache-2.0
//
// One host a build: x86-64.
#include "machines/host_backend.h"

#include "backend-x86_64/backend.h"

namespace mynah {

std::unique_ptr<ir::Backend> make_host_backend(const Techniques& techniques, bool verify) {
  return x86_64::make_backend({.validate = verify, .return_stack = techniques.return_stack});
}

}  // namespace mynah
