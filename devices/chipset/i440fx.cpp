// SPDX-License-Identifier: Apache-2.0
//
// Each PAM register has two pieces, but the first, which has the last piece in its high half.
#include "devices/chipset/i440fx.h"

#include <utility>

namespace mynah::dev {

namespace {
constexpr uint8_t kPamWritable = 0x33, kReads = 1, kWrites = 2;
constexpr uint8_t kSmramAtReset = 0x02, kSmramWritable = 0x78;
}  // namespace

I440Fx::I440Fx(std::function<void(unsigned, Route)> changed, Log& log)
    : Function("i440FX", {.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2}, log,
               pci::ConfigSize::kConventional),
      changed_(std::move(changed)) {
  for (unsigned at = kPam0; at <= kPam6; ++at) let_write(at, 1, kPamWritable);
  set_config(kSmram, 1, kSmramAtReset);
  let_write(kSmram, 1, kSmramWritable);
}

I440Fx::Route I440Fx::route(unsigned piece) const {
  const bool last = piece + 1 == kPieces;
  const uint32_t pam = config(last ? kPam0 : kPam0 + 1 + piece / 2, 1);
  const uint32_t bits = last || piece % 2 ? pam >> 4 : pam;
  return {(bits & kReads) != 0, (bits & kWrites) != 0};
}

void I440Fx::tell() {
  for (unsigned piece = 0; piece < kPieces; ++piece) {
    const Route now = route(piece);
    if (now == told_[piece]) continue;
    told_[piece] = now;
    changed_(piece, now);
  }
}

// What memory shows is not part of its state: it is told anew.
void I440Fx::serialize_model(StateStream& s) {
  if (s.loading()) tell();
}

}  // namespace mynah::dev
