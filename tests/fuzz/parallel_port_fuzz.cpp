// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the parallel port: registers of any width, at any offset.
#include "devices/serial/parallel_port.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Serial printer;
  dev::fake::Irq irq;
  dev::ParallelPort port(printer, irq.line());
  fuzz::run(in, {.device = port, .pick_offset = [](fuzz::Input& i) { return i.u8() & 15; }});
  return 0;
}
