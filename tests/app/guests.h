// SPDX-License-Identifier: Apache-2.0
//
// Small guests, as arm64 Images. Code starts at 0x40200040.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace mynah::app::test {

inline std::vector<uint8_t> make_image(const std::vector<uint32_t>& code, std::string_view data = {}) {
  std::vector<uint8_t> image(64 + code.size() * 4 + data.size());
  const auto put32 = [&](size_t at, uint32_t v) { std::memcpy(&image[at], &v, 4); };
  put32(0, 0x14000010);   // b +64
  put32(16, 0x10000);     // image size
  put32(24, 0xa);         // 4 KiB pages, anywhere
  put32(56, 0x644d5241);  // "ARM\x64"
  for (size_t i = 0; i < code.size(); ++i) put32(64 + 4 * i, code[i]);
  if (!data.empty()) std::memcpy(&image[64 + code.size() * 4], data.data(), data.size());
  return image;
}

// Writes "hello\n" to the serial line and powers off.
inline std::vector<uint8_t> hello_guest() {
  return make_image({0xd2a12001,   // mov x1, #0x9000000
                     0x10000142,   // adr x2, text
                     0x38401443,   // ldrb w3, [x2], #1
                     0x34000063,   // cbz w3, +12
                     0xb9000023,   // str w3, [x1]
                     0x17fffffd,   // b -12
                     0x52b08000,   // mov w0, #0x84000000
                     0x72800100,   // movk w0, #8: SYSTEM_OFF
                     0xd4000002,   // hvc #0
                     0xd503207f,   // wfi
                     0x17ffffff},  // b -4
                    std::string_view("hello\n\0\0", 8));
}
// The same, and restarts instead.
inline std::vector<uint8_t> restart_guest() {
  auto image = hello_guest();
  image[64 + 7 * 4] = 0x20;  // movk w0, #9: SYSTEM_RESET
  image[64 + 7 * 4 + 1] = 0x01;
  return image;
}
// Echoes what it reads from the serial line; 'q' powers off.
inline std::vector<uint8_t> echo_guest() {
  return make_image({0xd2a12001,    // mov x1, #0x9000000
                     0x52806024,    // mov w4, #0x301
                     0xb9003024,    // str w4, [x1, #48]
                     0xb9401823,    // ldr w3, [x1, #24]
                     0x3727ffe3,    // tbnz w3, #4, -4
                     0xb9400023,    // ldr w3, [x1]
                     0xb9000023,    // str w3, [x1]
                     0x12001c63,    // and w3, w3, #0xff
                     0x7101c47f,    // cmp w3, #'q'
                     0x54ffff41,    // b.ne -24
                     0x52b08000,    // mov w0, #0x84000000
                     0x72800100,    // movk w0, #8
                     0xd4000002});  // hvc #0
}
inline std::vector<uint8_t> idle_guest() { return make_image({0xd503207f, 0x17ffffff}); }  // wfi; b -4
// Executes an instruction of an extension that no processor model has; its exception handler powers off.
inline std::vector<uint8_t> undefined_guest() {
  std::vector<uint32_t> code(0x1000 / 4 - 16, 0xd503201f);  // nop
  code[0] = 0x10003e05;                                     // 0x40200040  adr x5, 0x40200800
  code[1] = 0xd518c005;                                     // 0x40200044  msr vbar_el1, x5
  code[2] = 0x04e00000;                                     // 0x40200048  an SVE instruction
  const size_t handler = (0xa00 - 0x40) / 4;
  code[handler] = 0x52b08000;      // mov w0, #0x84000000
  code[handler + 1] = 0x72800100;  // movk w0, #8
  code[handler + 2] = 0xd4000002;  // hvc #0
  return make_image(code);
}
// Counts in x0 and stores it at 0x40100000, in a function.
inline std::vector<uint8_t> counting_guest() {
  return make_image({0xd2800000,    // 0x40200040  mov x0, #0
                     0xd2a80201,    // 0x40200044  mov x1, #0x40100000
                     0x91000400,    // 0x40200048  add x0, x0, #1
                     0x94000002,    // 0x4020004c  bl +8
                     0x17fffffe,    // 0x40200050  b -8
                     0xf9000020,    // 0x40200054  str x0, [x1]
                     0xd65f03c0});  // 0x40200058  ret
}

}  // namespace mynah::app::test
