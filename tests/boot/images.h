// SPDX-License-Identifier: Apache-2.0
//
// Where the images are that the boot tests start.
#pragma once

#include <cstdlib>
#include <string>

namespace mynah::boot {

// The Debian installer's `linux` and `initrd.gz`; MYNAH_BOOT_IMAGES names a folder with others.
inline std::string image_path(const char* name) {
  const char* folder = std::getenv("MYNAH_BOOT_IMAGES");
  return std::string(folder ? folder
                            : "/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64") +
         "/" + name;
}

// The same of another architecture, by Debian's name: MYNAH_BOOT_IMAGES_amd64, MYNAH_BOOT_IMAGES_i386.
inline std::string image_path(const std::string& arch, const char* name) {
  if (arch == "arm64") return image_path(name);
  const char* folder = std::getenv(("MYNAH_BOOT_IMAGES_" + arch).c_str());
  return (folder ? folder
                 : "/usr/lib/debian-installer/images/12/" + arch + "/text/debian-installer/" + arch) +
         "/" + name;
}

}  // namespace mynah::boot
