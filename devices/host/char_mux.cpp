// SPDX-License-Identifier: Apache-2.0
//
// Input is queued a port and delivered as far as its receiver has room; a break is a mark in the queue. While
// the help is on the other screen, output is held and shown behind it.
#include "devices/host/char_mux.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace mynah::host {
namespace {

// In plain characters, from the top; cursor, colours and characters are as before on the way back.
constexpr const char* kOtherScreen = "\x1b[?1049h\x1b[0m\x1b(B\x0f\x1b[H\x1b[2J";
constexpr const char* kFirstScreen = "\x1b[?1049l";
constexpr uint8_t kEsc = 0x1b;
constexpr size_t kMostHeld = size_t{1} << 18;  // bytes of output; more ends the help

}  // namespace

MuxChar::MuxChar(std::unique_ptr<dev::CharBackend> lower, MuxHooks hooks)
    : lower_(std::move(lower)), hooks_(std::move(hooks)) {
  ports_.push_back(std::make_unique<Port>(*this));
  lower_->attach(this);
}

MuxChar::~MuxChar() {
  if (help_shown_) leave_help();
  lower_->attach(nullptr);
}

dev::CharBackend& MuxChar::add_port() {
  ports_.push_back(std::make_unique<Port>(*this));
  return *ports_.back();
}

void MuxChar::set_focus(size_t port) {
  if (port >= ports_.size() || port == focus_) return;
  focus_ = port;
  if (hooks_.focus) hooks_.focus(port);
  lower_->accept_input();  // the new port's buffer may have room where the old one's had none
}

void MuxChar::Port::attach(dev::CharReceiver* to) {
  receiver = to;
  deliver();
}

void MuxChar::Port::accept_input() {
  const bool was_full = input.size() >= kBuffer;
  deliver();
  if (was_full && input.size() < kBuffer) mux.lower_->accept_input();
}

void MuxChar::Port::deliver() {
  if (delivering) return;  // a receiver that asks for more from within receive() gets it from the loop below
  delivering = true;
  while (receiver && !input.empty()) {
    if (input.front() == kBreak) {
      input.pop_front();
      receiver->receive_break();
      continue;
    }
    uint8_t bytes[256];
    const size_t room = std::min({receiver->can_receive(), input.size(), sizeof bytes});
    size_t n = 0;
    for (; n < room && input[n] != kBreak; ++n) bytes[n] = static_cast<uint8_t>(input[n]);
    if (n == 0) break;
    input.erase(input.begin(), input.begin() + static_cast<ptrdiff_t>(n));
    receiver->receive(std::span<const uint8_t>(bytes, n));
  }
  delivering = false;
}

size_t MuxChar::can_receive() const {
  const size_t used = ports_[focus_]->input.size();
  return used < kBuffer ? kBuffer - used : 0;
}

void MuxChar::receive(std::span<const uint8_t> bytes) {
  for (uint8_t byte : bytes) {
    if (help_shown_) {
      leave_help();
      if (byte == kEsc) break;  // a cursor key comes as several bytes at once
      if (byte != escape_) continue;
    }
    if (escaped_) {
      escaped_ = false;
      if (byte != escape_) {
        command(byte);
        continue;
      }
    } else if (escape_ && byte == escape_) {
      escaped_ = true;
      continue;
    }
    ports_[focus_]->input.push_back(byte);
  }
  for (auto& port : ports_) port->deliver();
}

void MuxChar::receive_break() {
  ports_[focus_]->input.push_back(kBreak);
  ports_[focus_]->deliver();
}

std::string MuxChar::key_name() const {
  if (escape_ >= 1 && escape_ <= 26) return std::string("Ctrl-") + static_cast<char>('A' + escape_ - 1);
  if (escape_ > 0x20 && escape_ < 0x7f) return std::string(1, static_cast<char>(escape_));
  return fmt::format("{:#04x}", escape_);
}

void MuxChar::command(uint8_t key) {
  switch (key) {
    case 'h':
    case '?':
      show_help();
      break;
    case 'x':
      if (hooks_.quit) hooks_.quit();
      break;
    case 's':
      if (hooks_.save) hooks_.save();
      break;
    case 'b':
      ports_[focus_]->input.push_back(kBreak);
      break;
    case 'c':
      set_focus((focus_ + 1) % ports_.size());
      break;
    case 't':
      stamps_ = !stamps_;
      stamp_zero_ = std::chrono::steady_clock::now();
      line_start_ = false;  // the line that is being written keeps its beginning
      break;
    default:
      break;
  }
}

void MuxChar::show_help() {
  const std::string name = key_name();
  std::string text = "After " + name + ":\r\n";
  text += "  h  this help\r\n";
  text += "  x  quit the emulator\r\n";
  if (hooks_.save) text += "  s  save the disks of a -snapshot run\r\n";
  text += "  t  time stamps on or off\r\n";
  text += "  b  send a break\r\n";
  if (ports_.size() > 1) text += "  c  switch between the guest's console and the monitor\r\n";
  text += "  " + name + "  send " + name + "\r\n";
  // A guest that is on the other screen itself would lose that.
  if (!screen_ || screen_->alternate_screen()) return emit_text("\r\n" + text);
  emit_text(std::string(kOtherScreen) + text + "\r\nPress a key to go back.");
  help_shown_ = true;
}

void MuxChar::leave_help() {
  help_shown_ = false;
  emit_text(kFirstScreen);
  const std::vector<uint8_t> held = std::exchange(held_, {});
  if (!held.empty()) emit(held);
}

void MuxChar::emit_text(const std::string& text) {
  lower_->write(std::span<const uint8_t>(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

void MuxChar::emit(std::span<const uint8_t> bytes) {
  if (help_shown_) {
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    if (held_.size() > kMostHeld) leave_help();
    return;
  }
  if (!stamps_) return lower_->write(bytes);
  while (!bytes.empty()) {
    if (line_start_) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                            stamp_zero_)
                          .count();
      emit_text(fmt::format("[{:02}:{:02}:{:02}.{:03}] ", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                            ms % 1000));
      line_start_ = false;
    }
    const auto* end = static_cast<const uint8_t*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const size_t n = end ? static_cast<size_t>(end - bytes.data()) + 1 : bytes.size();
    lower_->write(bytes.first(n));
    line_start_ = end != nullptr;
    bytes = bytes.subspan(n);
  }
}

}  // namespace mynah::host
