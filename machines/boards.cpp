// SPDX-License-Identifier: Apache-2.0
//
// A board is in the list and nowhere else; its description is beside it.
#include "machines/boards.h"

#include <algorithm>

#include "machines/virt_board.h"

namespace mynah {

std::span<const Board* const> boards() {
  static constexpr const Board* kBoards[] = {&kVirtBoard};
  return kBoards;
}

const Board* find_board(std::string_view name) {
  const auto all = boards();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Board* b) { return b->name == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace mynah
