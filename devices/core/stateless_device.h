// SPDX-License-Identifier: Apache-2.0
//
// StatelessDevice: a register window without state of its own; what its registers show is another part's, or
// nobody's. Nothing of it is reset, and only its name is saved.
#pragma once

#include "devices/core/device.h"

namespace mynah::dev {

class StatelessDevice : public Device {
 public:
  // `name` must outlive the device: a literal.
  explicit StatelessDevice(std::string_view name) : name_(name) {}
  std::string_view name() const final { return name_; }
  uint32_t state_version() const final { return 1; }
  void reset() final {}

 private:
  void serialize_state(StateStream&) final {}
  std::string_view name_;
};

}  // namespace mynah::dev
