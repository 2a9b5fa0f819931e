// SPDX-License-Identifier: Apache-2.0
//
// BlockWalk: which way a block goes on behind its direct branches.
//
// A block is one path through the code. Behind a forward conditional branch it may go on as if the branch
// were not taken; where the path comes back to the block's start it may go through the loop's next rounds:
// state and host pointers stay in registers over all of them, and what every round guards is guarded once.
// The other way out of such a branch is an exit. A short forward jump is followed. What lies between the
// first and the last byte of the path is the block's, also where a jump goes over it.
#pragma once

#include <cstdint>

#include "ir/builder.h"

namespace mynah {

class BlockWalk {
 public:
  enum class Way : uint8_t { kEnds, kNext, kTarget };

  // start: page offset of the block's first instruction. Without `on` a block ends at each branch.
  BlockWalk(int64_t start, bool on) : start_(start), on_(on), side_exits_left_(on ? kMaxSideExits : 0) {}

  // Behind a conditional branch; `instructions`: in the block so far, the branch among them.
  Way branch(int64_t target, int64_t next, unsigned instructions) {
    if (target > next) {
      if (side_exits_left_ == 0) return Way::kEnds;
      --side_exits_left_;
      return Way::kNext;
    }
    return goes_round(target, instructions) ? Way::kTarget : Way::kEnds;
  }
  // Whether it goes on at the target of a jump.
  bool jump(int64_t target, int64_t next, unsigned instructions) {
    if (target >= next) return on_ && target - next <= kMaxGap && target < kPage;
    return goes_round(target, instructions);
  }

 private:
  // More make blocks longer, and code that several blocks hold.
  static constexpr unsigned kMaxSideExits = 4;
  // Of a block that goes round: what a round saves is by the block, not by the instruction.
  static constexpr unsigned kMaxLoop = 48, kMaxRounds = 8;
  static constexpr int64_t kMaxGap = 64, kPage = 4096;

  bool goes_round(int64_t target, unsigned instructions) {
    const unsigned round = instructions - round_start_;
    if (!on_ || target != start_ || rounds_ == kMaxRounds || instructions + round > kMaxLoop) return false;
    ++rounds_;
    round_start_ = instructions;
    side_exits_left_ = kMaxSideExits;
    return true;
  }

  int64_t start_;
  bool on_;
  unsigned side_exits_left_;
  unsigned rounds_ = 1;
  unsigned round_start_ = 0;
};

constexpr int64_t kNowhere = -1;

// Builds a conditional branch. Where the block goes on behind it; kNowhere: it ends, or goes on at `next`.
inline int64_t build_branch(ir::Builder& b, BlockWalk& walk, ir::Value condition, int64_t target,
                            int64_t next, unsigned instructions) {
  if (const auto known = b.as_const(condition)) {
    b.exit(*known ? target : next);
    return kNowhere;
  }
  switch (walk.branch(target, next, instructions)) {
    case BlockWalk::Way::kTarget:
      b.exit_if(b.emit(ir::Op::bool_not, ir::Type::i1, condition), next);
      return target;
    case BlockWalk::Way::kNext:
      b.exit_if(condition, target);
      return kNowhere;
    case BlockWalk::Way::kEnds:
      b.exit_if(condition, target);
      b.exit(next);
  }
  return kNowhere;
}

}  // namespace mynah
