// SPDX-License-Identifier: Apache-2.0
//
// CodeNames: numbers that stand for "these pages of code are mapped like this" (ir/runtime.h, code names).
// Direct links between pages and the second jump cache go by them, so that whatever was found for one context
// serves every other one that has the same name.
//
// What makes mappings equal: the words of the regime, who asks, the mode, and
//   - kOwn: the address space's own tables and its id;
//   - kCommon: the common tables. Global pages are the same for every id. Pages that are in the common
//     tables and not global are, too, as long as the tables say what they said; but a guest may change them
//     and tell of it for the ids that it knows to have used them. So with each invalidation of an id, and for
//     each id that is new to such a name, what was noted is held against the tables before code runs by it.
// Every page that something leads to under a name is noted with it; the name dies with the first invalidation
// of one, and with it all that was led to by it.
//
// One for all vCPUs of a machine, whose translated code they share: an invalidation by one of them ends names
// for all. Names are valid from refresh() to the vCPU's next safepoint at least.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/code_contexts.h"
#include "frontend/translation.h"

namespace mynah {

class CodeNames {
 public:
  // The vCPUs' contexts.
  void add(CodeContexts& contexts) { contexts_.push_back(&contexts); }
  void remove(CodeContexts& contexts) { std::erase(contexts_, &contexts); }

  static ir::NameKind kind_of(const Translation& t) {
    return t.global || t.common ? ir::NameKind::kCommon : ir::NameKind::kOwn;
  }

  // How the address is translated for the vCPU's current context to fetch from, by a walk.
  using Walk = std::function<TranslateResult(uint64_t va)>;
  // Before code runs in the vCPU's current context: it gets the names that it lacks, and those that it has
  // hold. Nothing to do is the rule.
  void refresh(CodeContexts& contexts, const Walk& walk) {
    if (suspects_ || !contexts.current()->is_named()) renew(contexts, walk);
  }
  // Something may lead to code at va in the vCPU's current context from now on; its page is translated like
  // this. False: that is not what the tables say any more. Nothing was noted; the page is to be translated
  // again.
  bool note(CodeContexts& contexts, uint64_t va, const Translation& translation, const Walk& walk);

  // --- invalidation; of every id, or of one
  void kill_all();
  void invalidate_asid(uint32_t asid);
  void invalidate_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid);

  // Called with a number that has died, before anything runs again.
  std::function<void(uint32_t name)> on_death;
  uint64_t given = 0;  // numbers that were given
  // For tests of the numbers' end. Before anything runs.
  void start_at(uint32_t number) { next_ = number; }

 private:
  struct Mapping {
    uint64_t va, pa;
    unsigned bits;
    bool operator==(const Mapping&) const = default;
  };
  static Mapping mapping_of(uint64_t va, const Translation& t);
  // Tables that several address spaces have, under one regime.
  struct Common {
    uint64_t root;
    Regime regime;
    std::unordered_map<uint64_t, Mapping> not_global;  // noted under any name of theirs, by va
    std::unordered_set<uint32_t> asids;                // that have used them
    bool suspect = false;                              // one of these was invalidated since check()
  };
  struct Name {
    ir::NameKind kind;
    ContextKey key;  // with zeros where it does not matter
    uint32_t number;
    Common* common;                                // of a kCommon
    std::unordered_map<uint64_t, uint64_t> pages;  // noted: virtual page number -> physical
  };
  static ContextKey key_of(const ContextKey& context, ir::NameKind kind);
  Common& common_of(const TranslationKey& key);
  void renew(CodeContexts& contexts, const Walk& walk);
  void check(Common& common, uint32_t asid, const Walk& walk);
  bool note_not_global(Name& name, uint64_t va, const Translation& translation, const Walk& walk);
  template <typename Which>
  void kill(Which which);
  void kill_names_of(Common& common);
  Name* find(uint32_t number);

  std::vector<CodeContexts*> contexts_;
  std::vector<std::unique_ptr<Name>> live_;
  std::vector<std::unique_ptr<Common>> commons_;
  unsigned suspects_ = 0;  // of them
  Name* last_ = nullptr;   // what note() saw last
  uint64_t last_page_ = 0, last_pa_ = 0;
  uint32_t next_ = 1;
  size_t noted_pages_ = 0;  // of all live names
  // A guest can run one page of code at ever new addresses. Some hundred processes with a thousand pages each
  // are below this; 50 bytes or so a page.
  static constexpr size_t kMostNotedPages = 1 << 18;
  static constexpr size_t kMostNames = 512;
  static constexpr size_t kMostCommons = 16;
  static constexpr size_t kMostNotGlobal = 4096;  // of one Common: each is walked to in check()
};

}  // namespace mynah
