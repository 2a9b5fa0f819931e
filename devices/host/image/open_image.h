// SPDX-License-Identifier: Apache-2.0
//
// A disk in an image file of any format that is known, with the files that it rests on.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "devices/core/host_backends.h"
#include "devices/host/image/image_file.h"
#include "ir/result.h"

namespace mynah::host {

// Whether open_image() knows a format of that name.
bool is_image_format(std::string_view name);
constexpr std::string_view kImageFormats = "raw, qcow2, vmdk, vdi or vhdx";  // those, for sentences

// `format`: a name of one, or empty: as the file's first bytes say. Backing files are opened for
// reading, where the image says they are; relative to its own folder.
Result<std::unique_ptr<dev::BlockBackend>> open_image(const std::string& path, std::string_view format,
                                                      const ImageOptions& options);

}  // namespace mynah::host
