// SPDX-License-Identifier: Apache-2.0
//
// See char_testdev.h. A command may come in any number of writes.
#include "devices/host/char_testdev.h"

namespace mynah::host {

void TestdevChar::write(std::span<const uint8_t> bytes) {
  for (const uint8_t c : bytes) {
    if (c >= '0' && c <= '9') {
      number_ = number_ * 10 + (c - '0');  // as much as matters of a long one
      continue;
    }
    if (c == 'q' && quit_) quit_(static_cast<int>((number_ << 1 | 1) & 0xff));
    number_ = 0;
  }
}

}  // namespace mynah::host
