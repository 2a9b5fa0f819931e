// SPDX-License-Identifier: Apache-2.0
//
// A board is in the list and nowhere else; its description is beside it.
#include "machines/boards.h"

#include <algorithm>

#include "machines/microvm_board.h"
#include "machines/pc_board.h"
#include "machines/virt_board.h"

namespace mynah {

std::span<const Board* const> boards() {
  static constexpr const Board* kBoards[] = {&kVirtBoard, &kMicrovmBoard, &kPcBoard, &kQ35Board};
  return kBoards;
}

const Board* find_board(std::string_view name) {
  const auto all = boards();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Board* b) {
    if (name == b->name) return true;
    const std::string_view begin = b->versioned_name.empty() ? b->name : b->versioned_name;
    if (!name.starts_with(begin)) return false;
    const std::string_view rest = name.substr(begin.size());
    return rest.starts_with('-') && std::ranges::find(b->versions, rest.substr(1)) != b->versions.end();
  });
  return found == all.end() ? nullptr : *found;
}

}  // namespace mynah
