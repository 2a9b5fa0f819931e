// SPDX-License-Identifier: Apache-2.0
//
// The walk. A format of tables is a list of levels; entries of 32 bits are halves of aligned words.
#include "frontend/x86/mmu.h"

#include <algorithm>

namespace mynah::x86 {

namespace {

constexpr uint64_t bit(unsigned n) { return uint64_t{1} << n; }
// Bits of entries, of all formats.
constexpr uint64_t kPresent = bit(0), kWritable = bit(1), kUser = bit(2), kAccessed = bit(5), kDirty = bit(6),
                   kLarge = bit(7), kGlobal = bit(8), kNoExecute = bit(63);
constexpr unsigned kKeyShift = 59;
constexpr uint64_t kAddress = 0x000ffffffffff000;

constexpr unsigned kMaxLevels = 5;
// An entry that other processors keep changing is given up as not present: the guest tries again.
constexpr unsigned kMaxTries = 64;

struct Entry {
  uint64_t pa = 0;
  uint64_t value = 0;
  uint64_t word = 0;  // that it is in, of 64 bits
};

// The tables that the processor uses.
struct Tables {
  uint64_t root;
  unsigned levels;      // that are walked
  unsigned top;         // lowest bit of the index into the first
  unsigned index_bits;  // of each but, perhaps, the first
  bool narrow;          // entries of 32 bits
  uint64_t reserved;    // bits that no entry may have
};

uint64_t above(unsigned physical_bits) { return kAddress & ~(bit(physical_bits) - 1); }

Tables tables_of(const X86State& s, const CpuModel& model, uint64_t va) {
  if (!(s.cr4 & cr4::kPae)) return {s.cr3 & 0xfffff000, 2, 22, 10, true, 0};
  uint64_t reserved = above(model.physical_bits);
  if (!(s.efer & efer::kNxe)) reserved |= kNoExecute;
  if (!s.long_mode()) {
    // The first level is in registers.
    reserved |= uint64_t{0x7ff} << 52;
    return {s.pdpte[va >> 30 & 3] & kAddress, 2, 21, 9, false, reserved};
  }
  const bool five = s.cr4 & cr4::kLa57;
  return {s.cr3 & kAddress, five ? 5u : 4u, five ? 48u : 39u, 9, false, reserved};
}

bool read_entry(X86System& system, const Tables& t, Entry& e) {
  if (!system.read64(e.pa & ~uint64_t{7}, e.word)) e.word = ~uint64_t{0};
  e.value = !t.narrow ? e.word : e.pa & 4 ? e.word >> 32 : e.word & 0xffffffff;
  return e.value & kPresent;
}

// False: it is another one by now.
bool set_flags(X86System& system, const Tables& t, Entry& e, uint64_t flags) {
  if ((e.value & flags) == flags) return true;
  uint64_t expected = e.word;
  const uint64_t desired = e.word | (t.narrow && (e.pa & 4) ? flags << 32 : flags);
  // Read-only memory keeps what it has, and no processor minds.
  return system.compare_exchange64(e.pa & ~uint64_t{7}, expected, desired) || expected == e.word;
}

// Reserved bits of one that maps 2^bits bytes.
uint64_t reserved_of_page(const X86State& s, const CpuModel& model, const Tables& t, unsigned bits) {
  if (bits == 12) return t.reserved;
  if (!t.narrow) return t.reserved | ((bit(bits) - 1) & ~(bit(13) - 1));
  // Bits 20:13 are the address's 39:32 (PSE-36); of those, what is not implemented, and bit 21.
  const unsigned physical = model.has(Feature::kPse36) ? std::min(model.physical_bits, 40u) : 32;
  return (bit(22) - 1) & ~(bit(physical - 32 + 13) - 1);
}

uint64_t address_of_page(const Tables& t, uint64_t value, unsigned bits) {
  if (!t.narrow) return value & kAddress & ~(bit(bits) - 1);
  if (bits == 12) return value & 0xfffff000;
  return (value & 0xffc00000) | (value >> 13 & 0xff) << 32;
}

Walk fault(uint32_t error) {
  Walk w;
  w.error = error;
  return w;
}

// What the page may be used for: `rights` is what all levels agree on.
struct Rights {
  bool user, writable, no_execute;
  unsigned key;
};

// The bits of PKRU for its key: 1 no access, 2 no writes.
unsigned key_bits(const X86State& s, const Rights& r) {
  const bool keyed = r.user && s.long_mode() && (s.cr4 & cr4::kPke);
  return keyed ? s.pkru >> (2 * r.key) & 3 : 0;
}

bool key_denies(const X86State& s, const Rights& r, Access access, uint32_t permission_class) {
  const unsigned key = key_bits(s, r);
  const bool protect = (s.cr0 & cr0::kWp) || permission_class == kClassUser;
  return (key & 1) || ((key & 2) && access == Access::kWrite && protect);
}

void set_permissions(const X86State& s, const Rights& r, bool dirty, Walk& w) {
  const unsigned key = key_bits(s, r);
  const bool no_access = key & 1, no_write = key & 2;
  const bool protect = s.cr0 & cr0::kWp;
  const bool execute = !r.no_execute;
  uint8_t user = 0, supervisor = 0;
  if (r.user && !no_access) user |= kCanRead;
  if (r.user && !no_access && !no_write && r.writable && dirty) user |= kCanWrite;
  if (r.user && execute) user |= kCanExecute;
  if (!no_access) supervisor |= kCanRead;
  if (!no_access && (r.writable || !protect) && !(no_write && protect) && dirty) supervisor |= kCanWrite;
  const uint8_t code = execute && !(r.user && (s.cr4 & cr4::kSmep)) ? kCanExecute : 0;
  w.permissions[kClassUser] = user;
  w.permissions[kClassSupervisor] = supervisor | code;
  w.permissions[kClassGuarded] = (r.user ? 0 : supervisor) | code;
}

Walk without_paging(uint64_t va) {
  Walk w;
  w.status = Walk::Status::kOk;
  w.pa = va & 0xffffffff;
  for (uint8_t& p : w.permissions) p = kCanRead | kCanWrite | kCanExecute;
  return w;
}

// As segments.h has it; here it is what is asked of each walk.
bool canonical_here(const X86State& s, uint64_t va) {
  if (!s.long_mode()) return true;
  const unsigned shift = s.cr4 & cr4::kLa57 ? 7 : 16;
  return static_cast<uint64_t>(static_cast<int64_t>(va << shift) >> shift) == va;
}

}  // namespace

Regime paging_regime(const X86State& s) {
  if (!(s.cr0 & cr0::kPg)) return {};
  constexpr uint64_t kCr4 =
      cr4::kPse | cr4::kPae | cr4::kPge | cr4::kLa57 | cr4::kSmep | cr4::kPke;  // SMAP is a class
  return {(s.cr0 & (cr0::kPg | cr0::kWp)) | (s.cr4 & kCr4) << 32,
          (s.efer & (efer::kNxe | efer::kLma)) | uint64_t{s.cr4 & cr4::kPke ? s.pkru : 0} << 32, 0};
}

Walk walk(const X86State& s, const CpuModel& model, X86System& system, uint64_t va, Access access,
          uint32_t permission_class) {
  if (!(s.cr0 & cr0::kPg)) return without_paging(va);
  if (!canonical_here(s, va)) {
    Walk w;
    w.status = Walk::Status::kNotCanonical;
    return w;
  }
  uint32_t error = 0;
  if (access == Access::kWrite) error |= page_fault::kWrite;
  if (permission_class == kClassUser) error |= page_fault::kUser;
  if (access == Access::kExecute && ((s.cr4 & cr4::kSmep) || ((s.cr4 & cr4::kPae) && (s.efer & efer::kNxe))))
    error |= page_fault::kFetch;
  const uint8_t need = access == Access::kRead    ? kCanRead
                       : access == Access::kWrite ? kCanWrite
                                                  : kCanExecute;
  const Tables t = tables_of(s, model, va);
  if ((s.cr4 & cr4::kPae) && !s.long_mode() && !(s.pdpte[va >> 30 & 3] & kPresent)) return fault(error);
  for (unsigned tries = 0; tries < kMaxTries; ++tries) {
    Entry entries[kMaxLevels];
    Rights rights{true, true, false, 0};
    uint64_t table = t.root;
    unsigned low = t.top, level = 0;
    bool page = false;
    for (;; ++level, low -= t.index_bits) {
      Entry& e = entries[level];
      const uint64_t index = va >> low & (bit(t.index_bits) - 1);
      e.pa = table + index * (t.narrow ? 4 : 8);
      if (!read_entry(system, t, e)) return fault(error);
      // A level may map pages by itself: the last, those of 2 or 4 MiB, of 1 GiB.
      const bool large_here = t.narrow ? level == 0 && (s.cr4 & cr4::kPse)
                                       : low == 21 || (low == 30 && model.has(Feature::kPdpe1gb));
      page = low == 12 || (large_here && (e.value & kLarge));
      uint64_t reserved = page ? reserved_of_page(s, model, t, low) : t.reserved;
      if (!page && !t.narrow && !large_here) reserved |= kLarge;
      if (e.value & reserved) return fault(error | page_fault::kPresent | page_fault::kReserved);
      rights.user = rights.user && (e.value & kUser);
      rights.writable = rights.writable && (e.value & kWritable);
      if (!t.narrow) rights.no_execute = rights.no_execute || (e.value & kNoExecute);
      if (page) break;
      table = t.narrow ? e.value & 0xfffff000 : e.value & kAddress;
    }
    if (!(s.efer & efer::kNxe)) rights.no_execute = false;
    Entry& leaf = entries[level];
    rights.key = leaf.value >> kKeyShift & 15;
    Walk w;
    set_permissions(s, rights, access == Access::kWrite || (leaf.value & kDirty), w);
    if (!(w.permissions[permission_class] & need)) {
      error |= page_fault::kPresent;
      // A key's denial is told whatever else denies.
      if (access != Access::kExecute && key_denies(s, rights, access, permission_class))
        error |= page_fault::kKey;
      return fault(error);
    }
    bool same = true;
    for (unsigned i = 0; i <= level && same; ++i) {
      const bool dirties = i == level && access == Access::kWrite;
      same = set_flags(system, t, entries[i], kAccessed | (dirties ? kDirty : 0));
    }
    if (!same) continue;
    w.status = Walk::Status::kOk;
    w.page_bits = static_cast<uint8_t>(low);
    w.pa = address_of_page(t, leaf.value, low) | (va & (bit(low) - 1));
    w.global = (leaf.value & kGlobal) && (s.cr4 & cr4::kPge);
    return w;
  }
  return fault(error);
}

bool load_pdptes(X86State& s, const CpuModel& model, X86System& system, uint64_t cr3) {
  std::array<uint64_t, 4> read;
  const uint64_t reserved = above(model.physical_bits) | 0x1e6 | uint64_t{0xfff} << 52;
  for (unsigned i = 0; i < 4; ++i) {
    if (!system.read64((cr3 & 0xffffffe0) + 8 * i, read[i])) read[i] = ~uint64_t{0};
    if ((read[i] & kPresent) && (read[i] & reserved)) return false;
  }
  s.pdpte = read;
  return true;
}

}  // namespace mynah::x86
