// SPDX-License-Identifier: Apache-2.0
//
// CodeContexts: selecting one; remembering and forgetting.
#include "engine/code_contexts.h"

#include <algorithm>

namespace mynah {

CodeContext::CodeContext() { clear_jumps(); }

void CodeContext::clear_jumps() {
  for (unsigned i = 0; i < ir::kJumpEntries; ++i) jumps[i] = {ir::jump_invalid_address(i), 0};
}

CodeContexts::CodeContexts(ir::Runtime& runtime, size_t stack_bytes)
    : runtime_(runtime), return_stacks_(kContexts, stack_bytes), second_jumps_(ir::kSecondJumpSize) {
  runtime_.second_jumps = second_jumps_.data();
}

CodeContext& CodeContexts::add() {
  CodeContext& made = *contexts_.emplace_back(std::make_unique<CodeContext>());
  made.empty_return = made.return_top = return_stacks_.end(static_cast<unsigned>(contexts_.size() - 1));
  return made;
}

CodeContext& CodeContexts::find(const ContextKey& key) {
  CodeContext* oldest = nullptr;
  for (auto& c : contexts_) {
    if (c->key == key) return *c;
    if (!oldest || c->last_used < oldest->last_used) oldest = c.get();
  }
  CodeContext& found = contexts_.size() < kContexts ? add() : *oldest;
  clear(found);
  found.names = {};
  found.key = key;
  return found;
}

CodeContext& CodeContexts::select(const ContextKey& key) {
  if (current_ && same(current_->key, key)) {
    current_->used = true;
    return *current_;
  }
  if (current_) current_->return_top = runtime_.return_top;
  CodeContext*& hint = hints_.at(key.translation, key.code.mode);
  CodeContext* found = hint && same(hint->key, key) ? hint : nullptr;
  current_ = nullptr;  // whatever find() does is done to no current one
  if (!found) found = hint = &find(key);
  found->last_used = ++clock_;
  found->used = true;
  current_ = found;
  runtime_.jumps = found->jumps.data();
  runtime_.code_names = found->names;
  runtime_.empty_return = found->empty_return;
  runtime_.return_top = found->return_top;
  return *found;
}

void CodeContexts::set_name(CodeContext& context, ir::NameKind kind, uint32_t name) {
  context.names[static_cast<unsigned>(kind)] = name;
  if (&context == current_) runtime_.code_names = context.names;
  if (!name) clear(context);
}

void CodeContexts::clear(CodeContext& context) {
  if (!context.used) return;
  context.clear_jumps();
  context.return_top = context.empty_return;
  if (&context == current_)
    runtime_.return_top = context.empty_return;
  else
    context.used = false;  // the current one may go on making entries
}

void CodeContexts::remember(uint64_t address, ir::BranchKind branch, ir::NameKind kind, uint64_t host,
                            bool second) {
  const uint32_t name = current_->names[static_cast<unsigned>(kind)];
  if (!name) return;
  current_->jumps[ir::jump_index(address, branch)] = {address, host};
  if (!second) return;
  const uint32_t tag = ir::second_jump_tag(name, branch);
  second_jumps_[ir::second_jump_index(address, tag)] = {address, host, tag};
}

uint64_t CodeContexts::recall(uint64_t address, ir::BranchKind branch) {
  ir::JumpEntry& first = current_->jumps[ir::jump_index(address, branch)];
  if (first.address == address) return first.host;
  for (const uint32_t name : current_->names) {
    const uint32_t tag = ir::second_jump_tag(name, branch);
    const ir::SecondJumpEntry& second = second_jumps_[ir::second_jump_index(address, tag)];
    if (second.address != address || second.tag != tag) continue;
    first = {address, second.host};
    return second.host;
  }
  return 0;
}

void CodeContexts::clear_jumps() {
  for (auto& c : contexts_) clear(*c);
  clear_second_jumps();
}

void CodeContexts::clear_second_jumps() {
  std::fill(second_jumps_.begin(), second_jumps_.end(), ir::SecondJumpEntry{});
}

void CodeContexts::forget_deep_returns() {
  if (runtime_.empty_return - runtime_.return_top > ir::kKeptCalls)
    runtime_.return_top = runtime_.empty_return;
}

}  // namespace mynah
