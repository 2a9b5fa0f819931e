// SPDX-License-Identifier: Apache-2.0
//
// CursesDisplay: a machine's screen on the terminal that the emulator was started from, thirty times a
// second: text with its colors; of graphics their size. What is typed is the guest's keyboard's, but for Alt
// and 1, the screen, and Alt and 2, a console of the emulator's own (console()). One at a time: the library
// has the terminal for the process.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "devices/display/screen.h"
#include "devices/host/key_codes.h"
#include "devices/host/poller.h"
#include "devices/host/terminal.h"
#include "devices/host/text_console.h"
#include "ir/result.h"

namespace mynah::host {

class CursesDisplay final : private PollHook {
 public:
  // A key goes down or up; false: the guest cannot take it now.
  using Key = std::function<bool(uint16_t code, bool down)>;
  static Result<std::unique_ptr<CursesDisplay>> create(Poller& poller, const dev::Screen& screen, Key key);
  ~CursesDisplay() override;
  CursesDisplay(const CursesDisplay&) = delete;

  TextConsole& console() { return console_; }
  // The terminal as it was; nothing is shown any more.
  void leave();
  bool drawing() const { return library_ != nullptr; }

 private:
  using Clock = std::chrono::steady_clock;
  CursesDisplay(Poller& poller, const dev::Screen& screen, Key key);
  void prepare(std::vector<pollfd>& fds, std::chrono::nanoseconds& timeout) override;
  void dispatch(std::span<const pollfd> fds, bool failed) override;
  void start();
  void take_keys();
  void take_key(int result, unsigned value);
  void press(const Stroke& stroke);
  void type_in_console(int result, unsigned value);
  void flush_keys();
  void draw();
  void draw_text();
  void draw_graphics();
  void draw_console();

  Poller& poller_;
  const dev::Screen& screen_;
  Key key_;
  TextConsole console_;
  std::unique_ptr<RawTerminal> terminal_;
  std::string farewell_;  // what a terminal is sent that nobody draws on any more
  void* library_ = nullptr;
  Poller::Watch watch_;
  bool unicode_ = false, many_colors_ = false, on_console_ = false;
  unsigned resumes_seen_ = 0;
  std::deque<KeyChange> waiting_;
  Clock::time_point waiting_since_{}, next_{};
};

}  // namespace mynah::host
