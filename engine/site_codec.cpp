// SPDX-License-Identifier: Apache-2.0
//
// How sites become bytes and are found again: numbers take seven bits a byte, so that small ones are short.
#include "engine/site_codec.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ir/saved.h"

namespace mynah {

namespace {

using ir::Location;

// Most bytes of a number, and of a location.
constexpr size_t kMostNumber = 10, kMostLocation = 3 * kMostNumber;

void put(uint8_t*& out, uint64_t v) {
  while (v >= 0x80) {
    *out++ = static_cast<uint8_t>(v | 0x80);
    v >>= 7;
  }
  *out++ = static_cast<uint8_t>(v);
}
void put_signed(uint8_t*& out, int64_t v) {
  put(out, static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63));
}
uint64_t take(const uint8_t*& p) {
  uint64_t v = 0;
  for (unsigned shift = 0;; shift += 7) {
    const uint8_t byte = *p++;
    v |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return v;
  }
}
int64_t take_signed(const uint8_t*& p) {
  const uint64_t v = take(p);
  return static_cast<int64_t>(v >> 1 ^ (~(v & 1) + 1));
}

void put_location(uint8_t*& out, const Location& at) {
  const auto kind = static_cast<uint64_t>(at.kind);
  switch (at.kind) {
    case Location::Kind::kSpill:
      return put(out, kind | uint64_t{at.spill} << 3);
    case Location::Kind::kFlags:
      put(out, kind | uint64_t{at.index} << 3);
      if (ir::is_made(at)) put(out, at.imm);
      return;
    case Location::Kind::kConst:
      put(out, kind | (at.imm_hi ? 8 : 0));
      put(out, at.imm);
      if (at.imm_hi) put(out, at.imm_hi);
      return;
    default:
      return put(out, kind | uint64_t{at.index} << 3);
  }
}
Location take_location(const uint8_t*& p) {
  Location at{};
  const uint64_t head = take(p);
  at.kind = static_cast<Location::Kind>(head & 7);
  switch (at.kind) {
    case Location::Kind::kSpill:
      at.spill = static_cast<uint16_t>(head >> 3);
      break;
    case Location::Kind::kFlags:
      at.index = static_cast<uint8_t>(head >> 3);
      if (ir::is_made(at)) at.imm = take(p);
      break;
    case Location::Kind::kConst:
      at.imm = take(p);
      if (head & 8) at.imm_hi = take(p);
      break;
    default:
      at.index = static_cast<uint8_t>(head >> 3);
  }
  return at;
}

}  // namespace

void encode_sites(const ir::CompiledCode& code, std::vector<uint8_t>& out) {
  constexpr size_t kMostSite = 3 + 7 * kMostNumber + kMostLocation, kMostSaved = kMostNumber + kMostLocation;
  size_t used = out.size();
  out.resize(used + code.sites.size() * kMostSite + code.saved.size() * kMostSaved + 1);
  for (const ir::Site& s : code.sites) {
    // The number of bytes goes in front: one, or two where the rest has to make room.
    uint8_t* const first = out.data() + used + 1;
    uint8_t* one = first;
    *one++ = static_cast<uint8_t>(s.kind);
    *one++ = s.aux;
    *one++ = s.result;
    put(one, s.offset);
    put(one, s.resume);
    put_signed(one, s.pc_offset);
    put(one, s.completed);
    put(one, s.imm);
    put_location(one, s.base);
    put(one, s.saved_count);
    for (uint32_t i = 0; i < s.saved_count; ++i) {
      const ir::SavedSlot& slot = code.saved[s.first_saved + i];
      put(one, slot.slot);
      put_location(one, slot.at);
    }
    const auto size = static_cast<size_t>(one - first);
    uint8_t head[kMostNumber];
    uint8_t* head_end = head;
    put(head_end, size);
    const auto head_size = static_cast<size_t>(head_end - head);
    if (head_size > 1) std::memmove(first - 1 + head_size, first, size);
    std::memcpy(first - 1, head, head_size);
    used += head_size + size;
  }
  out[used++] = 0;  // end
  out.resize(used);
}

ir::Site decode_site(const uint8_t* p, uint32_t offset, std::vector<ir::SavedSlot>& saved) {
  while (const uint64_t size = take(p)) {
    const uint8_t* next = p + size;
    ir::Site s{};
    s.kind = static_cast<ir::Site::Kind>(p[0]);
    s.aux = p[1];
    s.result = p[2];
    p += 3;
    s.offset = static_cast<uint32_t>(take(p));
    if (s.offset == offset) {
      s.resume = static_cast<uint32_t>(take(p));
      s.pc_offset = static_cast<int32_t>(take_signed(p));
      s.completed = static_cast<uint32_t>(take(p));
      s.imm = take(p);
      s.base = take_location(p);
      s.saved_count = static_cast<uint32_t>(take(p));
      saved.clear();
      for (uint32_t i = 0; i < s.saved_count; ++i) {
        const auto slot = static_cast<ir::Slot>(take(p));
        saved.push_back({slot, take_location(p)});
      }
      return s;
    }
    p = next;
  }
  std::fprintf(stderr, "mynah: translated code has no site at offset %u\n", offset);
  std::abort();
}

}  // namespace mynah
