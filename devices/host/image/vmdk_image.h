// SPDX-License-Identifier: Apache-2.0
//
// VMware's disk images (Virtual Disk Format 5.0): a description in text, by itself or in the image, and
// extents: sparse ones by grains in tables of two levels, compressed ones (streamOptimized), flat files,
// zeroes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "devices/core/host_backends.h"
#include "devices/host/image/byte_store.h"
#include "ir/result.h"

namespace mynah::host {

// Opens a file that a description names, which lies in the same folder; `file` has no folder in it.
using ExtentOpener = std::function<Result<std::unique_ptr<ByteStore>>(const std::string& file)>;

Result<std::unique_ptr<dev::BlockBackend>> open_vmdk(std::unique_ptr<ByteStore> store,
                                                     const std::string& name,
                                                     const ExtentOpener& open_extent);

}  // namespace mynah::host
