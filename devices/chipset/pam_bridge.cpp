// SPDX-License-Identifier: Apache-2.0
//
// Each PAM register has two pieces, but the first, which has the last piece in its high half.
#include "devices/chipset/pam_bridge.h"

#include <utility>

namespace mynah::dev {

namespace {
constexpr uint8_t kPamWritable = 0x33, kReads = 1, kWrites = 2;
constexpr uint8_t kSmramAtReset = 0x02, kSmramWritable = 0x78;
}  // namespace

PamBridge::PamBridge(std::string_view name, const pci::Identity& identity, unsigned first_pam, unsigned smram,
                     Changed changed, Log& log)
    : Function(name, identity, log, pci::ConfigSize::kConventional),
      first_pam_(first_pam),
      changed_(std::move(changed)) {
  for (unsigned n = 0; n < kPams; ++n) let_write(first_pam + n, 1, kPamWritable);
  set_config(smram, 1, kSmramAtReset);
  let_write(smram, 1, kSmramWritable);
}

PamBridge::Route PamBridge::route(unsigned piece) const {
  const bool last = piece + 1 == kPieces;
  const uint32_t pam = config(last ? first_pam_ : first_pam_ + 1 + piece / 2, 1);
  const uint32_t bits = last || piece % 2 ? pam >> 4 : pam;
  return {(bits & kReads) != 0, (bits & kWrites) != 0};
}

void PamBridge::tell() {
  for (unsigned piece = 0; piece < kPieces; ++piece) {
    const Route now = route(piece);
    if (now == told_[piece]) continue;
    told_[piece] = now;
    changed_(piece, now);
  }
}

// What memory shows is not part of its state: it is told anew.
void PamBridge::serialize_model(StateStream& s) {
  if (s.loading()) tell();
}

}  // namespace mynah::dev
