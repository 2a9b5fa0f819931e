// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes that never wait, where the host allows that. EAGAIN and EINTR are no errors; lack of space
// is one that may pass.
#include "devices/host/char_io.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace mynah::host {
namespace {

constexpr size_t kReadChunk = 4096;
// Taken by a writable pipe or terminal without blocking the writer for long.
constexpr size_t kBlockingChunk = 256;

bool is_transient(int error) { return error == EAGAIN || error == EWOULDBLOCK; }
bool is_lack_of_space(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

}  // namespace

InputPump::InputPump(Poller& poller, int fd, Ended ended)
    : fd_(fd),
      ended_(std::move(ended)),
      watch_(poller.watch(fd, Poller::kNone, [this](unsigned) { ready(); })) {}

void InputPump::attach(dev::CharReceiver* receiver) {
  receiver_ = receiver;
  resume();
}

void InputPump::resume() { watch_.set_interest(receiver_ && !done_ ? Poller::kRead : Poller::kNone); }

void InputPump::ready() {
  const size_t room = receiver_ ? receiver_->can_receive() : 0;
  if (room == 0) return watch_.set_interest(Poller::kNone);
  uint8_t bytes[kReadChunk];
  const ssize_t n = ::read(fd_, bytes, std::min(room, sizeof bytes));
  if (n > 0) return receiver_->receive(std::span<const uint8_t>(bytes, static_cast<size_t>(n)));
  if (n < 0 && (is_transient(errno) || errno == EINTR)) return;
  const int error = n == 0 ? 0 : errno;
  done_ = true;
  watch_.set_interest(Poller::kNone);
  if (auto ended = std::move(ended_)) ended(error);
}

OutputQueue::OutputQueue(Poller& poller, int fd, WhenFull when_full, size_t capacity, Events events)
    : fd_(fd), when_full_(when_full), capacity_(capacity), events_(std::move(events)) {
  struct stat info {};
  if (::fstat(fd, &info) == 0) {
    socket_ = S_ISSOCK(info.st_mode);
    may_block_ = !socket_ && !S_ISREG(info.st_mode) && !(::fcntl(fd, F_GETFL) & O_NONBLOCK);
  }
  watch_ = poller.watch(fd, Poller::kNone, [this](unsigned what) { ready(what); });
}

// Writes what the host takes now. `error` is 0 or the errno that stopped it, never a transient one.
size_t OutputQueue::write_now(std::span<const uint8_t> bytes, int& error) {
  error = 0;
  size_t done = 0;
  while (done < bytes.size()) {
    std::span<const uint8_t> rest = bytes.subspan(done);
    if (may_block_) {
      pollfd fd{fd_, POLLOUT, 0};
      if (::poll(&fd, 1, 0) == 0) break;
      rest = rest.first(std::min(rest.size(), kBlockingChunk));
    }
    const ssize_t n = socket_ ? ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
                              : ::write(fd_, rest.data(), rest.size());
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (n == 0 || is_transient(errno)) {
      break;
    } else if (errno != EINTR) {
      error = errno;
      break;
    }
  }
  if (done) stalled_ = false;
  return done;
}

bool OutputQueue::flush(int& error) {
  const size_t n = write_now(std::span<const uint8_t>(pending_).subspan(head_), error);
  head_ += n;
  if (head_ == pending_.size() || error) {
    pending_.clear();
    head_ = 0;
  } else if (head_ > pending_.size() / 2) {
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
  watch_.set_interest(pending_.empty() ? Poller::kNone : Poller::kWrite);
  return n > 0;
}

void OutputQueue::write(std::span<const uint8_t> bytes) {
  if (!usable_ || bytes.empty()) return;
  int error = 0;
  if (pending()) flush(error);
  if (!error && !pending()) bytes = bytes.subspan(write_now(bytes, error));
  while (!error && bytes.size() > capacity_ - pending()) {
    if (when_full_ == WhenFull::kDrop || stalled_) break;
    // What fits goes in first, so that the wait is for room and ends with the host's first progress.
    const size_t fits = capacity_ - pending();
    pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(fits));
    bytes = bytes.subspan(fits);
    pollfd fd{fd_, POLLOUT, 0};
    const int n = ::poll(&fd, 1, static_cast<int>(kPatience.count()));
    if (n < 0 && errno == EINTR) continue;
    if (!flush(error) && !error) stalled_ = true;
  }
  if (error) return fail(error);
  if (bytes.empty()) return;
  const size_t fits = std::min(bytes.size(), capacity_ - pending());
  pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(fits));
  watch_.set_interest(Poller::kWrite);
  if (fits < bytes.size() && events_.dropping) {
    auto dropping = events_.dropping;
    dropping();
  }
}

void OutputQueue::drain(std::chrono::milliseconds patience) {
  int error = 0;
  while (usable_ && !error && pending()) {
    pollfd fd{fd_, POLLOUT, 0};
    const int n = ::poll(&fd, 1, static_cast<int>(patience.count()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || (!flush(error) && !error)) break;
  }
  if (error) fail(error);
}

void OutputQueue::ready(unsigned what) {
  int error = 0;
  const bool progress = flush(error);
  // An error state that refuses bytes without an errno would be polled for ever.
  if (!error && !progress && (what & Poller::kError)) error = EPIPE;
  if (error) fail(error);
}

void OutputQueue::fail(int error) {
  pending_.clear();
  head_ = 0;
  watch_.set_interest(Poller::kNone);
  if (!is_lack_of_space(error)) usable_ = false;
  if (auto failed = events_.failed) failed(error);
}

}  // namespace mynah::host
