// SPDX-License-Identifier: Apache-2.0
//
// The machine's screen and keyboard on the terminal. While that is so, sentences wait until it is over.
#include <cstdio>

#include "app/session.h"

namespace mynah::app {

Result<void> Session::set_up_display() {
  if (!options_.curses) return {};
  const dev::Screen* const screen = machine_->screen();
  if (!screen)
    return error("-display curses: the machine {} has no screen; use -nographic", machine_->name());
  if (lines_->stdio_taken())
    return Error{
        "-display curses draws on the terminal, which -serial, -monitor or -chardev has as stdio; put that "
        "elsewhere"};
  auto display = host::CursesDisplay::create(*poller_, *screen, [this](uint16_t code, bool down) {
    dev::Ps2Keyboard* const keyboard = machine_->keyboard();
    return !keyboard || keyboard->key(code, down);
  });
  if (!display) return display.error();
  display_ = std::move(*display);
  if (!options_.monitor) lines_->add_monitor(display_->console());
  return {};
}

void Session::leave_display() {
  if (display_) display_->leave();
  for (const std::string& text : unsaid_) std::fputs(text.c_str(), stderr);
  unsaid_.clear();
}

}  // namespace mynah::app
