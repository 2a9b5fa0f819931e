// SPDX-License-Identifier: Apache-2.0
//
// The generator finds what is known to exist, and says what it leaves out.
#include "tests/x86_oracle/forms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace mynah::x86_oracle {
namespace {

TEST(Forms, Enumeration) {
  for (const Mode mode : {Mode::k64, Mode::k32}) {
    std::vector<std::string> excluded;
    const std::vector<Form> forms = all_forms(mode, &excluded);
    std::map<std::string, unsigned> names;
    for (const Form& f : forms) ++names[f.name];
    for (const char* name :
         {"lock xadd m32, r32", "rep movsb", "repne scasw", "fadd st0, st", "pshufb mm, m64",
          "vfmadd231pd ymm, ymm, m256", "vpgatherdd xmm, vm32, xmm", "crc32 r32, m16", "sha256rnds2 xmm, xmm",
          "fld m80", "mov m64, imm32", "popcnt r16, m16"}) {
      if (mode == Mode::k32 && std::string_view(name) == "mov m64, imm32") continue;
      EXPECT_TRUE(names.count(name)) << name;
    }
    EXPECT_GT(forms.size(), 2500u);
    std::printf("%zu forms in %s-bit mode\n", forms.size(), mode == Mode::k64 ? "64" : "32");
    if (std::getenv("MYNAH_ORACLE_LIST")) {
      for (const Form& f : forms)
        std::printf("  %s: %s\n", std::string(group_name(f.group)).c_str(), f.name.c_str());
      for (const auto& line : excluded) std::printf("  excluded: %s\n", line.c_str());
    }
  }
}

}  // namespace
}  // namespace mynah::x86_oracle
