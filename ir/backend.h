// SPDX-License-Identifier: Apache-2.0
//
// Backend: turns a region into host code. A Compiler writes it into a buffer of its own, good for any place:
// what depends on the place is in a list of relocations. The backend installs it where the engine has room,
// as often as wanted, and knows how to patch it there. The engine owns code memory and the cache.
//
// A Compiler belongs to one thread; different ones may compile at once. Backend's functions keep nothing from
// one call to the next but the thunks' addresses. install() and patch() are called by one thread at a time;
// what other processors may do meanwhile is said at Patch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/ir.h"
#include "ir/runtime.h"

namespace mynah::ir {

// Where a value is at a site.
struct Location {
  enum class Kind : uint8_t { kGpr, kVec, kSpill, kConst, kFlags } kind;  // kFlags: packed flags in a gpr
  uint8_t index = 0;                                                      // register
  uint16_t spill = 0;  // kSpill: index of the 8-byte slot (16-byte values use two)
  uint64_t imm = 0, imm_hi = 0;
};
struct SavedSlot {
  Slot slot;
  Location at;
};

// A place in the code that C++ may be entered from. offset is the return address, in bytes from the code's
// start.
struct Site {
  enum class Kind : uint8_t { kGuard, kCommit, kCall, kExit, kIndirect, kEngine, kDeadline } kind;
  uint8_t aux = 0;     // guard: GuardAux; exit, engine: aux; an exit_engine_if has the state in `saved`
  uint8_t result = 0;  // guard, call: register that receives the result (Location::Kind by the op's type)
  uint32_t offset = 0;
  // Bytes from the code's start. Guard, commit, call: where to go on. Exit: the end of the conditional jump
  // that leads here and could lead to the target itself, or 0.
  uint32_t resume = 0;
  int32_t pc_offset = 0;  // of the snapshot
  uint32_t completed = 0;
  uint64_t imm = 0;  // guard: range; exit: target page offset; engine: imm; call: helper
  Location base{};   // guard, commit: the address or pointer
  uint32_t first_saved = 0, saved_count = 0;  // into CompiledCode::saved
};

// A field of the code that depends on where the code is. Kind, number and addend are the backend's.
struct Relocation {
  uint32_t offset = 0;  // bytes from the code's start
  uint8_t kind = 0;
  int8_t addend = 0;
  uint16_t number = 0;
};

// What a Compiler makes of a region: plain data without a host address, to be kept and installed anywhere.
struct CompiledCode {
  std::vector<uint8_t> buffer;  // the code, and room behind it that the next compilation uses
  uint32_t size = 0;            // host bytes
  std::vector<Relocation> relocations;
  std::vector<Site> sites;  // by ascending offset
  std::vector<SavedSlot> saved;

  std::span<const uint8_t> bytes() const { return {buffer.data(), size}; }
};

// What stands at the start of code memory: the ways into translated code and out of it.
struct Thunks {
  const void* enter = nullptr;  // for the backend's own enter()
  uint32_t size = 0;
};

// Code is written through `write` and runs at `execute`: two mappings of one memory, or the same address.
struct CodeSpan {
  uint8_t* write = nullptr;
  uint8_t* execute = nullptr;
  size_t size = 0;
};
// Every piece of code begins at a multiple of this.
constexpr size_t kCodeAlignment = 16;

// A change of installed code. Where Backend::needs_safepoint() says no it is one store of an aligned word,
// and other processors may run the code meanwhile, and go the old way or the new one; so do kKill, kRevive
// and kForward of a region with `smp`. Else every processor that may run the code has to be at a safepoint.
struct Patch {
  enum class Kind : uint8_t {
    kLink,      // the direct exit goes to target
    kLinkPage,  // the exit to another page (Site::imm beyond the page) goes to target under a condition
    kUnlink,    // either comes back to C++
    kKill,      // entering the code leaves with Leave::kDead
    kRevive,    // undoes kKill and kForward
    kForward,   // entering killed code, or a portal, goes to target
    kName,      // entering live code that goes on in the next page wants this code name
  } kind;
  // kLinkPage: while Runtime::code_names[kind] is `name` and pc_page has become `page` (the same code may be
  // mapped twice). Else the jump cache is asked. kName: kind and name.
  struct PageCondition {
    NameKind kind{};
    uint32_t name = 0;
    uint64_t page = 0;
  };
  uint32_t site_offset = 0;  // Site::offset of the exit
  uint32_t jump_end = 0;     // kLink: its Site::resume
  const uint8_t* target = nullptr;
  uint64_t entry = 0;  // kRevive: what kKill returned
  PageCondition condition{};

  static Patch link(const Site& site, const uint8_t* target) {
    return {.kind = Kind::kLink, .site_offset = site.offset, .jump_end = site.resume, .target = target};
  }
  static Patch link_page(const Site& site, const PageCondition& condition, const uint8_t* target) {
    return {.kind = Kind::kLinkPage, .site_offset = site.offset, .target = target, .condition = condition};
  }
  static Patch unlink(uint32_t site_offset) { return {.kind = Kind::kUnlink, .site_offset = site_offset}; }
  static Patch kill() { return {.kind = Kind::kKill}; }
  static Patch revive(uint64_t entry) { return {.kind = Kind::kRevive, .entry = entry}; }
  static Patch entry_name(NameKind kind, uint32_t name) {
    return {.kind = Kind::kName, .condition = {kind, name}};
  }
  static Patch forward(const uint8_t* target) { return {.kind = Kind::kForward, .target = target}; }
};

struct BackendOptions {
  bool validate = false;     // let the assembler check every instruction; verify the allocation
  bool return_stack = true;  // see ir/runtime.h; without it returns ask the jump cache
};

// One thread's way to compile.
class Compiler {
 public:
  virtual ~Compiler() = default;
  // False: the region needs more than the backend has; to be tried again with fewer instructions.
  virtual bool compile(const Region& region, CompiledCode& out) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  virtual std::unique_ptr<Compiler> make_compiler() const = 0;
  // Sets up what the backend keeps in a frame (Runtime::backend, Runtime::host_float). Before anything runs.
  virtual void prepare(Runtime& runtime) const = 0;
  // Bytes of stack that translated code wants of each context (Runtime::empty_return); 0: none.
  virtual size_t stack_bytes() const = 0;

  // --- code memory: one a backend. The thunks come first; code is within reach of them.
  virtual Thunks emit_thunks(CodeSpan at) = 0;
  // Copies the code and fits it to its place; `at` has code.size bytes. Not run before publish().
  virtual void install(const CompiledCode& code, CodeSpan at) const = 0;
  // Code whose guest instructions go on in the next page begins with a check of so many bytes: that a code
  // name is the one of Patch::kName (at first none), else it leaves with Leave::kDead. C++ enters behind it.
  virtual size_t check_bytes() const = 0;
  // Bytes of code that only goes on elsewhere, by Patch::forward.
  virtual size_t portal_bytes() const = 0;
  // Returns what kKill replaced. Published already.
  virtual uint64_t patch(CodeSpan code, const Patch& patch) const = 0;
  // Whether the patch changes more than one aligned word.
  virtual bool needs_safepoint(CodeSpan code, const Patch& patch) const = 0;
  // Makes what was written visible to whoever runs it, where the host does not by itself.
  virtual void publish(CodeSpan code) const = 0;
  virtual std::string disassemble(std::span<const uint8_t> code, uint64_t address) const = 0;
};

}  // namespace mynah::ir
