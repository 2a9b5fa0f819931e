// SPDX-License-Identifier: Apache-2.0
//
// How the changes are written. The writer is alone: words are read, changed and stored whole.
#include "backend-x86_64/patch.h"

#include <algorithm>
#include <cstring>

namespace mynah::x86_64 {

namespace {

constexpr unsigned kWord = 8;
constexpr size_t kJump = 5;  // bytes of a jump or call
constexpr uint8_t kCallOpcode = 0xe8, kJumpOpcode = 0xe9;

unsigned place(const uint8_t* at) { return reinterpret_cast<uintptr_t>(at) & (kWord - 1); }

// n bytes within one aligned word, by one store.
void store(uint8_t* at, const uint8_t* bytes, size_t n) {
  auto* word = reinterpret_cast<uint64_t*>(at - place(at));
  uint64_t value = *word;
  std::memcpy(reinterpret_cast<uint8_t*>(&value) + place(at), bytes, n);
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

bool in_one_word(const uint8_t* at, size_t n) { return place(at) + n <= kWord; }

// n bytes, wherever they lie.
void store_all(uint8_t* at, const uint8_t* bytes, size_t n) {
  while (n) {
    const size_t here = std::min<size_t>(n, kWord - place(at));
    store(at, bytes, here);
    at += here;
    bytes += here;
    n -= here;
  }
}

void branch(uint8_t opcode, uint8_t* at, uint64_t execute, uint64_t target) {
  uint8_t bytes[kJump] = {opcode};
  const auto distance = static_cast<uint32_t>(target - (execute + kJump));
  std::memcpy(bytes + 1, &distance, 4);
  store_all(at, bytes, kJump);
}

void link_jump(ir::CodeSpan code, uint32_t end, const uint8_t* target) {
  const auto distance = static_cast<uint32_t>(target - (code.execute + end));
  uint8_t bytes[4];
  std::memcpy(bytes, &distance, 4);
  store_all(code.write + end - 4, bytes, 4);
}

void link_page(uint8_t* at, uint64_t execute, const ir::Patch& patch) {
  const auto field =
      static_cast<uint32_t>(MYNAH_RUNTIME(code_names) + 4 * static_cast<int32_t>(patch.condition.kind));
  const auto distance =
      static_cast<uint32_t>(reinterpret_cast<uint64_t>(patch.target) - (execute + kPageLinkSize));
  uint8_t bytes[kPageLinkSize] = {0x81, 0xbd};  // cmp dword [rbp + field], name
  std::memcpy(bytes + 2, &field, 4);
  std::memcpy(bytes + 6, &patch.condition.name, 4);
  bytes[10] = 0x75;  // jne behind it all
  bytes[11] = kPageLinkSize - 12;
  bytes[12] = 0x48;  // mov rax, page
  bytes[13] = 0xb8;
  std::memcpy(bytes + 14, &patch.condition.page, 8);
  bytes[22] = 0x48;  // cmp [rbp - bias], rax: pc_page is the state's first slot
  bytes[23] = 0x39;
  bytes[24] = 0x45;
  bytes[25] = 0x80;
  bytes[26] = 0x75;
  bytes[27] = kJump;
  bytes[28] = kJumpOpcode;
  std::memcpy(bytes + 29, &distance, 4);
  store_all(at, bytes, kPageLinkSize);
}

}  // namespace

uint64_t apply_patch(ir::CodeSpan code, const ir::Patch& patch, const ThunkTable& thunks) {
  const auto thunk = [&](Thunk t) { return thunks[static_cast<size_t>(t)]; };
  const auto target = reinterpret_cast<uint64_t>(patch.target);
  const auto execute = reinterpret_cast<uint64_t>(code.execute);
  using enum ir::Patch::Kind;
  switch (patch.kind) {
    case kLink:
      branch(kJumpOpcode, code.write + patch.site_offset - kJump, execute + patch.site_offset - kJump,
             target);
      if (patch.jump_end) link_jump(code, patch.jump_end, patch.target);
      break;
    case kLinkPage:
      link_page(code.write + patch.site_offset - kJump, execute + patch.site_offset - kJump, patch);
      break;
    case kUnlink:
      branch(kCallOpcode, code.write + patch.site_offset - kJump, execute + patch.site_offset - kJump,
             thunk(Thunk::link));
      break;
    // What stands behind the entry's five bytes may be linked and unlinked while the region is dead.
    case kKill: {
      uint64_t entry = 0;
      std::memcpy(&entry, code.write, kJump);
      branch(kCallOpcode, code.write, execute, thunk(Thunk::dead));
      return entry;
    }
    case kRevive: {
      uint8_t bytes[kJump];
      std::memcpy(bytes, &patch.entry, kJump);
      store_all(code.write, bytes, kJump);
      break;
    }
    case kName: {
      const auto field =
          static_cast<uint32_t>(MYNAH_RUNTIME(code_names) + 4 * static_cast<int32_t>(patch.condition.kind));
      uint8_t bytes[8];
      std::memcpy(bytes, &field, 4);
      std::memcpy(bytes + 4, &patch.condition.name, 4);
      store_all(code.write + kNameCompareSize - sizeof bytes, bytes, sizeof bytes);
      break;
    }
    case kForward:
      branch(kJumpOpcode, code.write, execute, target);
      break;
  }
  return 0;
}

bool patch_needs_safepoint(ir::CodeSpan code, const ir::Patch& patch) {
  const auto exit_in_one_word = [&] { return in_one_word(code.write + patch.site_offset - kJump, kJump); };
  using enum ir::Patch::Kind;
  switch (patch.kind) {
    case kLink:
      return !exit_in_one_word() || (patch.jump_end && !in_one_word(code.write + patch.jump_end - 4, 4));
    case kLinkPage:
    case kName:
      return true;
    case kUnlink:
      return !exit_in_one_word();
    default:  // entries are aligned; but the patch may end within a short count's second instruction
      return code.write[0] == 0x41 && code.write[1] == 0x83;
  }
}

}  // namespace mynah::x86_64
