// SPDX-License-Identifier: Apache-2.0
//
// A line that only goes out, to a descriptor that is open already: standard output or standard error, which
// others write to as well. There is never any input.
#pragma once

#include <string>

#include "devices/host/char_io.h"

namespace mynah::host {

class OutputChar final : public dev::CharBackend {
 public:
  // `name`: the descriptor's, for sentences ("standard output"). The descriptor is never closed.
  OutputChar(int fd, std::string name, Poller& poller, Report report);
  ~OutputChar() override;
  void write(std::span<const uint8_t> bytes) override { output_.write(bytes); }
  void attach(dev::CharReceiver*) override {}
  bool input_ended() const override { return true; }

 private:
  OnceReport report_;
  OutputQueue output_;
};

}  // namespace mynah::host
