// SPDX-License-Identifier: Apache-2.0
//
// IdeController: what drives of ATA and ATAPI are plugged into, an IDE function or an AHCI one: some cables
// ("buses"), each with places for drives ("units").
#pragma once

#include <memory>

#include "devices/storage/ide_drive.h"

namespace mynah::dev {

class IdeController {
 public:
  virtual ~IdeController() = default;
  virtual unsigned buses() const = 0;
  virtual unsigned units() const = 0;  // of each bus
  // Null: the place is free. Numbers are below buses() and units().
  virtual IdeDrive* drive(unsigned bus, unsigned unit) const = 0;
  // Before the machine's first reset.
  virtual void plug_drive(unsigned bus, unsigned unit, std::unique_ptr<IdeDrive> drive) = 0;
};

}  // namespace mynah::dev
