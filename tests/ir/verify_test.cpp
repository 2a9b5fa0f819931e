// SPDX-License-Identifier: Apache-2.0
//
// What the verifier refuses, one violation a case.
#include "ir/verify.h"

#include <gtest/gtest.h>

#include "ir/text.h"
#include "tests/ir/ir_test_support.h"

namespace mynah::ir::test {
namespace {

// The message for a block that starts with values of every type and ends with an exit.
std::string error(const std::string& lines, const std::string& end = "exit @0x1004 #1") {
  const std::string text = R"(region @0x1000 {
  %0:i64 = get x0
  %1:i32 = get w0
  %2:v128 = get v0
  %3:f32 = get s0
  %4:f64 = get d0
  %5:i1 = get c0
  %6:flags = get nzcv
  %7:ptr = guard.write.rw %0, 0..8 by 8 @0x1000 #0
)" + lines + "\n" + end + "\n}\n";
  Region r;
  const std::string parsed = parse(text, test_slots(), r);
  EXPECT_EQ(parsed, "");
  return verify(r);
}

TEST(Verify, AcceptsWhatIsRight) {
  EXPECT_EQ(error(R"(
  %8:i64 = add %0, %0
  %9:i32 = crc32 %1, %0, 8
  %10:f64 = fcvt %3
  %11:i64 = load.s.signed [%7 + 4]
  %12:i64 = call 3, %0, %1
  call 4 @0x1000 #0)"),
            "%12 call: may leave, but has no snapshot");
  EXPECT_EQ(error("%8:i64 = call 3, %0, %1 @0x1000 #0 {x1=%0}"), "");
}

TEST(Verify, Flags) {
  EXPECT_EQ(
      error("%8:flags = fl_sbc.h.borrow %0, %0, %5\n%9:i1 = cond.po %8\n%10:flags = fl_merge %8, %6, 0x1400"),
      "");
  EXPECT_EQ(error("%8:flags = fl_add.borrow %0, %0"), "%8 fl_add: borrows nothing");
  EXPECT_EQ(error("%8:flags = fl_and %0, %0, aux=3"), "%8 fl_and: no such width");
  EXPECT_EQ(error("%8:flags = fl_merge %6, %6, 2"), "%8 fl_merge: no such flags");
  EXPECT_EQ(error("%8:i1 = icmp.pe %0, %0"), "%8 icmp: no such condition");
}

TEST(Verify, Types) {
  EXPECT_EQ(error("%8:i64 = add %0, %1"), "%8 add: argument 1 has type i32");
  EXPECT_EQ(error("%8:f32 = add %3, %3"), "%8 add: cannot have type f32");
  EXPECT_EQ(error("%8:i1 = icmp.eq %0, %1"), "%8 icmp: arguments differ in type");
  EXPECT_EQ(error("%8:i64 = trunc %0"), "%8 trunc: cannot have type i64");
  EXPECT_EQ(error("%8:i64 = zext32 %0"), "%8 zext32: argument 0 has type i64");
  EXPECT_EQ(error("%8:i64 = select %0, %0, %0"), "%8 select: argument 0 has type i64");
  EXPECT_EQ(error("%8:i1 = cond.eq %5"), "%8 cond: argument 0 has type i1");
  EXPECT_EQ(error("%8:v128 = vadd.b %2, %4"), "%8 vadd: argument 1 has type f64");
  EXPECT_EQ(error("%8:f32 = fcvt %3"), "%8 fcvt: converts between two formats");
  EXPECT_EQ(error("%8:i64 = load.d [%0]"), "%8 load: argument 0 has type i64");
  EXPECT_EQ(error("%8:i64 = get w0"), "%8 get: the slot has another type");
  EXPECT_EQ(error("set w0, %0"), "%8 set: the slot has another type");
  EXPECT_EQ(error("%8:i32 = umulh %1, %1"), "%8 umulh: cannot have type i32");
  EXPECT_EQ(error("%8:i64 = fence"), "%8 fence: cannot have type i64");
  EXPECT_EQ(error("store.d [%7], %5"), "%8 store: no type for memory");
}

TEST(Verify, Attributes) {
  EXPECT_EQ(error("%8:i64 = extr %0, %0, 64"), "%8 extr: no such shift");
  EXPECT_EQ(error("%8:i64 = ubfx %0, 60, 5"), "%8 ubfx: no such field");
  EXPECT_EQ(error("%8:i1 = testbit %1, 32"), "%8 testbit: no such bit");
  EXPECT_EQ(error("%8:i1 = icmpz.hi %0"), "%8 icmpz: compares with eq or ne");
  EXPECT_EQ(error("%8:v128 = vdup_lane.d %2, 2"), "%8 vdup_lane: no such lane");
  EXPECT_EQ(error("%8:v128 = vshl_imm.h %2, 16"), "%8 vshl_imm: shifts by the lane's width or more");
  EXPECT_EQ(error("%8:v128 = vxtn.b %2"), "%8 vxtn: bytes have no half");
  EXPECT_EQ(error("%8:v128 = fadd %2, %2"), "%8 fadd: names no format");
  EXPECT_EQ(error("%8:f32 = fadd.d %3, %3"), "%8 fadd: format and type differ");
  EXPECT_EQ(error("%8:f32 = fadd %3, %3"), "");
  EXPECT_EQ(error("%8:i32 = load.d [%7]"), "%8 load: accesses more than its type holds");
  EXPECT_EQ(error("%8:f32 = load.d [%7]"), "%8 load: accesses more or less than its type holds");
  EXPECT_EQ(error("%8:i64 = xchg.d.signed [%7], %0"), "%8 xchg: only loads of integers extend signs");
  EXPECT_EQ(error("%8:ptr = guard.read %0, 0..0 by 1 @0x1000 #0"), "%8 guard: covers nothing");
  EXPECT_EQ(error("%8:i64 = load.d [%7 + 1]"), "%8 load: accesses what its guard does not cover");
  EXPECT_EQ(error("%8:i64 = load.b [%7 + -1]"), "%8 load: accesses what its guard does not cover");
  EXPECT_EQ(error("%8:v128 = cas128.q [%7], %2, %2"), "%8 cas128: accesses what its guard does not cover");
  EXPECT_EQ(error("%8:ptr = guard.read %0, 0..8 by 8 @0x1000 #0\nstore.d [%8], %0"),
            "%9 store: writes, but its guard is for reading");
  EXPECT_EQ(error("%8:ptr = guard.write %0, 0..8 by 8 @0x1000 #0\n%9:i64 = load.d [%8]"),
            "%9 load: reads, but its guard is for writing alone");
  EXPECT_EQ(error("%8:v128 = vadd.b %2, %2, aux=0x20"), "%8 vadd: no such lane size");
  EXPECT_EQ(error("%8:i32 = fto_int %3, round, imm=0x7"), "%8 fto_int: no such rounding");
}

TEST(Verify, Blocks) {
  EXPECT_EQ(error("exit @0x1004 #1"), "%8 exit: a block ends with its only ending op");
  EXPECT_EQ(error("", "set x0, %0"), "%8 set: a block ends with its only ending op");
  EXPECT_EQ(error("%8:i64 = param"), "%8 param: parameters come first in their block");
  EXPECT_EQ(error("", "jump block7"), "%8 jump: no such block");
  EXPECT_EQ(error("", "jump block0"), "%8 jump: jumps to the region's entry");
  Region empty;
  EXPECT_EQ(verify(empty), "the region has no block");
}

TEST(Verify, Dominance) {
  Region r;
  ASSERT_EQ(parse(R"(region @0x1000 {
block0:
  %0:i64 = get x0
  %1:i1 = get c0
  branch %1, block1, block2
block1:
  %3:i64 = neg %0
  jump block2
block2:
  %5:i64 = neg %3
  exit @0x1004 #1
}
)",
                  test_slots(), r),
            "");
  EXPECT_EQ(verify(r), "%5 neg: %3 does not reach this block on every path");
  r.insts[5].args[0] = 6;
  EXPECT_EQ(verify(r), "%5 neg: %6 is not defined above");
  r.insts[5].args[0] = 2;
  EXPECT_EQ(verify(r), "%5 neg: %2 is no value");
}

TEST(Verify, JumpArguments) {
  Region r;
  const std::string text = R"(region @0x1000 {
block0:
  %0:i64 = get x0
  %1:i32 = get w0
  jump block1(%0)
block1:
  %3:i64 = param
  exit @0x1004 #1 {x0=%3}
}
)";
  ASSERT_EQ(parse(text, test_slots(), r), "");
  EXPECT_EQ(verify(r), "");
  r.jump_arguments[0] = 1;
  EXPECT_EQ(verify(r), "%2 jump: passes a value of another type");
  r.edges[0].count = 0;
  EXPECT_EQ(verify(r), "%2 jump: passes more or fewer values than its target takes");
  r.edges.clear();
  EXPECT_EQ(verify(r), "%2 jump: has no such edge");
}

TEST(Verify, Snapshots) {
  EXPECT_EQ(error("", "exit 0x1004"), "%8 exit: may leave, but has no snapshot");
  EXPECT_EQ(error("%8:i64 = neg %0 @0x1004 #1"), "%8 neg: has a snapshot, but never leaves");
  EXPECT_EQ(error("exit_if %5, 0x1000 @0x1004 #1 {w0=%0}"), "%8 exit_if: its snapshot gives w0 another type");
  EXPECT_EQ(error("exit_if %5, 0x1000 @0x1004 #1 {x0=%0, x0=%0}"), "%8 exit_if: its snapshot names x0 twice");
}

}  // namespace
}  // namespace mynah::ir::test
