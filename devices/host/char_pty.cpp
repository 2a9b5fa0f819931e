// SPDX-License-Identifier: Apache-2.0
//
// pty(7), inotify(7). Where there is no inotify the slave is held open instead: then there is always someone
// connected.
#include "devices/host/char_pty.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <termios.h>

#include <cerrno>
#include <cstdlib>

namespace mynah::host {

Result<std::unique_ptr<PtyChar>> PtyChar::open(Poller& poller, Report announce, Report report) {
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  char path[128];
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), path, sizeof path) != 0)
    return Error{"cannot make a pseudo terminal: " + errno_text(errno) +
                 "; use a socket (unix:PATH,server=on,wait=off) instead"};
  // Set through the master it applies to the slave: no echo of the guest's output, no line editing.
  termios modes{};
  if (::tcgetattr(master.get(), &modes) == 0) {
    ::cfmakeraw(&modes);
    ::tcsetattr(master.get(), TCSANOW, &modes);
  }
  std::unique_ptr<PtyChar> pty(new PtyChar(poller, std::move(master), path, std::move(report)));
  if (auto watching = pty->watch_openings(); !watching) return watching.error();
  if (announce) announce("serial line on the pseudo terminal " + pty->path_);
  return pty;
}

PtyChar::PtyChar(Poller& poller, UniqueFd master, std::string path, Report report)
    : poller_(poller), master_(std::move(master)), path_(std::move(path)), report_(std::move(report)) {}

PtyChar::~PtyChar() {
  if (output_) output_->drain(std::chrono::milliseconds(100));
}

Result<void> PtyChar::watch_openings() {
  // A master counts as hung up only once its slave was open, so open it.
  UniqueFd slave(::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave)
    return Error{"cannot open the pseudo terminal " + path_ + ": " + errno_text(errno) +
                 "; check that /dev/pts is mounted"};
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (inotify_ && ::inotify_add_watch(inotify_.get(), path_.c_str(), IN_OPEN) >= 0) {
    slave.reset();
    inotify_watch_ = poller_.watch(inotify_.get(), Poller::kRead, [this](unsigned) {
      alignas(inotify_event) char events[1024];
      while (::read(inotify_.get(), events, sizeof events) > 0) {
      }
      check_connection();
    });
  } else {
    held_slave_ = std::move(slave);
  }
  check_connection();
  return {};
}

bool PtyChar::hung_up() const {
  pollfd fd{master_.get(), POLLIN, 0};
  return ::poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP) && !(fd.revents & POLLIN);
}

void PtyChar::check_connection() {
  if (output_ || hung_up()) return;
  output_ = std::make_unique<OutputQueue>(
      poller_, master_.get(), OutputQueue::WhenFull::kDrop, kOutputLimit,
      OutputQueue::Events{.failed = [this](int) { end(); },
                          .dropping =
                              [this] {
                                report_(-1, "the reader of " + path_ +
                                                " is too slow; serial output to it is being lost");
                              }});
  input_ = std::make_unique<InputPump>(poller_, master_.get(), [this](int) { end(); });
  input_->attach(receiver_);
}

void PtyChar::end() {
  input_.reset();
  output_.reset();
  check_connection();  // it may have been opened again since
}

void PtyChar::write(std::span<const uint8_t> bytes) {
  // A client that left while its input was not wanted is noticed here: the write itself would succeed.
  if (output_ && hung_up()) end();
  if (output_) output_->write(bytes);
}

void PtyChar::attach(dev::CharReceiver* receiver) {
  receiver_ = receiver;
  if (input_) input_->attach(receiver);
}

void PtyChar::accept_input() {
  if (input_) input_->resume();
}

}  // namespace mynah::host
