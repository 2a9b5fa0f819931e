// SPDX-License-Identifier: Apache-2.0
//
// What a block holds of the x87's stack on its way is in the state wherever somebody looks: at faults, behind
// misses of the TLB, in images, at stack faults; and one piece of code serves any TOP and tags.
#include <bit>

#include "frontend/x86/x87.h"
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(X87);

namespace {

constexpr uint64_t kNowhere = uint64_t{1} << 63;  // not canonical

BareMachine& prepared(BareMachine& m) {
  m.s().cr4 |= cr4::kOsfxsr;
  m.cpu->changed();
  m.r(kRbx) = kData;
  m.r(kRdi) = kNowhere;
  return m;
}

struct Stack {
  unsigned top;
  uint8_t tags;  // from the top
};
void expect_stack(BareMachine& m, Stack stack) {
  const X87Image image = x87_image(*m.cpu);
  EXPECT_EQ(image.status >> 11 & 7, stack.top);
  EXPECT_EQ(std::rotr(image.tags, static_cast<int>(stack.top)), stack.tags);
}
void expect_st(BareMachine& m, unsigned i, uint16_t sign_exponent, uint64_t significand) {
  const F80 r = x87_image(*m.cpu).stack[i];
  EXPECT_EQ(r.sign_exponent, sign_exponent) << "ST(" << i << ")";
  EXPECT_EQ(r.significand, significand) << "ST(" << i << ")";
}
constexpr uint64_t kPi = 0xc90fdaa22168c235, kHalf = uint64_t{1} << 63;

}  // namespace

TEST_P(X87, FaultAmongValues) {
  MYNAH_NOT_ON_HOST("its state is not asked");
  BareMachine m(options(Start::kLong64));
  prepared(m);
  // fninit; fld1; fldpi; fadd st1, st0; fxch; fldz; fstp qword [rdi]: #GP
  m.run({0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xeb, 0xdc, 0xc1, 0xd9, 0xc9, 0xd9, 0xee, 0xdd, 0x1f, 0xf4});
  ASSERT_EQ(m.vector(), 13u);
  EXPECT_EQ(m.frame(1), kCode + 12);
  expect_stack(m, {5, 7});
  expect_st(m, 0, 0, 0);
  expect_st(m, 1, 0x4001, 0x8487ed5110b4611a);
  expect_st(m, 2, 0x4000, kPi);
  EXPECT_EQ(x87_image(*m.cpu).status & 0x3f, 0x20);  // the sum is not exact
}

// What was popped stays in its register.
TEST_P(X87, PoppedValuesStay) {
  MYNAH_NOT_ON_HOST("its state is not asked");
  BareMachine m(options(Start::kLong64));
  prepared(m);
  // fninit; fldpi; fld1; fstp qword [rbx]; fstp qword [rbx + 8]; hlt
  m.run({0xdb, 0xe3, 0xd9, 0xeb, 0xd9, 0xe8, 0xdd, 0x1b, 0xdd, 0x5b, 0x08, 0xf4});
  expect_stack(m, {0, 0});
  expect_st(m, 7, 0x4000, kPi);
  expect_st(m, 6, 0x3fff, kHalf);
  EXPECT_EQ(m.get<uint64_t>(kData), 0x3ff0000000000000u);
  EXPECT_EQ(m.get<uint64_t>(kData + 8), 0x400921fb54442d18u);
}

// Every access is the first one of its page, so each guard misses, in the middle of values and of conditions
// that only the host has: C1 of a sum that was rounded up, C0 of a compare.
TEST_P(X87, MissesAmongValues) {
  BareMachine m(options(Start::kLong64));
  prepared(m);
  m.put<uint64_t>(kData + 0x1000, 0x4000000000000000);  // 2.0
  m.put<uint32_t>(kData + 0x2000, 5);
  // fninit; fldpi; fld1; fadd st0, st1; mov eax, [rbx]; fnstsw ax; mov ecx, eax;
  // fadd qword [rbx + 0x1000]; fcom st1; fisub dword [rbx + 0x2000]; fcom st1; mov edx, [rbx + 0x3000];
  // fnstsw ax; fst qword [rbx + 0x4000]; fxch; fst qword [rbx + 0x5000]; hlt
  m.run({0xdb, 0xe3, 0xd9, 0xeb, 0xd9, 0xe8, 0xd8, 0xc1, 0x8b, 0x03, 0xdf, 0xe0, 0x89, 0xc1,
         0xdc, 0x83, 0,    0x10, 0,    0,    0xd8, 0xd1, 0xda, 0xa3, 0,    0x20, 0,    0,
         0xd8, 0xd1, 0x8b, 0x93, 0,    0x30, 0,    0,    0xdf, 0xe0, 0xdd, 0x93, 0,    0x40,
         0,    0,    0xd9, 0xc9, 0xdd, 0x93, 0,    0x50, 0,    0,    0xf4});
  EXPECT_EQ(m.r(kRcx) & 0xffff, 0x3020u);                           // TOP 6, inexact; not rounded up
  EXPECT_EQ(m.r(kRax) & 0x7fff, 0x3120u);                           // TOP 6, inexact, less
  EXPECT_EQ(m.get<uint64_t>(kData + 0x4000), 0x3ff243f6a8885a31u);  // pi + 1 + 2 - 5
  EXPECT_EQ(m.get<uint64_t>(kData + 0x5000), 0x400921fb54442d18u);
}

// Images in the same block as the values: FXSAVE, FNSAVE (which empties), FRSTOR, EMMS and MMX.
TEST_P(X87, ImagesAmongValues) {
  BareMachine m(options(Start::kLong64));
  prepared(m);
  // fninit; fldpi; fld1; fchs; fxsave [rbx]; fxch; fnsave [rbx + 0x200]; fld1; frstor [rbx + 0x200];
  // fst qword [rbx + 0x300]; movq mm0, mm7; movq [rbx + 0x308], mm6; emms; fldpi; fst qword [rbx + 0x310];
  // fnstsw ax; hlt
  m.run({0xdb, 0xe3, 0xd9, 0xeb, 0xd9, 0xe8, 0xd9, 0xe0, 0x0f, 0xae, 0x03, 0xd9, 0xc9, 0xdd,
         0xb3, 0,    2,    0,    0,    0xd9, 0xe8, 0xdd, 0xa3, 0,    2,    0,    0,    0xdd,
         0x93, 0,    3,    0,    0,    0x0f, 0x6f, 0xc7, 0x0f, 0x7f, 0xb3, 8,    3,    0,
         0,    0x0f, 0x77, 0xd9, 0xeb, 0xdd, 0x93, 0x10, 3,    0,    0,    0xdf, 0xe0, 0xf4});
  EXPECT_EQ(m.get<uint16_t>(kData + 2) & 0x3800, 0x3000);
  EXPECT_EQ(m.get<uint8_t>(kData + 4), 0xc0);
  EXPECT_EQ(m.get<uint64_t>(kData + 32), kHalf);
  EXPECT_EQ(m.get<uint16_t>(kData + 40), 0xbfff);
  EXPECT_EQ(m.get<uint64_t>(kData + 48), kPi);
  EXPECT_EQ(m.get<uint16_t>(kData + 0x200 + 4) & 0x3800, 0x3000);
  EXPECT_EQ(m.get<uint64_t>(kData + 0x200 + 28), kPi);
  EXPECT_EQ(m.get<uint64_t>(kData + 0x300), 0x400921fb54442d18u);
  EXPECT_EQ(m.get<uint64_t>(kData + 0x308), kPi);
  EXPECT_EQ(m.get<uint64_t>(kData + 0x310), 0x400921fb54442d18u);
  EXPECT_EQ(m.r(kRax) & 0x3800, 0x3800u);
}

// One more than the stack has, in one block, and one less.
TEST_P(X87, StackFaultsAmongValues) {
  MYNAH_NOT_ON_HOST("its state is not asked");
  for (const bool overflow : {true, false}) {
    BareMachine m(options(Start::kLong64));
    prepared(m);
    std::vector<uint8_t> code = {0xdb, 0xe3};
    for (unsigned n = 0; n < (overflow ? 9u : 1u); ++n) code.insert(code.end(), {0xd9, 0xe8});
    if (!overflow) code.insert(code.end(), {0xde, 0xc1});  // faddp
    code.push_back(0xf4);
    m.load(kCode, code);
    m.run_at(kCode);
    EXPECT_TRUE(m.halted_at(kCode + code.size()));
    const X87Image image = x87_image(*m.cpu);
    EXPECT_EQ(image.status & 0x241, overflow ? 0x241 : 0x41);  // C1, SF, IE
    expect_st(m, 0, 0xffff, uint64_t{3} << 62);
    expect_stack(m, overflow ? Stack{7, 0xff} : Stack{0, 1});
  }
}

// Each round of the loop finds the stack one deeper; each call of the function, too.
TEST_P(X87, OneCodeForEveryTop) {
  BareMachine m(options(Start::kLong64));
  prepared(m);
  m.load(kCode + 0x100, {0xd8, 0xc0, 0xd9, 0xe0, 0xd9, 0xe1, 0xc3});  // fadd st0, st0; fchs; fabs; ret
  // fninit; mov ecx, 7; l: fld1; call f; dec ecx; jnz l;
  // mov ecx, 6; m: call f; faddp; dec ecx; jnz m; fstp qword [rbx]; fnstsw ax; hlt
  m.run({0xdb, 0xe3, 0xb9, 7,    0,    0,    0,    0xd9, 0xe8, 0xe8, 0xf2, 0,    0,
         0,    0xff, 0xc9, 0x75, 0xf5, 0xb9, 6,    0,    0,    0,    0xe8, 0xe4, 0,
         0,    0,    0xde, 0xc1, 0xff, 0xc9, 0x75, 0xf5, 0xdd, 0x1b, 0xdf, 0xe0, 0xf4});
  // Sums of twice the last one and 2: 2, 6, 14, ...
  EXPECT_EQ(std::bit_cast<double>(m.get<uint64_t>(kData)), 254.0);
  EXPECT_EQ(m.r(kRax) & 0x7fff, 0u);
}

// An exception that is not masked comes from the middle of what is held, and waits for the next instruction.
TEST_P(X87, UnmaskedInTheMiddle) {
  MYNAH_NOT_ON_HOST("its state is not asked");
  BareMachine m(options(Start::kLong64));
  prepared(m);
  m.s().cr0 |= cr0::kNe;
  m.cpu->changed();
  m.put<uint16_t>(kData, 0x37b);  // division by zero is not masked
  // fninit; fldpi; fld1; fldcw [rbx]; fldz; fdivp st1, st0; fxch; hlt
  m.run({0xdb, 0xe3, 0xd9, 0xeb, 0xd9, 0xe8, 0xd9, 0x2b, 0xd9, 0xee, 0xde, 0xf9, 0xd9, 0xc9, 0xf4});
  EXPECT_EQ(m.vector(), 16u);
  EXPECT_EQ(m.frame(0), kCode + 12);
  expect_stack(m, {5, 7});  // nothing is popped
  expect_st(m, 0, 0, 0);
  expect_st(m, 1, 0x3fff, kHalf);
  expect_st(m, 2, 0x4000, kPi);
}

// A loop of eight registers, more than once round: every place of the host's stack is used, and integer
// stores of 64 bits want one more.
TEST_P(X87, FullStackInALoop) {
  BareMachine m(options(Start::kLong64));
  prepared(m);
  // fninit; (fld1) x 8; mov ecx, 10; l: fadd st0, st7; fxch st7; fadd st3, st0; fxch st3; fld st.. (none);
  // fst qword [rbx]; fistp qword [rbx + 8]; fild qword [rbx + 8]; dec ecx; jnz l; fnstsw ax; hlt
  m.run({0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8, 0xd9, 0xe8,
         0xd9, 0xe8, 0xb9, 10,   0,    0,    0,    0xd8, 0xc7, 0xd9, 0xcf, 0xdc, 0xc3, 0xd9, 0xcb, 0xdd,
         0x13, 0xdf, 0x7b, 8,    0xdf, 0x6b, 8,    0xff, 0xc9, 0x75, 0xec, 0xdf, 0xe0, 0xf4});
  double s0 = 1, s3 = 1, s7 = 1;
  for (unsigned n = 0; n < 10; ++n) {
    s0 += s7;
    std::swap(s0, s7);
    s3 += s0;
    std::swap(s0, s3);
  }
  EXPECT_EQ(std::bit_cast<double>(m.get<uint64_t>(kData)), s0);
  EXPECT_EQ(m.get<uint64_t>(kData + 8), static_cast<uint64_t>(s0));
  EXPECT_EQ(m.r(kRax) & 0x787f, 0u);
}

}  // namespace mynah::test
