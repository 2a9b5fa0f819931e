// SPDX-License-Identifier: Apache-2.0
//
// Finding descriptors in the GDT and LDT (SDM vol. 3, 3.5.1), by accesses that are a supervisor's whatever
// the CPL.
#include "frontend/x86/descriptors.h"

namespace mynah::x86 {

bool read_descriptor(X86Cpu& cpu, uint16_t selector, Descriptor& d, uint8_t vector, uint32_t ext) {
  const auto at = descriptor_address(cpu.x86(), selector);
  if (!at) return raise_selector(cpu, vector, selector, ext);
  d = {};
  return cpu.read(*at, &d, 8, cpu.implicit_class());
}

bool read_upper_half(X86Cpu& cpu, uint16_t selector, Descriptor& d, uint8_t vector, uint32_t ext) {
  const auto at = descriptor_address(cpu.x86(), selector, 16);
  if (!at) return raise_selector(cpu, vector, selector, ext);
  return cpu.read(*at + 8, &d.upper, 8, cpu.implicit_class());
}

bool mark_accessed(X86Cpu& cpu, uint16_t selector, Descriptor& d) {
  if (d.high & access::kAccessed) return true;
  d.high |= access::kAccessed;
  const auto byte = static_cast<uint8_t>(d.high >> 8);
  return cpu.write(*descriptor_address(cpu.x86(), selector) + 5, &byte, 1, cpu.implicit_class());
}

bool write_type(X86Cpu& cpu, uint16_t selector, Descriptor& d, unsigned type) {
  d.high = (d.high & ~(15u << access::kTypeShift)) | type << access::kTypeShift;
  const auto byte = static_cast<uint8_t>(d.high >> 8);
  return cpu.write(*descriptor_address(cpu.x86(), selector) + 5, &byte, 1, cpu.implicit_class());
}

}  // namespace mynah::x86
