// SPDX-License-Identifier: Apache-2.0
//
// MemoryPath: the slow path of guest memory accesses. It answers guards that the first-level TLB did not:
// refills, faults, device accesses, stores to pages that hold translated code, accesses across pages.
//
// What has no host memory of its own, or not in one piece, gets a bounce buffer: filled when the guard asks
// to read, written out by commit(). Two may be in use at once (an instruction that reads one place and writes
// another); a buffer is as long as the access.
//
// Owned by one vCPU. Memory and devices are shared: what is read here may be stale the moment after, as far
// as the guest's architecture lets it be, but nothing here keeps a host pointer beyond the next safepoint.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/address_space.h"
#include "engine/guest_memory.h"
#include "engine/stops.h"
#include "frontend/guest.h"
#include "ir/ir.h"

namespace mynah {

// Device accesses; width 1, 2, 4 or 8 bytes, within one naturally aligned 8 bytes. False: no device there.
class DeviceBus {
 public:
  virtual ~DeviceBus() = default;
  virtual bool read(uint64_t pa, unsigned width, uint64_t& value) = 0;
  virtual bool write(uint64_t pa, unsigned width, uint64_t value) = 0;
};

struct MemoryPathStats {
  uint64_t device_accesses = 0, code_page_stores = 0;
};

class MemoryPath {
 public:
  MemoryPath(GuestCpu& guest, GuestMemory& memory, DeviceBus& devices, AddressSpace& space, Stops& stops)
      : guest_(guest), memory_(memory), devices_(devices), space_(space), stops_(stops) {}

  // kSlower: the next slower flavour serves it. kAlone: see Stops::Watch.
  enum class Result : uint8_t { kPointer, kFault, kSlower, kAlone };
  // The guard of `range` and `aux` (ir::GuardAux) with this base. kPointer: `pointer` is that of base + lo.
  Result guard(uint64_t base, const ir::GuardRange& range, uint8_t aux, uint8_t*& pointer, Fault& fault);
  // What was stored behind a guard's pointer is written. False: a fault.
  bool commit(const uint8_t* pointer, Fault& fault);

  // An access of C++'s, for the permission class that is said: n bytes, at most a page; what is there, and
  // for writing, what commit() then writes.
  Result linear(uint64_t va, unsigned n, bool write, uint32_t permission_class, uint8_t*& pointer,
                Fault& fault);
  // The same within one page, where it is plain memory that nothing watches; else null. What is written drops
  // translated code at once.
  uint8_t* ram(uint64_t va, unsigned n, bool write, uint32_t permission_class);

  // Guest memory is being written by an instruction, not a device.
  bool storing() const { return storing_; }
  // There is translated code in these bytes, within one page. None where nothing is translated.
  std::function<bool(uint64_t pa, uint64_t n)> holds_code = [](uint64_t, uint64_t) { return false; };

  MemoryPathStats stats;

 private:
  struct Piece {  // of an access: what lies in one page
    uint64_t pa;
    unsigned length;
  };
  struct Bounce {
    bool to_write = false;
    uint8_t element = 0;
    uint64_t va = 0;
    uint32_t permission_class = 0;
    std::vector<Piece> pieces;
    std::vector<uint8_t> bytes;
    bool aligned() const { return pieces.size() == 1 && (va & ((uint64_t{1} << element) - 1)) == 0; }
  };
  struct Asked {
    uint64_t va;
    Access access;
    uint32_t permission_class;
  };

  const TlbEntry* look_up(const Asked& asked, uint8_t aux, Fault& fault);
  Result fast(const Asked& asked, uint64_t length, uint8_t aux, uint8_t*& pointer, Fault& fault);
  Result slow(const Asked& asked, const ir::GuardRange& range, uint8_t aux, uint8_t*& pointer, Fault& fault);
  uint8_t* host(uint64_t pa, unsigned length, bool write);
  bool device_access(const Bounce& bounce, const Piece& piece, Access access, uint8_t* bytes, Fault& fault);
  // n bytes of an access of `width`.
  bool device_read(uint64_t pa, unsigned width, uint8_t* to, unsigned n);
  bool device_write(uint64_t pa, unsigned width, const uint8_t* from, unsigned n);

  GuestCpu& guest_;
  GuestMemory& memory_;
  DeviceBus& devices_;
  AddressSpace& space_;
  Stops& stops_;
  bool storing_ = false;
  std::array<Bounce, 2> bounces_;
  unsigned next_bounce_ = 0;
};

}  // namespace mynah
