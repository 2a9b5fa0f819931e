// SPDX-License-Identifier: Apache-2.0
//
// The x87's registers in their two forms.
#include "frontend/x86/x87.h"

#include <bit>

#include "frontend/x86/cpu.h"
#include "ir/f80.h"

namespace mynah::x86 {

namespace {
constexpr uint16_t kStackFault = 1 << 6, kSummary = 1 << 7, kBusy = 1 << 15;
constexpr unsigned kTopShift = 11;

unsigned top_of(const X86State& s) { return static_cast<unsigned>(s.fpu_top / 16 & 7); }
}  // namespace

X87Image x87_image(X86Cpu& cpu) {
  ir::store_f80(cpu.runtime());
  const X86State& s = cpu.x86();
  X87Image image;
  const unsigned top = top_of(s);
  image.control = static_cast<uint16_t>(s.fcw);
  uint32_t status =
      (s.fsw & (ir::kF80Exceptions | ir::kF80Conditions)) | s.fpu_stack_fault | top << kTopShift;
  if (status & ~s.fcw & ir::kF80Exceptions) status |= kSummary | kBusy;
  image.status = static_cast<uint16_t>(status);
  image.tags = std::rotl(static_cast<uint8_t>(s.ftw), static_cast<int>(top));
  for (unsigned i = 0; i < 8; ++i) image.stack[i] = s.fpr[(top + i) & 7];
  image.opcode = static_cast<uint16_t>(s.fop);
  image.ip = s.fip;
  image.dp = s.fdp;
  image.cs = s.fcs;
  image.ds = s.fds;
  return image;
}

void put_x87_image(X86Cpu& cpu, const X87Image& image) {
  X86State& s = cpu.x86();
  const unsigned top = image.status >> kTopShift & 7;
  s.fcw = (image.control & 0x1f3f) | 0x40;
  s.fsw = image.status & (ir::kF80Exceptions | ir::kF80Conditions);
  s.fpu_stack_fault = image.status & kStackFault;
  s.fpu_top = top * 16;
  s.ftw = std::rotr(image.tags, static_cast<int>(top));
  for (unsigned i = 0; i < 8; ++i) s.fpr[(top + i) & 7] = image.stack[i];
  s.fop = image.opcode & 0x7ff;
  s.fip = image.ip;
  s.fdp = image.dp;
  s.fcs = image.cs;
  s.fds = image.ds;
  ir::load_f80(cpu.runtime());
}

void set_x87_image(X86Cpu& cpu, const X87Image& image) {
  put_x87_image(cpu, image);
  cpu.changed();
}

uint16_t x87_tag_word(const X87Image& image) {
  const unsigned top = image.status >> kTopShift & 7;
  uint16_t word = 0;
  for (unsigned physical = 0; physical < 8; ++physical) {
    unsigned tag = 3;
    if (image.tags >> physical & 1) {
      const F80& r = image.stack[(physical - top) & 7];
      const unsigned exponent = r.sign_exponent & 0x7fff;
      if (exponent == 0 && r.significand == 0)
        tag = 1;
      else if (exponent == 0 || exponent == 0x7fff || !(r.significand >> 63))
        tag = 2;
      else
        tag = 0;
    }
    word |= static_cast<uint16_t>(tag << 2 * physical);
  }
  return word;
}

uint8_t x87_abridged(uint16_t tag_word) {
  uint8_t tags = 0;
  for (unsigned i = 0; i < 8; ++i) tags |= static_cast<uint8_t>(((tag_word >> 2 * i & 3) != 3) << i);
  return tags;
}

void reset_x87(X86Cpu& cpu) {
  X86State& s = cpu.x86();
  s.fcw = 0x37f;
  s.fsw = s.ftw = s.fop = s.fpu_stack_fault = 0;
  s.fpu_top = s.fip = s.fdp = 0;
  s.fcs = s.fds = 0;
  ir::load_f80(cpu.runtime());
  cpu.changed();
}

}  // namespace mynah::x86
