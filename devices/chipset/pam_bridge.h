// SPDX-License-Identifier: Apache-2.0
//
// PamBridge: what host bridges of PCs have in common: registers PAM0 to PAM6, which say for each piece of
// memory between 768 KiB and 1 MiB whether reads and writes go to DRAM or to the bus, and SMRAM. Whoever has
// the memory is told when they change.
//
// What is not modelled: SMM, so SMRAM is kept and opens nothing.
#pragma once

#include <array>
#include <functional>

#include "devices/pci/function.h"

namespace mynah::dev {

class PamBridge : public pci::Function {
 public:
  // Twelve pieces of 16 KiB from 0xc0000, and one of 64 KiB at 0xf0000.
  static constexpr unsigned kPieces = 13;
  static constexpr uint64_t kFirstPiece = 0xc0000, kLastPiece = 0xf0000;
  static constexpr uint64_t kPieceBytes = 0x4000, kLastPieceBytes = 0x10000;
  static constexpr unsigned kPams = 7;  // registers, of a byte
  static constexpr uint64_t address_of(unsigned piece) { return kFirstPiece + piece * kPieceBytes; }
  static constexpr uint64_t bytes_of(unsigned piece) {
    return piece + 1 == kPieces ? kLastPieceBytes : kPieceBytes;
  }
  struct Route {
    bool reads = false, writes = false;  // go to DRAM
    bool operator==(const Route&) const = default;
  };
  using Changed = std::function<void(unsigned piece, Route)>;

  Route route(unsigned piece) const;
  unsigned first_pam() const { return first_pam_; }

 protected:
  // `changed` is called for each piece whose route is another one now: from inside of the guest's write, at
  // reset, and when state is restored.
  PamBridge(std::string_view name, const pci::Identity& identity, unsigned first_pam, unsigned smram,
            Changed changed, Log& log);
  void reset_model() override { tell(); }
  void serialize_model(StateStream&) override;
  void config_written(unsigned, unsigned) override { tell(); }

 private:
  void tell();

  const unsigned first_pam_;
  const Changed changed_;
  std::array<Route, kPieces> told_{};
};

}  // namespace mynah::dev
