// SPDX-License-Identifier: Apache-2.0
//
// The generator against the host alone: each form is found again, and most cases run to their end.
#include <gtest/gtest.h>

#include <map>

#include "tests/x86_oracle/host_cpu.h"
#include "tests/x86_oracle/random_case.h"

namespace mynah::x86_oracle {
namespace {

TEST(HostForms, RunToTheirEnd) {
  std::string why;
  HostCpu* const host = HostCpu::get(why);
  if (!host) GTEST_SKIP() << why;
  for (const Mode mode : {Mode::k64, Mode::k32}) {
    if (mode == Mode::k32 && !host->has_32bit()) continue;
    const CaseLimits limits{.low_data = host->has_low_data(), .bases = host->has_bases()};
    unsigned missing = 0, always = 0, forms = 0, skipped = 0;
    std::map<int, unsigned> outcomes;
    std::map<std::string, std::string> odd;
    for (const Form& form : all_forms(mode)) {
      if (!host_lacks(form.isa_set).empty()) {
        ++skipped;
        continue;
      }
      ++forms;
      Random random(std::hash<std::string>()(form.key));
      unsigned done = 0;
      std::map<int, unsigned> own;
      for (unsigned n = 0; n < 4; ++n) {
        const auto instance = random_instance(random, form, limits);
        if (!instance) {
          if (n == 0) {
            ++missing;
            if (std::getenv("MYNAH_ORACLE_LIST")) std::printf("no bytes for %s\n", form.key.c_str());
          }
          break;
        }
        for (unsigned k = 0; k < 8; ++k) {
          Case c = random_case(random, *instance, limits);
          if (std::getenv("MYNAH_ORACLE_TRACE")) {
            std::printf("%s %s\n", hex(c.code, c.length).c_str(),
                        text_of(mode, c.code, c.length, c.state.rip).c_str());
            std::fflush(stdout);
          }
          host->run(c);
          EXPECT_NE(c.outcome.vector, kHang)
              << hex(c.code, c.length) << " " << text_of(mode, c.code, c.length, instance->rip) << std::hex
              << " rip " << instance->rip;
          ++outcomes[c.outcome.vector];
          ++own[c.outcome.vector];
          done += c.outcome.vector == kNone;
        }
      }
      always += done < 16;
      if (done < 16 && std::getenv("MYNAH_ORACLE_LIST")) {
        std::printf("%2u %s:", done, form.name.c_str());
        for (auto [v, n] : own) std::printf(" #%d %u", v, n);
        std::printf("\n");
      }
    }
    std::printf("%u forms, %u the host lacks, %u without bytes, %u hardly run;", forms, skipped, missing,
                always);
    for (auto [v, n] : outcomes) std::printf(" #%d %u", v, n);
    std::printf("\n");
    EXPECT_EQ(missing, 0u);
  }
}

}  // namespace
}  // namespace mynah::x86_oracle
