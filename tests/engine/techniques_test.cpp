// SPDX-License-Identifier: Apache-2.0
//
// Each technique switched off, and all of them: the guest sees the same, to the instruction.
#include <algorithm>

#include "tests/engine/engine_test.h"
#include "tests/engine/workload.h"

namespace mynah::test {
namespace {

std::vector<size_t> all_switches() {
  std::vector<size_t> rows(std::size(kTechniques) + 1);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return rows;
}

class TechniqueOff : public testing::TestWithParam<size_t> {
 public:
  static std::string name(const testing::TestParamInfo<size_t>& info) {
    if (info.param == std::size(kTechniques)) return "all";
    std::string text(kTechniques[info.param].name);
    std::replace(text.begin(), text.end(), '-', '_');
    return text;
  }
};
INSTANTIATE_TEST_SUITE_P(, TechniqueOff, testing::ValuesIn(all_switches()), TechniqueOff::name);

TEST_P(TechniqueOff, ChangesNothing) {
  BareOptions options;
  for (size_t i = 0; i < std::size(kTechniques); ++i)
    if (GetParam() == i || GetParam() == std::size(kTechniques))
      options.techniques.*kTechniques[i].on = false;
  BareMachine with, without(options);
  for (BareMachine* m : {&with, &without}) load_workload(*m);
  for (unsigned step = 0; step < 200; ++step) {
    for (BareMachine* m : {&with, &without}) {
      m->run(997);
    }
    ASSERT_EQ(with.snapshot(), without.snapshot()) << "step " << step;
  }
}

}  // namespace
}  // namespace mynah::test
