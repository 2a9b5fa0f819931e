// SPDX-License-Identifier: Apache-2.0
//
// MemoryPath. fast() may put an entry into the first-level TLB and so serves accesses that a plain pointer
// can; slow() makes one access, whatever it is to.
#include "engine/memory_path.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mynah {

namespace {
constexpr uint64_t kPageMask = kGuestPageSize - 1;

// A pointer into the page would serve what must fault.
bool unaligned_may_fault(const TlbEntry& entry) {
  return entry.translation.device && !entry.translation.always_aligned;
}

bool lines_overlap(const PageFlags& flags, uint64_t offset, uint64_t n) {
  if (!flags.code_lines) return false;
  const unsigned first = offset >> 6, last = (offset + n - 1) >> 6;
  const uint64_t mask = (last - first == 63 ? ~uint64_t{0} : ((uint64_t{1} << (last - first + 1)) - 1))
                        << first;
  return flags.code_lines & mask;
}
}  // namespace

MemoryPath::Result MemoryPath::guard(uint64_t base, const ir::GuardRange& range, uint8_t aux,
                                     uint8_t*& pointer, Fault& fault) {
  const Asked asked{base + static_cast<uint64_t>(static_cast<int64_t>(range.lo)),
                    aux & ir::kGuardWrite ? Access::kWrite : Access::kRead,
                    space_.permission_class(aux & ir::kGuardUser)};
  const unsigned align = aux >> ir::kGuardAlignShift & 7;
  if (asked.va & ((uint64_t{1} << align) - 1)) {
    fault = guest_.alignment_fault(asked.va, asked.access, asked.permission_class);
    return Result::kFault;
  }
  if (!(aux & ir::kGuardSlow)) return fast(asked, range.length, aux, pointer, fault);
  const Result result = slow(asked, range, aux, pointer, fault);
  if (result != Result::kPointer)  // the instruction ends here, whatever it has guarded
    for (Bounce& b : bounces_) b.to_write = false;
  return result;
}

// A merged guard stands where its store is not reached yet, and perhaps never is: it marks no page dirty.
// Where the tables have the page as dirty, a read yields the permission to write, too.
const TlbEntry* MemoryPath::look_up(const Asked& asked, uint8_t aux, Fault& fault) {
  if (asked.access != Access::kWrite || !(aux & ir::kGuardMerged))
    return space_.data(asked.va, asked.access, asked.permission_class, fault);
  const TlbEntry* found = space_.data(asked.va, Access::kRead, asked.permission_class, fault);
  return found && found->translation.permissions[asked.permission_class] & kCanWrite ? found : nullptr;
}

MemoryPath::Result MemoryPath::fast(const Asked& asked, uint64_t length, uint8_t aux, uint8_t*& pointer,
                                    Fault& fault) {
  const bool write = asked.access == Access::kWrite;
  const TlbEntry* found = look_up(asked, aux, fault);
  if (!found) return aux & ir::kGuardMerged ? Result::kSlower : Result::kFault;
  const TlbEntry entry = *found;
  const uint64_t pa = entry.translation.pa, offset = asked.va & kPageMask;
  GuestMemory::Region* region = memory_.find(pa);
  if (!region || !region->visible || (write && region->rom) || unaligned_may_fault(entry))
    return Result::kSlower;
  uint8_t* page = region->host + (pa - region->pa);
  PageFlags& flags = region->pages[(pa - region->pa) / kGuestPageSize];
  pointer = page + offset;
  if (offset + length > kGuestPageSize) return Result::kSlower;
  if (stops_.watches_page(asked.va)) return Result::kSlower;
  ++space_.tlb().stats.refills;
  TlbContext& context = space_.context(aux & ir::kGuardUser);
  const unsigned index = ir::tlb_index(asked.va);
  const ir::TlbEntry made{asked.va & ~kPageMask, reinterpret_cast<uint64_t>(page)};
  if (!write) {
    context.tlb[index].read = made;
    context.note_entry(index, entry.translation.global);
    return Result::kPointer;
  }
  flags.dirty = true;
  if (flags.code_lines) {
    ++stats.code_page_stores;
    return lines_overlap(flags, offset, length) && holds_code(pa + offset, length) ? Result::kSlower
                                                                                   : Result::kPointer;
  }
  context.tlb[index].write = made;
  flags.note_writer(context.number, static_cast<uint16_t>(index));
  context.note_entry(index, entry.translation.global);
  return Result::kPointer;
}

MemoryPath::Result MemoryPath::slow(const Asked& asked, const ir::GuardRange& range, uint8_t aux,
                                    uint8_t*& pointer, Fault& fault) {
  const bool write = asked.access == Access::kWrite;
  const bool read = !write || (aux & ir::kGuardReadWrite);
  const bool no_device = range.element == ir::kNoDevice;
  Bounce& bounce = bounces_[next_bounce_ ^= 1];
  bounce.to_write = false;
  bounce.element = no_device ? 3 : range.element;
  bounce.va = asked.va;
  bounce.permission_class = asked.permission_class;
  bounce.pieces.clear();
  bool device = false;
  for (unsigned done = 0; done < range.length;) {
    const uint64_t va = asked.va + done;
    const TlbEntry* entry = space_.data(va, asked.access, asked.permission_class, fault);
    if (!entry) return Result::kFault;
    const auto n =
        static_cast<unsigned>(std::min<uint64_t>(range.length - done, kGuestPageSize - (va & kPageMask)));
    bounce.pieces.push_back({entry->translation.pa | (va & kPageMask), n});
    device |= entry->translation.device;
    done += n;
  }
  if (device && (no_device || (asked.va & ((uint64_t{1} << bounce.element) - 1)))) {
    fault = guest_.alignment_fault(asked.va, asked.access, asked.permission_class);
    return Result::kFault;
  }
  switch (stops_.check({asked.va, range.length, read, write, range.note, asked.permission_class}, fault)) {
    case Stops::Watch::kFault:
      return Result::kFault;
    case Stops::Watch::kAlone:
      return Result::kAlone;
    case Stops::Watch::kNone:
      break;
  }
  if (bounce.pieces.size() == 1 && (pointer = host(bounce.pieces[0].pa, range.length, write)))
    return Result::kPointer;
  bounce.bytes.resize(std::max<size_t>(bounce.bytes.size(), range.length));
  pointer = bounce.bytes.data();
  if (read) {
    uint8_t* to = pointer;
    for (const Piece& piece : bounce.pieces) {
      if (!memory_.read(piece.pa, to, piece.length) &&
          !device_access(bounce, piece, Access::kRead, to, fault))
        return Result::kFault;
      to += piece.length;
    }
  }
  bounce.to_write = write;
  return Result::kPointer;
}

MemoryPath::Result MemoryPath::linear(uint64_t va, unsigned n, bool write, uint32_t permission_class,
                                      uint8_t*& pointer, Fault& fault) {
  space_.refresh();
  const auto element = static_cast<uint8_t>(n <= 8 && std::has_single_bit(n) ? std::countr_zero(n) : 3);
  const uint8_t aux = write ? ir::kGuardWrite | ir::kGuardReadWrite : ir::kGuardRead;
  return slow({va, write ? Access::kWrite : Access::kRead, permission_class}, {0, n, element}, aux, pointer,
              fault);
}

uint8_t* MemoryPath::ram(uint64_t va, unsigned n, bool write, uint32_t permission_class) {
  space_.refresh();
  Fault fault;
  if (permission_class == space_.permission_class(false)) {  // as translated code does it
    const ir::TlbPair& pair = space_.context(false).tlb[ir::tlb_index(va)];
    const ir::TlbEntry& known = write ? pair.write : pair.read;
    const uint64_t offset = va ^ known.tag;
    if (offset <= kGuestPageSize - n) return reinterpret_cast<uint8_t*>(known.addend + offset);
    uint8_t* pointer = nullptr;
    const Asked asked{va, write ? Access::kWrite : Access::kRead, permission_class};
    if (fast(asked, n, write ? ir::kGuardWrite : ir::kGuardRead, pointer, fault) == Result::kPointer)
      return pointer;
  }
  const TlbEntry* entry = space_.data(va, write ? Access::kWrite : Access::kRead, permission_class, fault);
  if (!entry || entry->translation.device || stops_.watches_page(va)) return nullptr;
  return host(entry->translation.pa | (va & kPageMask), n, write);
}

bool MemoryPath::commit(const uint8_t* pointer, Fault& fault) {
  const auto bounce = std::ranges::find_if(
      bounces_, [&](const Bounce& b) { return b.to_write && b.bytes.data() == pointer; });
  if (bounce == bounces_.end()) return true;
  bounce->to_write = false;
  uint8_t* from = bounce->bytes.data();
  for (const Piece& piece : bounce->pieces) {
    storing_ = true;
    const bool stored = memory_.write(piece.pa, from, piece.length);
    storing_ = false;
    if (!stored && !device_access(*bounce, piece, Access::kWrite, from, fault)) return false;
    from += piece.length;
  }
  return true;
}

uint8_t* MemoryPath::host(uint64_t pa, unsigned length, bool write) {
  if (!write) return memory_.host(pa, length);
  storing_ = true;
  uint8_t* const to = memory_.for_write(pa, length);
  storing_ = false;
  return to;
}

// An access to what is partly no device's reaches the devices that are there.
bool MemoryPath::device_access(const Bounce& bounce, const Piece& piece, Access access, uint8_t* bytes,
                               Fault& fault) {
  std::optional<Fault> failed;
  if (!bounce.aligned()) failed = guest_.unaligned_device(bounce.va, access, bounce.permission_class);
  const unsigned width = bounce.aligned() ? std::min(8u, 1u << bounce.element) : 1;
  for (unsigned at = 0; at < piece.length && !failed; at += width) {
    const unsigned n = std::min(width, piece.length - at);
    ++stats.device_accesses;
    if (access == Access::kRead ? device_read(piece.pa + at, width, bytes + at, n)
                                : device_write(piece.pa + at, width, bytes + at, n))
      continue;
    failed = guest_.nothing_there(bounce.va, access, bounce.permission_class);
    if (access == Access::kRead) std::memset(bytes + at, 0xff, n);
  }
  if (failed) fault = *failed;
  return !failed;
}

bool MemoryPath::device_read(uint64_t pa, unsigned width, uint8_t* to, unsigned n) {
  uint64_t value = 0;
  if (!devices_.read(pa, width, value)) return false;
  std::memcpy(to, &value, n);
  return true;
}

bool MemoryPath::device_write(uint64_t pa, unsigned width, const uint8_t* from, unsigned n) {
  uint64_t value = 0;
  std::memcpy(&value, from, n);
  return devices_.write(pa, width, value);
}

}  // namespace mynah
