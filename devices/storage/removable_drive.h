// SPDX-License-Identifier: Apache-2.0
//
// RemovableDrive: a drive whose medium a person changes while the machine runs.
#pragma once

#include "devices/core/host_backends.h"

namespace mynah::dev {

class RemovableDrive {
 public:
  virtual ~RemovableDrive() = default;
  // Null: none, and the tray is open. The guest notices, as with a real drive; what it was reading fails or
  // comes from the new one. False: the guest has locked the tray, which `force` opens nevertheless.
  virtual bool change_medium(BlockBackend* disk, bool force) = 0;
  // Where the guest has locked it, it may be asked to let the medium go.
  virtual bool locked() const { return false; }
  virtual void ask_for_medium() {}
  virtual bool tray_open() const { return false; }
};

}  // namespace mynah::dev
