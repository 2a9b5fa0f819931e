// SPDX-License-Identifier: Apache-2.0
//
// CodeContexts: the ways that translated code knows to other translated code without asking. A context, for
// one translation key and one mode, has a jump cache and a return stack of its own; behind them all is one
// second jump cache, by code name. What a context holds is right as long as it keeps both its names
// (CodeNames), and forgotten with either.
//
// Owned by one vCPU. The current context's return stack and names are in ir::Runtime.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/context_hint.h"
#include "engine/return_stacks.h"
#include "frontend/translation.h"
#include "ir/runtime.h"

namespace mynah {

struct CodeContext {
  ContextKey key;
  std::array<uint32_t, ir::kNameKinds> names{};  // of its mappings of code; 0: none
  uint64_t last_used = 0;
  bool used = false;  // something may be in the jump cache or the return stack
  ir::ReturnEntry* empty_return = nullptr;
  ir::ReturnEntry* return_top = nullptr;
  std::array<ir::JumpEntry, ir::kJumpEntries> jumps;

  CodeContext();
  void clear_jumps();
  bool is_named() const { return names[0] && names[1]; }
};

class CodeContexts {
 public:
  // stack_bytes: of each context's return stack; 0: none.
  CodeContexts(ir::Runtime& runtime, size_t stack_bytes);

  // The context for a key is current from now on; recycles the least recently used one when there is none.
  CodeContext& select(const ContextKey& key);
  CodeContext* current() { return current_; }

  // Gives a context a name, or takes it away (0), and with it all that the context leads to.
  void set_name(CodeContext& context, ir::NameKind kind, uint32_t name);
  // Calls each(context) for every one.
  template <typename Each>
  void for_each(Each each) {
    for (auto& c : contexts_) each(*c);
  }

  // `branch` to `address` leads to `host` from now on, in the current context, and in others that have the
  // same name for the address's page. Second: in the second jump cache too.
  void remember(uint64_t address, ir::BranchKind branch, ir::NameKind kind, uint64_t host, bool second);
  // What is remembered, or 0.
  uint64_t recall(uint64_t address, ir::BranchKind branch);

  void clear_jumps();          // of all contexts, and the second jump cache
  void clear_second_jumps();   // what an old name led to
  void forget_deep_returns();  // so that the current stack has room for an enter()

 private:
  static constexpr unsigned kContexts = 48;
  CodeContext& add();
  CodeContext& find(const ContextKey& key);
  void clear(CodeContext& context);

  ir::Runtime& runtime_;
  ReturnStacks return_stacks_;
  std::vector<std::unique_ptr<CodeContext>> contexts_;  // made as they are wanted
  ContextHints<CodeContext> hints_;
  std::vector<ir::SecondJumpEntry> second_jumps_;
  CodeContext* current_ = nullptr;
  uint64_t clock_ = 0;
};

}  // namespace mynah
