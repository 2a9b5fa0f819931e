// SPDX-License-Identifier: Apache-2.0
//
// Files of pictures: PPM (P6 of Netpbm) and PNG (ISO/IEC 15948) of 8 bits a color.
#pragma once

#include <cstdint>
#include <vector>

#include "devices/display/screen.h"

namespace mynah::host {

std::vector<uint8_t> ppm_file(const dev::Screen::Picture& picture);
// Of a picture that has pixels.
std::vector<uint8_t> png_file(const dev::Screen::Picture& picture);

}  // namespace mynah::host
