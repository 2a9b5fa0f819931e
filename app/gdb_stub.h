// SPDX-License-Identifier: Apache-2.0
//
// GdbStub: GDB's remote serial protocol (GDB manual, appendix "Remote Serial Protocol") over any byte stream,
// for the target's threads, which are processors. It knows packets; what they do is the target's business.
// All-stop only.
//
// Input is untrusted: garbled packets are refused, lengths are bounded, and nothing that a client sends may
// do more than the target allows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mynah::app {

enum class GdbPoint : uint8_t { kSoftware, kHardware, kWrite, kRead, kAccess };  // numbers as in Z packets

struct GdbStop {
  enum class Reason : uint8_t { kSignal, kSoftwareBreakpoint, kHardwareBreakpoint, kWatchpoint };
  static constexpr uint8_t kInterrupt = 2, kTrap = 5;  // GDB's signal numbers
  uint8_t signal = kTrap;
  Reason reason = Reason::kSignal;
  GdbPoint watch = GdbPoint::kWrite;  // kWatchpoint
  uint64_t address = 0;               // kWatchpoint
  unsigned thread = 1;                // which one stopped
};

class GdbTarget {
 public:
  virtual ~GdbTarget() = default;
  // Threads are numbered from 1. Registers and memory are the selected one's, which is the one that stopped
  // last until another is selected.
  virtual unsigned gdb_thread_count() = 0;
  virtual void gdb_select_thread(unsigned thread) = 0;
  virtual std::string gdb_thread_text(unsigned thread) = 0;  // for a person
  // Registers in GDB's numbering; an empty string is no such register. Bytes in the target's order. The count
  // is of those that are read and written all at once; there may be more, with larger numbers.
  virtual unsigned gdb_register_count() = 0;
  virtual std::string gdb_read_register(unsigned number) = 0;
  virtual unsigned gdb_pc_register() = 0;
  // Size of the register in bytes, 0 for none.
  virtual size_t gdb_register_size(unsigned number) = 0;
  // False: there is no such register of that size, or it cannot be written.
  virtual bool gdb_write_register(unsigned number, std::string_view bytes) = 0;
  // Virtual addresses, or physical ones after gdb_use_physical(true). How many bytes from the start could be
  // read.
  virtual size_t gdb_read_memory(uint64_t address, std::span<uint8_t> to) = 0;
  virtual bool gdb_write_memory(uint64_t address, std::span<const uint8_t> from) = 0;
  virtual void gdb_use_physical(bool on) = 0;
  virtual bool gdb_set_point(GdbPoint kind, uint64_t address, uint64_t length, bool insert) = 0;
  virtual void gdb_clear_points() = 0;
  virtual std::string gdb_target_xml() = 0;
  // These start or stop the machine and return at once; the stub is told of stops by stopped().
  virtual void gdb_continue() = 0;
  virtual void gdb_step(unsigned thread) = 0;  // the others stand still
  virtual void gdb_interrupt() = 0;
  virtual void gdb_kill() = 0;
  virtual std::string gdb_command(std::string_view text) = 0;  // "monitor ..."
};

class GdbStub {
 public:
  static constexpr size_t kMaxPacket = 0x4000;  // bytes between '$' and '#', as told to the client

  using Send = std::function<void(std::string_view bytes)>;
  GdbStub(GdbTarget& target, Send send) : target_(target), send_(std::move(send)) {}

  void receive(std::span<const uint8_t> bytes);
  // A packet as it goes over the line.
  static std::string framed(std::string_view body);
  // A new client, or none any more.
  void connected();
  void disconnected();
  // The machine stopped, for whatever reason; reported to a client that waits for it.
  void stopped(const GdbStop& stop);
  // The machine is gone; reported likewise.
  void exited(uint8_t code);

 private:
  enum class State : uint8_t { kIdle, kBody, kChecksum1, kChecksum2 };
  void packet(std::string_view body);
  void reply(std::string_view body);
  void transmit(const std::string& framed);
  std::string stop_text(const GdbStop& stop) const;

  // Packets, by their first letter or word; the argument is what follows. The result is the reply.
  std::string query(std::string_view text);
  std::string verbose(std::string_view text);
  std::string transfer_features(std::string_view text);
  std::string read_registers();
  std::string write_registers(std::string_view text);
  std::string read_register(std::string_view text);
  std::string write_register(std::string_view text);
  std::string read_memory(std::string_view text);
  std::string write_memory(std::string_view text, bool binary);
  std::string set_point(std::string_view text, bool insert);
  void resume(bool step, unsigned thread = 0);  // 0: the one that 'Hc' named, or that stopped
  std::string select_thread(char what, std::string_view text);
  bool continue_verbose(std::string_view actions);
  // "1", "p1.1"; 0 or -1: any, which is 0 here. Nothing: there is no such thread.
  std::optional<unsigned> thread_of(std::string_view text) const;

  GdbTarget& target_;
  Send send_;
  State state_ = State::kIdle;
  std::string body_;     // unescaped
  bool escape_ = false;  // the last byte was '}'
  bool too_long_ = false;
  uint8_t sum_ = 0, expected_ = 0;
  bool good_checksum_ = false;
  bool acknowledge_ = true;
  bool knows_breakpoint_kind_ = false;  // the client asked for swbreak and hwbreak
  bool waiting_ = false;                // for a stop
  bool physical_ = false;               // addresses of memory packets
  GdbStop last_stop_;
  unsigned step_thread_ = 0;  // 'Hc'
  std::string last_sent_;
};

}  // namespace mynah::app
