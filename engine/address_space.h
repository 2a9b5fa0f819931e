// SPDX-License-Identifier: Apache-2.0
//
// AddressSpace: memory as the processor's current regime maps it, through the vCPU's TLB. It knows which
// contexts are current, and that they may have to be selected anew.
//
// Owned by one vCPU. changed() may be called from inside helpers: translated code goes on with the old
// contexts to the end of its block, since helpers that change translation end theirs.
#pragma once

#include <cstdint>

#include "engine/techniques.h"
#include "engine/tlb.h"
#include "frontend/guest.h"
#include "ir/runtime.h"

namespace mynah {

class AddressSpace {
 public:
  // stack_bytes: as ir::Backend has it.
  AddressSpace(GuestCpu& guest, ir::Runtime& runtime, const Techniques& techniques, size_t stack_bytes,
               CodeNames& names);

  Tlb& tlb() { return tlb_; }
  // Something that contexts are keyed by has changed, or may have.
  void changed() { stale_ = true; }
  // What a vCPU does at its safepoint: the contexts of the guest's state are current, and have their names.
  void refresh() {
    if (stale_) select();
  }

  const ContextKey& key() const { return key_; }
  uint32_t permission_class(bool user) const {
    return user ? user_class_ : key_.translation.permission_class;
  }
  TlbContext& context(bool user) { return user ? *user_context_ : *context_; }

  // The page at va for an access by a class; nullptr: it faults. Valid to the next call.
  const TlbEntry* data(uint64_t va, Access access, uint32_t permission_class, Fault& fault);
  const TlbEntry* code(uint64_t pc, Fault& fault);
  // Links, jump caches and the return stack may lead to code at pc, on this page, from now on. False: that is
  // an old translation, which is gone now; fetch again.
  bool note_code(uint64_t pc, const Translation& page);
  // An invalidation inside a helper may have taken names away, and code on pc's page is about to go on.
  void keep_running_at(uint64_t pc);

 private:
  void select();
  TranslateResult walk(uint64_t tagged, Access access, uint32_t permission_class);
  // va: `tagged` without the bits that translation ignores.
  const TlbEntry* translate(uint64_t va, uint64_t tagged, Access access, uint32_t permission_class,
                            Fault& fault);

  GuestCpu& guest_;
  ir::Runtime& runtime_;
  Tlb tlb_;
  ContextKey key_;
  uint32_t user_class_ = 0;
  TlbContext* context_ = nullptr;
  TlbContext* user_context_ = nullptr;
  bool stale_ = true;
  bool has_mode_ = false;  // Runtime::fp_mode is what was set here
  const CodeNames::Walk walk_;
};

}  // namespace mynah
