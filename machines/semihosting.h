// SPDX-License-Identifier: Apache-2.0
//
// Semihosting for Arm, version 3.0 (Arm, "Semihosting for AArch32 and AArch64"), for processors in AArch64
// state: a program without an operating system asks its debugger, or here the emulator, for a console, files,
// time and its end. Calls are served at once, but for input that is not there yet.
//
// What a guest passes is bounded: 64 MiB a call, 4 KiB a name, 64 open files. Memory is reached through an
// interface, by the guest's own translation.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/core/device.h"
#include "devices/core/event_queue.h"
#include "devices/core/host_files.h"
#include "machines/machine_config.h"

namespace mynah {

class Semihosting final : public dev::Stateful, private dev::CharReceiver {
 public:
  // Guest memory at virtual addresses, as the calling code may use it. False: not all of it is such memory.
  class Memory {
   public:
    virtual ~Memory() = default;
    virtual bool read(uint64_t address, std::span<uint8_t> to) = 0;
    virtual bool write(uint64_t address, std::span<const uint8_t> from) = 0;
  };
  // What of the machine the calls tell.
  struct Facts {
    const dev::Clock& clock;            // guest time
    std::function<int64_t()> calendar;  // seconds since 1970
    uint64_t heap_begin = 0, heap_end = 0;
  };
  enum class Done : uint8_t { kYes, kNotYet };  // not yet: the same call again, when there is input

  Semihosting(SemihostingConfig config, Facts facts, dev::Log& log);
  ~Semihosting() override;

  bool from_user_space() const { return config_.user_space; }
  // `operation` is W0, `parameter` X1; what comes out is X0's.
  Done call(Memory& memory, uint32_t operation, uint64_t parameter, uint64_t& result);

  // --- Stateful. Files of the host stay on the host: after a restore they are closed.
  std::string_view name() const override { return "semihosting"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;

 private:
  enum class Kind : uint8_t { kFree, kInput, kOutput, kErrors, kFeatures, kFile };
  struct Handle {
    Kind kind = Kind::kFree;
    int64_t file = -1;      // kFile: the host's
    uint64_t position = 0;  // kFeatures
  };
  struct Call;  // one call's parameters
  static constexpr size_t kHandles = 64;
  static constexpr uint64_t kMostBytes = uint64_t{64} << 20, kMostName = 4096;

  int64_t serve(Call& call, Done& done);
  int64_t open(Call& call);
  int64_t close(Call& call);
  int64_t write_text(Call& call);
  int64_t write(Call& call);
  int64_t read(Call& call, Done& done);
  int64_t read_char(Done& done);
  int64_t seek(Call& call);
  int64_t length(Call& call);
  int64_t is_terminal(Call& call);
  int64_t temporary_name(Call& call);
  int64_t remove(Call& call);
  int64_t rename(Call& call);
  int64_t command_line(Call& call);
  int64_t heap_info(Call& call);
  int64_t elapsed(Call& call);
  int64_t exit(Call& call);

  Handle* handle(Call& call);  // parameter 0; null after an error
  int64_t fail(int error);
  int64_t answer(dev::HostFiles::Answer a) { return a < 0 ? fail(static_cast<int>(-a)) : a; }
  bool have_files();
  void put(std::span<const uint8_t> bytes, Kind to);
  size_t take_input(std::span<uint8_t> to);
  void close_all();

  size_t can_receive() const override;
  void receive(std::span<const uint8_t> bytes) override;
  void serialize_state(dev::StateStream&) override;

  const SemihostingConfig config_;
  const Facts facts_;
  dev::Log& log_;
  std::array<Handle, kHandles> handles_{};
  int64_t error_ = 0;  // of the last call that failed
  std::deque<uint8_t> input_;
  bool told_of_folder_ = false;
};

}  // namespace mynah
