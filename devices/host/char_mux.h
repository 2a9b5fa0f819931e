// SPDX-License-Identifier: Apache-2.0
//
// MuxChar: several serial lines over one ("mon:stdio" is the guest's console and the monitor on one
// terminal). Output of all goes out as it comes; input goes to the one port in focus. The escape key (Ctrl-A)
// and then
//   h or ?  prints help            c  moves the focus to the next port
//   x       quits                  b  sends a break to the guest
//   s       saves the disks        t  time stamps on the lines of output, on and off
//   Ctrl-A  sends Ctrl-A itself
// and anything else is swallowed, as scripts for other emulators expect.
//
// Input is buffered for each port, so the escape key works as long as the guest reads now and then; when a
// port's buffer is full nothing more is read, and nothing is lost.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/host/terminal_state.h"

namespace mynah::host {

struct MuxHooks {
  // All run inside the poll loop, between two bytes of input; none may destroy the mux.
  std::function<void()> quit;
  std::function<void()> save;
  std::function<void(size_t port)> focus;  // the focus moved to this port; 0 is the guest's console
};

// The MuxChar is itself port 0.
class MuxChar final : public dev::CharBackend, private dev::CharReceiver {
 public:
  static constexpr size_t kBuffer = 4096;  // bytes of input kept for each port
  MuxChar(std::unique_ptr<dev::CharBackend> lower, MuxHooks hooks);
  ~MuxChar() override;

  void write(std::span<const uint8_t> bytes) override { emit(bytes); }
  void attach(dev::CharReceiver* receiver) override { ports_[0]->attach(receiver); }
  void accept_input() override { ports_[0]->accept_input(); }

  dev::CharBackend& add_port();  // lives as long as the mux
  void set_focus(size_t port);
  size_t focus() const { return focus_; }
  // Of a lower line that is a terminal: help is shown on its other screen then, if that is free, until a key
  // is pressed.
  void set_screen(const TerminalState* screen) { screen_ = screen; }
  void set_escape(uint8_t byte) { escape_ = byte; }  // 0: none
  dev::CharBackend& lower() { return *lower_; }

 private:
  static constexpr uint16_t kBreak = 0x100;
  struct Port final : dev::CharBackend {
    explicit Port(MuxChar& mux) : mux(mux) {}
    void write(std::span<const uint8_t> bytes) override { mux.emit(bytes); }
    void attach(dev::CharReceiver* to) override;
    void accept_input() override;
    void deliver();
    MuxChar& mux;
    dev::CharReceiver* receiver = nullptr;
    std::deque<uint16_t> input;  // bytes, and kBreak
    bool delivering = false;
  };

  size_t can_receive() const override;
  void receive(std::span<const uint8_t> bytes) override;
  void receive_break() override;
  void command(uint8_t key);
  void show_help();
  void leave_help();
  void emit(std::span<const uint8_t> bytes);
  void emit_text(const std::string& text);
  std::string key_name() const;

  std::unique_ptr<dev::CharBackend> lower_;
  MuxHooks hooks_;
  std::vector<std::unique_ptr<Port>> ports_;
  size_t focus_ = 0;
  uint8_t escape_ = 0x01;
  bool escaped_ = false;  // the last byte was the escape key
  const TerminalState* screen_ = nullptr;
  bool help_shown_ = false;  // on the other screen; what the ports write waits in held_
  std::vector<uint8_t> held_;
  bool stamps_ = false;
  bool line_start_ = true;
  std::chrono::steady_clock::time_point stamp_zero_;
};

}  // namespace mynah::host
