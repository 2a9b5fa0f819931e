// SPDX-License-Identifier: Apache-2.0
//
// F80Stack: which registers of the guest's file of extended floats (ir/f80.h) the host's x87 has, at one
// place of a region's code. An op finds its operands there and leaves its result there; the file has them
// where a region leaves, in front of calls, and where slots that name the file are read or written. Cold
// stubs have a copy of the state at their jump, and write out, or write out and load again.
//
// The host's stack may have the registers in any order; an exchange is one of names. Registers that the guest
// has popped stay until something takes their place in the file, which keeps what was in them.
//
// The conditions of the status word are in the host's after an op that sets them. Most host instructions
// clear C1, so it is written to the file in front of whatever else there is to do.
//
// Nothing here touches the flags, unless it says so, or a general register other than rax.
#pragma once

#include <array>
#include <cstdint>

#include "ir/ir.h"

namespace mynah::x86_64 {

class Emitter;

class F80Stack {
 public:
  static constexpr unsigned kRegisters = 8;

  // Nothing is to be done where the region leaves.
  bool empty() const { return depth_ == 0 && status_ == Status::kFile; }
  // Whether a slot names what is here and not (only) in the file.
  bool concerns(const ir::SlotInfo& slot) const;

  void use(uint32_t file) { file_ = file; }  // its place in the state, the same for all of a region
  // ST of the host that has register r; loads it.
  unsigned bring(Emitter& e, unsigned r);
  // The same, and it is the host's ST(0).
  void to_top(Emitter& e, unsigned r);
  // The host is about to get a new ST(0): register r; and has it.
  void make_room(Emitter& e, unsigned r);
  void made(unsigned r);
  void changed(unsigned r) { dirty_ |= bit(r); }
  void exchange(Emitter& e, unsigned r, unsigned s);
  // Writes register r to the file; it may stay. Conditions stay what they are.
  void save(Emitter& e, unsigned r);
  // Forgets register r, which the file is to have; conditions may be lost.
  void drop(Emitter& e, unsigned r);
  // A host instruction is about to come that pushes and pops one.
  void one_more(Emitter& e, unsigned keep);
  // Everything is in the file, nothing in the host; the file may change.
  void flush(Emitter& e);

  // --- conditions
  void set_status() { status_ = Status::kHost; }
  void clear_c1();
  void keep_conditions(Emitter& e);          // from host instructions that do not set them
  void read_status(Emitter& e, uint8_t to);  // kF80Exceptions, kF80Conditions; changes rax and the flags

  // --- around what leaves and comes back, in a cold stub: then the host has everything again.
  void suspend(Emitter& e) const;
  void resume(Emitter& e) const;

 private:
  // Who has C0 to C3; NoC1: but for C1, which is 0, and in the file is yet to be cleared.
  enum class Status : uint8_t { kFile, kFileNoC1, kHost, kHostNoC1 };
  static bool in_host(Status s) { return s >= Status::kHost; }
  static constexpr uint8_t bit(unsigned r) { return static_cast<uint8_t>(1u << r); }
  int32_t disp(unsigned r) const;
  int32_t status_disp() const;
  int find(unsigned r) const;  // ST, or -1
  uint8_t& at(unsigned st) { return held_[depth_ - 1 - st]; }
  void swap_top(Emitter& e, unsigned st);
  void pop(Emitter& e);

  uint32_t file_ = 0;
  std::array<uint8_t, kRegisters> held_{};  // the deepest first
  uint8_t depth_ = 0;
  uint8_t dirty_ = 0;  // by register: not in the file
  Status status_ = Status::kFile;
};

}  // namespace mynah::x86_64
