// SPDX-License-Identifier: Apache-2.0
//
// The figures of a run (--stats): collected once, shown as a table or as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "machines/machine.h"

namespace mynah::app {

// Measures how many cycles of the host's counter a nanosecond has, over the life of the run.
class CycleClock {
 public:
  CycleClock();
  double nanoseconds(uint64_t cycles) const;
  double elapsed_seconds() const;

 private:
  std::chrono::steady_clock::time_point start_;
  uint64_t start_cycles_;
};

struct Figure {
  std::string_view group, name;  // keys in JSON
  std::string_view label;        // in the table; "" leaves it out there
  double value = 0;
  bool whole = true;  // an integer
};
using Figures = std::vector<Figure>;

Figures collect_figures(Machine& machine, const CycleClock& clock);
std::string figures_table(const Figures& figures);
std::string figures_json(const Figures& figures);

}  // namespace mynah::app
