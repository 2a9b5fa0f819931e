// SPDX-License-Identifier: Apache-2.0
//
// Extended floats in C++: the same host instructions that translated code has, in the same environment, so
// that sticky exceptions gather in one place. The environment's control word is the guest's already
// (load_f80()).
#include <cstring>

#include "ir/eval_lanes.h"
#include "ir/f80.h"

#if !defined(__x86_64__)
#error "extended floats are not written for this host"
#endif

namespace mynah::ir {

namespace {

struct HostEnvironment {  // FNSTENV's 28 bytes
  uint32_t control, status, tag, ip, opcode, dp, segment;
};

uint16_t host_status() {
  uint16_t status;
  asm volatile("fnstsw %0" : "=a"(status));
  return status;
}

void set_status(F80File& file, uint16_t status) { file.status = status; }
void clear_c1(F80File& file) { file.status &= ~kF80C1; }

void load_constant(F80Constant constant) {
  switch (constant) {
    case F80Constant::kZero:
      asm volatile("fldz");
      break;
    case F80Constant::kOne:
      asm volatile("fld1");
      break;
    case F80Constant::kLog2Of10:
      asm volatile("fldl2t");
      break;
    case F80Constant::kLog2OfE:
      asm volatile("fldl2e");
      break;
    case F80Constant::kPi:
      asm volatile("fldpi");
      break;
    case F80Constant::kLog10Of2:
      asm volatile("fldlg2");
      break;
    case F80Constant::kLnOf2:
      asm volatile("fldln2");
      break;
  }
}

void load_operand(F80Format format, uint64_t bits) {
  switch (format) {
    case F80Format::kF32:
      asm volatile("flds %0" : : "m"(bits));
      break;
    case F80Format::kF64:
      asm volatile("fldl %0" : : "m"(bits));
      break;
    case F80Format::kI16:
      asm volatile("filds %0" : : "m"(bits));
      break;
    case F80Format::kI32:
      asm volatile("fildl %0" : : "m"(bits));
      break;
    case F80Format::kI64:
      asm volatile("fildll %0" : : "m"(bits));
      break;
  }
}

// ST(0) = ST(0) op ST(1).
void operate(F80Op op) {
  switch (op) {
    case F80Op::kAdd:
      asm volatile("fadd %st(1), %st");
      break;
    case F80Op::kMul:
      asm volatile("fmul %st(1), %st");
      break;
    case F80Op::kSub:
      asm volatile("fsub %st(1), %st");
      break;
    case F80Op::kSubReverse:
      asm volatile("fsubr %st(1), %st");
      break;
    case F80Op::kDiv:
      asm volatile("fdiv %st(1), %st");
      break;
    case F80Op::kDivReverse:
      asm volatile("fdivr %st(1), %st");
      break;
  }
}

// The same with an operand in memory, which no load has changed: a load has exceptions of its own. No
// instruction has a quadword there.
#define MYNAH_F80_WITH(name)                        \
  switch (format) {                                 \
    case F80Format::kF32:                           \
      asm volatile("f" name "s %0" : : "m"(bits));  \
      break;                                        \
    case F80Format::kF64:                           \
      asm volatile("f" name "l %0" : : "m"(bits));  \
      break;                                        \
    case F80Format::kI16:                           \
      asm volatile("fi" name "s %0" : : "m"(bits)); \
      break;                                        \
    default:                                        \
      asm volatile("fi" name "l %0" : : "m"(bits)); \
  }                                                 \
  break

void operate_with(F80Op op, F80Format format, uint64_t bits) {
  switch (op) {
    case F80Op::kAdd:
      MYNAH_F80_WITH("add");
    case F80Op::kMul:
      MYNAH_F80_WITH("mul");
    case F80Op::kSub:
      MYNAH_F80_WITH("sub");
    case F80Op::kSubReverse:
      MYNAH_F80_WITH("subr");
    case F80Op::kDiv:
      MYNAH_F80_WITH("div");
    case F80Op::kDivReverse:
      MYNAH_F80_WITH("divr");
  }
}

// ST(0) with the operand; it goes.
void compare_with(F80Format format, uint64_t bits) {
  do {
    MYNAH_F80_WITH("comp");
  } while (false);
}

// Not what lies behind the ten bytes.
void copy(F80Register& to, const F80Register& from) {
  to.significand = from.significand;
  to.sign_exponent = from.sign_exponent;
}
void push(const F80Register& from) { asm volatile("fldt %0" : : "m"(from)); }
void pop(F80Register& to) { asm volatile("fstpt %0" : "=m"(to)); }
void drop() { asm volatile("fstp %st(0)"); }

uint64_t store(F80Format format, bool truncate) {
  uint64_t bits = 0;
  switch (format) {
    case F80Format::kF32:
      asm volatile("fstps %0" : "+m"(bits));
      break;
    case F80Format::kF64:
      asm volatile("fstpl %0" : "+m"(bits));
      break;
    case F80Format::kI16:
      if (truncate)
        asm volatile("fisttps %0" : "+m"(bits));
      else
        asm volatile("fistps %0" : "+m"(bits));
      break;
    case F80Format::kI32:
      if (truncate)
        asm volatile("fisttpl %0" : "+m"(bits));
      else
        asm volatile("fistpl %0" : "+m"(bits));
      break;
    case F80Format::kI64:
      if (truncate)
        asm volatile("fisttpll %0" : "+m"(bits));
      else
        asm volatile("fistpll %0" : "+m"(bits));
      break;
  }
  return bits;
}

// ST(0) with ST(1); both go.
void compare(bool signaling) {
  if (signaling)
    asm volatile("fcompp");
  else
    asm volatile("fucompp");
}

uint32_t compare_flags(bool signaling) {
  uint64_t flags;
  if (signaling)
    asm volatile("fcomip %%st(1), %%st\n\tpushfq\n\tpopq %0" : "=r"(flags) : : "cc");
  else
    asm volatile("fucomip %%st(1), %%st\n\tpushfq\n\tpopq %0" : "=r"(flags) : : "cc");
  drop();
  return pack_flags(false, flags & 1 << 6, flags & 1, false, flags & 1 << 2);
}

}  // namespace

V128 evaluate_f80(const OpInput& in, uint8_t* state) {
  F80File& file = *reinterpret_cast<F80File*>(state + in.imm);
  const auto reg = [&](unsigned k) -> F80Register& {
    return *reinterpret_cast<F80Register*>(state + in.imm + in.args[k].lo);
  };
  const auto format =
      static_cast<F80Format>(in.op == Op::f80_load || in.op == Op::f80_store ? in.aux & 15 : in.aux >> 4);
  switch (in.op) {
    case Op::f80_load:
      load_operand(format, in.args[1].lo);
      pop(reg(0));
      clear_c1(file);
      return {};
    case Op::f80_copy:
      copy(reg(0), reg(1));
      clear_c1(file);
      return {};
    case Op::f80_exchange: {
      const F80Register a = reg(0);
      copy(reg(0), reg(1));
      copy(reg(1), a);
      clear_c1(file);
      return {};
    }
    case Op::f80_sign:
      reg(0).sign_exponent =
          in.aux & 1 ? reg(0).sign_exponent ^ 0x8000 : static_cast<uint16_t>(reg(0).sign_exponent & 0x7fff);
      clear_c1(file);
      return {};
    case Op::f80_constant:
      load_constant(static_cast<F80Constant>(in.aux));
      pop(reg(0));
      clear_c1(file);
      return {};
    case Op::f80_store: {
      push(reg(0));
      const uint64_t bits = store(format, in.aux & kF80Truncate);
      set_status(file, host_status());
      return {bits, 0};
    }
    case Op::f80_op:
      push(reg(1));
      push(reg(0));
      operate(static_cast<F80Op>(in.aux & 15));
      set_status(file, host_status());
      pop(reg(0));
      drop();
      return {};
    case Op::f80_op_with:
      push(reg(0));
      operate_with(static_cast<F80Op>(in.aux & 15), format, in.args[1].lo);
      set_status(file, host_status());
      pop(reg(0));
      return {};
    case Op::f80_compare:
      push(reg(1));
      push(reg(0));
      compare(in.aux & 1);
      set_status(file, host_status());
      return {};
    case Op::f80_compare_with:
      push(reg(0));
      compare_with(format, in.args[1].lo);
      set_status(file, host_status());
      return {};
    case Op::f80_compare_flags: {
      push(reg(1));
      push(reg(0));
      const uint32_t flags = compare_flags(in.aux & 1);
      clear_c1(file);
      return {flags, 0};
    }
    case Op::f80_root:
      push(reg(0));
      asm volatile("fsqrt");
      set_status(file, host_status());
      pop(reg(0));
      return {};
    case Op::f80_round:
      push(reg(0));
      asm volatile("frndint");
      set_status(file, host_status());
      pop(reg(0));
      return {};
    case Op::f80_control: {
      file.control = static_cast<uint32_t>(in.args[0].lo);
      const auto control = static_cast<uint16_t>(file.control | kF80Exceptions);
      asm volatile("fldcw %0" : : "m"(control));
      return {};
    }
    case Op::f80_set:
      reg(0).significand = in.args[1].lo;
      reg(0).sign_exponent = static_cast<uint16_t>(in.args[2].lo);
      if (in.aux & 1) clear_c1(file);
      return {};
    case Op::f80_significand:
      return {reg(0).significand, 0};
    case Op::f80_exponent:
      return {reg(0).sign_exponent, 0};
    default:  // f80_status
      return {(host_status() & kF80Exceptions) | (file.status & kF80Conditions), 0};
  }
}

void load_f80(const F80File& file) {
  HostEnvironment e;
  asm volatile("fnstenv %0" : "=m"(e));
  e.control = (file.control & 0xffff) | kF80Exceptions;
  e.status = file.status & kF80Exceptions;
  e.tag = 0xffff;
  asm volatile("fldenv %0" : : "m"(e));
}

void store_f80(F80File& file) {
  file.status = (file.status & ~kF80Exceptions) | (host_status() & kF80Exceptions);
}

}  // namespace mynah::ir
