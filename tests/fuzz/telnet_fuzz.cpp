// SPDX-License-Identifier: Apache-2.0
//
// Telnet: however a client's bytes are split, the guest gets the same, and no more than came.
#include "devices/host/telnet.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace mynah;

namespace {

struct Guest final : dev::CharReceiver {
  size_t can_receive() const override { return SIZE_MAX; }
  void receive(std::span<const uint8_t> bytes) override { got.insert(got.end(), bytes.begin(), bytes.end()); }
  void receive_break() override { ++breaks; }
  std::vector<uint8_t> got;
  unsigned breaks = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Guest whole, split;
  host::Telnet one, other;
  one.attach(&whole);
  other.attach(&split);
  one.receive({data, size});
  for (size_t at = 0; at < size;) {
    const size_t n = std::min<size_t>(size - at, 1 + data[at] % 7);
    other.receive({data + at, n});
    at += n;
  }
  if (whole.got != split.got || whole.breaks != split.breaks || whole.got.size() + whole.breaks > size)
    std::abort();
  return 0;
}
