// SPDX-License-Identifier: Apache-2.0
//
// AddressSpace: selecting contexts, and translating through the second level.
#include "engine/address_space.h"

#include "engine/block_key.h"

namespace mynah {

AddressSpace::AddressSpace(GuestCpu& guest, ir::Runtime& runtime, const Techniques& techniques,
                           size_t stack_bytes, CodeNames& names)
    : guest_(guest),
      runtime_(runtime),
      tlb_(runtime, guest.tag_bits(), guest.address_space_ids(), stack_bytes, names),
      walk_([this](uint64_t va) { return walk(va, Access::kExecute, key_.translation.permission_class); }) {
  tlb_.contexts().many = techniques.contexts;
  tlb_.second_level = techniques.second_tlb;
}

void AddressSpace::select() {
  stale_ = false;
  const ContextKey key = guest_.context_key();
  const uint32_t user_class = guest_.user_class();
  const bool stays = context_ && same(key, key_) && user_class == user_class_;
  if (!stays) {
    TranslationKey user = key.translation;
    user.permission_class = user_class;
    user_class_ = user_class;
    if (!context_ || !same(key.translation, key_.translation) || !same(user_context_->key, user)) {
      user_context_ = same(user, key.translation) ? nullptr : tlb_.contexts().select(user);
      context_ = tlb_.contexts().select(key.translation);
      if (!user_context_) user_context_ = context_;
      runtime_.tlb = context_;
      runtime_.user_tlb = user_context_;
    }
    if (const ir::FpMode mode = guest_.frontend().fp_mode(key.code.mode);
        !has_mode_ || mode != runtime_.fp_mode)
      ir::set_fp_mode(runtime_, mode);
    has_mode_ = true;
    key_ = key;
  }
  tlb_.code().select(key_);
  tlb_.names().refresh(tlb_.code(), walk_);
}

bool AddressSpace::note_code(uint64_t pc, const Translation& page) {
  if (tlb_.names().note(tlb_.code(), pc, page, walk_)) return true;
  tlb_.forget_translation(pc);
  return false;
}

TranslateResult AddressSpace::walk(uint64_t tagged, Access access, uint32_t permission_class) {
  ++tlb_.stats.walks;
  return guest_.translate(tagged, access, permission_class);
}

const TlbEntry* AddressSpace::translate(uint64_t va, uint64_t tagged, Access access,
                                        uint32_t permission_class, Fault& fault) {
  const uint8_t need = access == Access::kRead    ? kCanRead
                       : access == Access::kWrite ? kCanWrite
                                                  : kCanExecute;
  const TlbEntry* entry = tlb_.lookup(va, key_.translation);
  if (entry && (entry->translation.permissions[permission_class] & need)) return entry;
  // Not there, or there without the permission: only the tables know (a dirty bit to set, an access flag).
  const TranslateResult t = walk(tagged, access, permission_class);
  fault = t.fault;
  return t.ok ? tlb_.insert(va, key_.translation, t.page) : nullptr;
}

const TlbEntry* AddressSpace::data(uint64_t tagged, Access access, uint32_t permission_class, Fault& fault) {
  return translate(guest_.canonical(tagged), tagged, access, permission_class, fault);
}

const TlbEntry* AddressSpace::code(uint64_t pc, Fault& fault) {
  return translate(pc, pc, Access::kExecute, key_.translation.permission_class, fault);
}

void AddressSpace::keep_running_at(uint64_t pc) {
  if (tlb_.code().current()->is_named()) return tlb_.names().refresh(tlb_.code(), walk_);
  Fault fault;
  while (const TlbEntry* entry = code(pc, fault))
    if (note_code(pc, entry->translation)) return;
  // It could not be fetched any more. By whichever name somebody comes back to the page, it is to be noted.
  Translation unknown;
  unknown.pa = kNoPage;
  note_code(pc, unknown);
  unknown.global = true;
  note_code(pc, unknown);
}

}  // namespace mynah
