// SPDX-License-Identifier: Apache-2.0
//
// CodeNames: giving names and taking them away.
#include "engine/code_names.h"

#include <algorithm>

namespace mynah {

ContextKey CodeNames::key_of(const ContextKey& context, ir::NameKind kind) {
  ContextKey key = context;
  if (kind == ir::NameKind::kCommon) {
    key.translation.own_root = 0;
    key.translation.asid = 0;
  } else {
    key.translation.common_root = 0;
  }
  return key;
}

CodeNames::Name* CodeNames::find(uint32_t number) {
  if (last_ && last_->number == number) return last_;
  const auto at = std::ranges::find(live_, number, [](const auto& name) { return name->number; });
  if (at == live_.end()) return nullptr;
  last_ = at->get();
  last_page_ = ~uint64_t{0};
  return last_;
}

CodeNames::Mapping CodeNames::mapping_of(uint64_t va, const Translation& t) {
  const uint64_t in_mapping = (uint64_t{1} << t.page_bits) - 1;
  constexpr uint64_t kInPage = ir::kPageSize - 1;
  return {va & ~in_mapping, (t.pa & ~kInPage) - ((va & in_mapping) & ~kInPage), t.page_bits};
}

CodeNames::Common& CodeNames::common_of(const TranslationKey& key) {
  for (auto& c : commons_)
    if (c->root == key.common_root && c->regime == key.regime) return *c;
  if (commons_.size() == kMostCommons) {
    kill_all();
    commons_.clear();
    suspects_ = 0;
  }
  return *commons_.emplace_back(std::make_unique<Common>(Common{key.common_root, key.regime, {}, {}}));
}

// Pages that an id may have for itself are mapped for this one as they were where they were noted.
void CodeNames::check(Common& common, uint32_t asid, const Walk& walk) {
  if (!common.asids.insert(asid).second && !common.suspect) return;
  if (common.suspect) --suspects_;
  common.suspect = false;
  const bool holds = std::ranges::all_of(common.not_global, [&](const auto& noted) {
    const TranslateResult t = walk(noted.first);
    return t.ok && !t.page.global && mapping_of(noted.first, t.page) == noted.second;
  });
  if (!holds) kill_names_of(common);
}

void CodeNames::kill_names_of(Common& common) {
  kill([&](const Name& n) { return n.common == &common; });
  common.not_global.clear();
}

void CodeNames::renew(CodeContexts& contexts, const Walk& walk) {
  CodeContext& context = *contexts.current();
  Common& common = common_of(context.key.translation);
  check(common, context.key.translation.asid, walk);
  for (unsigned i = 0; i < ir::kNameKinds; ++i) {
    if (context.names[i]) continue;
    const auto kind = static_cast<ir::NameKind>(i);
    const ContextKey key = key_of(context.key, kind);
    const auto known =
        std::ranges::find_if(live_, [&](const auto& n) { return n->kind == kind && n->key == key; });
    if (known != live_.end()) {
      contexts.set_name(context, kind, (*known)->number);
      continue;
    }
    if (live_.size() == kMostNames || next_ == ir::kCodeNamesEnd) {
      kill_all();
      if (next_ == ir::kCodeNamesEnd) {  // numbers begin again: nothing may be left that an old one names
        for (CodeContexts* c : contexts_) c->clear_second_jumps();
        next_ = 1;
      }
      return renew(contexts, walk);
    }
    ++given;
    Common* const of = kind == ir::NameKind::kCommon ? &common : nullptr;
    live_.push_back(std::make_unique<Name>(Name{kind, key, next_, of, {}}));
    contexts.set_name(context, kind, next_++);
  }
}

// False: the tables say something else.
bool CodeNames::note_not_global(Name& name, uint64_t va, const Translation& t, const Walk& walk) {
  const Mapping mapping = mapping_of(va, t);
  Common& common = *name.common;
  const auto known = common.not_global.find(mapping.va);
  if (known != common.not_global.end() && known->second == mapping) return true;
  const TranslateResult now = walk(va);
  if (!now.ok || now.page.global || mapping_of(va, now.page) != mapping) return false;
  // Too much to remember, or something else was noted before: the names begin anew.
  if (known != common.not_global.end() || common.not_global.size() == kMostNotGlobal) kill_names_of(common);
  common.not_global.emplace(mapping.va, mapping);
  return true;
}

bool CodeNames::note(CodeContexts& contexts, uint64_t va, const Translation& t, const Walk& walk) {
  const CodeContext& context = *contexts.current();
  const uint64_t page = va >> ir::kPageBits, pa = t.pa >> ir::kPageBits;
  const auto kind = kind_of(t);
  while (true) {
    refresh(contexts, walk);
    Name* const name = find(context.names[static_cast<unsigned>(kind)]);
    if (page == last_page_ && pa == last_pa_) return true;
    const auto noted = name->pages.find(page);
    if (noted == name->pages.end()) {
      if (kind == ir::NameKind::kCommon && !t.global && !note_not_global(*name, va, t, walk)) return false;
      if (!context.is_named()) continue;
      name->pages.emplace(page, pa);
      last_page_ = page;
      last_pa_ = pa;
      if (++noted_pages_ <= kMostNotedPages) return true;
      kill_all();
    } else if (noted->second == pa) {
      last_page_ = page;
      last_pa_ = pa;
      return true;
    } else {  // and no invalidation between: one of the two is an old translation
      kill([&](const Name& n) { return &n == name; });
    }
  }
}

// Jump caches of contexts that lose a name go too: only the name knows its pages.
template <typename Which>
void CodeNames::kill(Which which) {
  std::erase_if(live_, [&](const std::unique_ptr<Name>& name) {
    if (!which(*name)) return false;
    for (CodeContexts* contexts : contexts_)
      contexts->for_each([&](CodeContext& c) {
        if (c.names[static_cast<unsigned>(name->kind)] == name->number) contexts->set_name(c, name->kind, 0);
      });
    if (on_death) on_death(name->number);
    noted_pages_ -= name->pages.size();
    if (last_ == name.get()) last_ = nullptr;
    return true;
  });
}

void CodeNames::kill_all() {
  kill([](const Name&) { return true; });
}

void CodeNames::invalidate_asid(uint32_t asid) {
  // Where no page was noted nothing goes by the name: a kernel's own, whose pages are all global.
  kill([&](const Name& n) {
    return n.kind == ir::NameKind::kOwn && n.key.translation.asid == asid && !n.pages.empty();
  });
  for (auto& common : commons_) {
    if (common->suspect || common->not_global.empty() || !common->asids.contains(asid)) continue;
    common->suspect = true;
    ++suspects_;
  }
}

void CodeNames::invalidate_pages(uint64_t va, uint64_t pages, bool any_asid, uint32_t asid) {
  const uint64_t first = va >> ir::kPageBits;
  kill([&](const Name& n) {
    if (n.kind == ir::NameKind::kOwn && !any_asid && n.key.translation.asid != asid) return false;
    if (pages <= n.pages.size()) {
      for (uint64_t page = first; page < first + pages; ++page)
        if (n.pages.contains(page)) return true;
      return false;
    }
    return std::ranges::any_of(n.pages, [&](const auto& noted) { return noted.first - first < pages; });
  });
}

}  // namespace mynah
