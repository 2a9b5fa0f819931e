// SPDX-License-Identifier: Apache-2.0
//
// Host instructions a guest instruction, for blocks of the kinds that programs and kernels are made of: those
// on the way through the block, without its cold stubs. blocks.txt holds what they are;
// MYNAH_UPDATE_GOLDENS=1 writes it anew. The host code is that of a processor with AVX2, BMI2, AES and SHA.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "backend-x86_64/backend.h"
#include "backend-x86_64/target.h"
#include "tests/engine/bare_machine.h"

namespace mynah::test {
namespace {

struct Block {
  const char* name;
  const char* code;
  std::vector<a64asm::Word> words;
};
const Block kBlocks[] = {
    {"sum of words",
     "ldr w2, [x0], #4; add w1, w1, w2; subs x3, x3, #1; b.ne .",
     {0xb8404402, 0x0b020021, 0xf1000463, 0x54ffffa1}},
    {"copy of 32 bytes",
     "ldp x4, x5, [x1]; ldp x6, x7, [x1, #16]; stp x4, x5, [x0]; stp x6, x7, [x0, #16]; add x1, x1, #32; add "
     "x0, x0, #32; subs x2, x2, #32; b.hi .",
     {0xa9401424, 0xa9411c26, 0xa9001404, 0xa9011c06, 0x91008021, 0x91008000, 0xf1008042, 0x54ffff28}},
    {"length of a string", "ldrb w2, [x1], #1; cbnz w2, .", {0x38401422, 0x35ffffe2}},
    {"list",
     "ldr x1, [x0, #16]; add x2, x2, x1; ldr x0, [x0, #8]; cbnz x0, .",
     {0xf9400801, 0x8b010042, 0xf9400400, 0xb5ffffa0}},
    {"hash",
     "ldrb w3, [x1], #1; eor w0, w0, w3; mul w0, w0, w4; cmp x1, x2; b.ne .",
     {0x38401423, 0x4a030000, 0x1b047c00, 0xeb02003f, 0x54ffff81}},
    {"table lookup",
     "and w2, w0, #0xff; lsr w0, w0, #8; ldr w3, [x4, w2, uxtw #2]; eor w0, w0, w3; b .",
     {0x12001c02, 0x53087c00, 0xb8625883, 0x4a030000, 0x14000000}},
    {"prologue",
     "stp x29, x30, [sp, #-48]!; mov x29, sp; stp x19, x20, [sp, #16]; str x21, [sp, #32]; mov x19, x0; bl .",
     {0xa9bd7bfd, 0x910003fd, 0xa90153f3, 0xf90013f5, 0xaa0003f3, 0x94000000}},
    {"epilogue",
     "ldp x19, x20, [sp, #16]; ldr x21, [sp, #32]; ldp x29, x30, [sp], #48; ret",
     {0xa94153f3, 0xf94013f5, 0xa8c37bfd, 0xd65f03c0}},
    {"switch",
     "cmp w0, #9; b.hi .+32; adrp x1, .; add x1, x1, #64; ldr x1, [x1, w0, uxtw #3]; br x1",
     {0x7100241f, 0x54000108, 0x90000001, 0x91010021, 0xf8605821, 0xd61f0020}},
    {"compare and select",
     "cmp x0, x1; csel x0, x0, x1, lt; cmp x0, #0; cset w2, ne; add w2, w2, w3; ret",
     {0xeb01001f, 0x9a81b000, 0xf100001f, 0x1a9f07e2, 0x0b030042, 0xd65f03c0}},
    {"lock taken, with exclusives",
     "ldaxr w1, [x0]; cbnz w1, .+12; stxr w2, w3, [x0]; cbnz w2, .",
     {0x885ffc01, 0x35000061, 0x88027c03, 0x35ffffa2}},
    {"atomic add", "ldadd w1, w2, [x0]; add w2, w2, w1; ret", {0xb8210002, 0x0b010042, 0xd65f03c0}},
    {"interrupts off and on",
     "mrs x1, daif; msr daifset, #2; ldr w2, [x0]; add w2, w2, #1; str w2, [x0]; msr daif, x1; ret",
     {0xd53b4221, 0xd50342df, 0xb9400002, 0x11000442, 0xb9000002, 0xd51b4221, 0xd65f03c0}},
    {"time since",
     "mrs x1, cntvct_el0; sub x2, x1, x0; mov x0, x1; ret",
     {0xd53be041, 0xcb000022, 0xaa0103e0, 0xd65f03c0}},
    {"time in a function",
     "add x3, x3, x4; ldr x5, [x6]; mrs x1, cntvct_el0; sub x2, x1, x5; add x7, x3, x2; ret",
     {0x8b040063, 0xf94000c5, 0xd53be041, 0xcb050022, 0x8b020067, 0xd65f03c0}},
    {"cache lines cleaned",
     "dc cvac, x0; add x0, x0, x2; cmp x0, x1; b.cc .",
     {0xd50b7a20, 0x8b020000, 0xeb01001f, 0x54ffffa3}},
    {"control register written",
     "add x3, x3, x4; msr cntkctl_el1, x3; ldr x5, [x3]; add x3, x5, x4; ret",
     {0x8b040063, 0xd518e103, 0xf9400065, 0x8b0400a3, 0xd65f03c0}},
    {"a * x + y in double",
     "ldr d1, [x0], #8; ldr d2, [x1]; fmadd d2, d1, d0, d2; str d2, [x1], #8; subs x2, x2, #1; b.ne .",
     {0xfc408401, 0xfd400022, 0x1f400822, 0xfc008422, 0xf1000442, 0x54ffff61}},
    {"sum of float vectors",
     "ldr q1, [x0], #16; fadd v0.4s, v0.4s, v1.4s; subs x2, x2, #1; b.ne .",
     {0x3cc10401, 0x4e21d400, 0xf1000442, 0x54ffffa1}},
    {"SHA-256 rounds",
     "sha256su0 v4.4s, v5.4s; mov v2.16b, v0.16b; add v16.4s, v4.4s, v20.4s; sha256h q0, q1, v16.4s; "
     "sha256h2 q1, q2, v16.4s; sha256su1 v4.4s, v6.4s, v7.4s; b .",
     {0x5e2828a4, 0x4ea01c02, 0x4eb48490, 0x5e104020, 0x5e105041, 0x5e0760c4, 0x14000000}},
    {"AES round",
     "aese v0.16b, v1.16b; aesmc v0.16b, v0.16b; aese v0.16b, v2.16b; aesmc v0.16b, v0.16b; b .",
     {0x4e284820, 0x4e286800, 0x4e284840, 0x4e286800, 0x14000000}},
};

struct Count {
  unsigned guest = 0, host = 0;
};

// Up to the way out that the block's last instruction is. helper_calls: those before it, which come back.
unsigned instructions_on_the_way(const std::string& text, unsigned helper_calls) {
  std::istringstream in(text);
  std::string line;
  unsigned count = 0;
  while (std::getline(in, line)) {
    ++count;
    if (line.find(" call ") != line.npos && helper_calls) {
      --helper_calls;
      continue;
    }
    if (line.find(" call ") != line.npos || line.find(" jmp qword") != line.npos ||
        line.find(" jmp [") != line.npos)
      break;
  }
  return count;
}

Count count_of(const Block& block) {
  BareMachine m;
  m.state().cpacr = 3 << 20;  // FP and AdvSIMD do not trap
  m.load(kCode, block.words);
  const auto backend = x86_64::make_backend();
  Count count;
  m.vcpu->translator()->log.out_asm = [&](const ir::Region& region, std::span<const uint8_t> code,
                                          uint64_t at) {
    if (count.guest) return;
    count.guest = region.guest_insts;
    const auto calls = std::count_if(region.insts.begin(), region.insts.end(),
                                     [](const ir::Inst& i) { return i.op == ir::Op::call; });
    count.host = instructions_on_the_way(backend->disassemble(code, at), static_cast<unsigned>(calls));
  };
  m.run(1);
  return count;
}

TEST(Counts, HostInstructions) {
  const auto& f = x86_64::host_features();
  if (!f.avx2 || !f.bmi2 || !f.bmi1 || !f.lzcnt || !f.aes || !f.sha)
    GTEST_SKIP() << "needs AVX2, BMI2, AES and SHA";
  std::string text = "; block: guest instructions, host instructions, the second by the first\n";
  for (const Block& block : kBlocks) {
    const Count c = count_of(block);
    ASSERT_EQ(c.guest % block.words.size(), 0u) << block.name;  // a loop goes round
    char line[160];
    std::snprintf(line, sizeof line, "%-28s %3u %4u %6.2f\n", block.name, c.guest, c.host,
                  static_cast<double>(c.host) / c.guest);
    text += line;
  }
  const std::string path = MYNAH_SOURCE_DIR "/tests/counts/blocks.txt";
  if (std::getenv("MYNAH_UPDATE_GOLDENS")) {
    std::ofstream(path) << text;
    return;
  }
  std::stringstream expected;
  expected << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, expected.str()) << "set MYNAH_UPDATE_GOLDENS=1 to accept";
}

}  // namespace
}  // namespace mynah::test
