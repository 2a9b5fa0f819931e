// SPDX-License-Identifier: Apache-2.0
//
// ppoll(2) over a list that is made again only after watches changed. Sources that ended stay until then,
// since their callback may be the one that runs.
#include "devices/host/poller.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <ctime>

namespace mynah::host {

Result<std::unique_ptr<Poller>> Poller::create() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd)
    return Error{"cannot create an event descriptor: " + errno_text(errno) +
                 "; raise the limit on open files (ulimit -n)"};
  return std::unique_ptr<Poller>(new Poller(std::move(fd)));
}

Poller::~Poller() {
  for ([[maybe_unused]] auto& source : sources_) assert(source->dead && "a watch outlives its poller");
}

Poller::Watch::Watch(Watch&& other) noexcept
    : poller_(std::exchange(other.poller_, nullptr)), source_(std::exchange(other.source_, nullptr)) {}

Poller::Watch& Poller::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    poller_ = std::exchange(other.poller_, nullptr);
    source_ = std::exchange(other.source_, nullptr);
  }
  return *this;
}

void Poller::Watch::set_interest(unsigned interest) {
  if (!source_ || source_->interest == interest) return;
  source_->interest = interest;
  poller_->changed();
}

unsigned Poller::Watch::interest() const { return source_ ? source_->interest : kNone; }

void Poller::Watch::reset() {
  if (!source_) return;
  // The source itself, and so a callback that may be running now, lives until the next rebuild.
  source_->dead = true;
  source_ = nullptr;
  std::exchange(poller_, nullptr)->changed();
}

Poller::Watch Poller::watch(int fd, unsigned interest, Callback callback) {
  sources_.push_back(std::make_unique<Source>(Source{fd, interest, false, std::move(callback)}));
  changed();
  return Watch(this, sources_.back().get());
}

void Poller::add_hook(PollHook* hook) {
  hooks_.push_back(hook);
  changed();
}

void Poller::remove_hook(PollHook* hook) {
  // Only blanked: dispatch may be walking the list.
  std::replace(hooks_.begin(), hooks_.end(), hook, static_cast<PollHook*>(nullptr));
  changed();
}

void Poller::changed() {
  dirty_ = true;
  // Only a holder of the lock given to poll() can get here during the wait, which goes on with the old set.
  wake_if_waiting();
}

void Poller::rebuild() {
  dirty_ = false;
  std::erase_if(sources_, [](const auto& source) { return source->dead; });
  std::erase(hooks_, nullptr);
  fds_.clear();
  active_.clear();
  fds_.push_back({wake_fd_.get(), POLLIN, 0});
  for (auto& source : sources_) {
    if (!(source->interest & (kRead | kWrite))) continue;
    short events = 0;
    if (source->interest & kRead) events |= POLLIN;
    if (source->interest & kWrite) events |= POLLOUT;
    fds_.push_back({source->fd, events, 0});
    active_.push_back(source.get());
  }
}

int Poller::poll(std::chrono::nanoseconds timeout, std::unique_lock<std::mutex>* lock) {
  if (polling_) return 0;
  polling_ = true;
  if (dirty_) rebuild();
  const size_t own = 1 + active_.size();
  fds_.resize(own);
  hook_end_.clear();
  const size_t hook_count = hooks_.size();
  for (size_t i = 0; i < hook_count; ++i) {
    if (hooks_[i]) hooks_[i]->prepare(fds_, timeout);
    hook_end_.push_back(fds_.size());
  }

  timespec limit{};
  if (timeout.count() >= 0) {
    limit.tv_sec = static_cast<time_t>(timeout.count() / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(timeout.count() % 1'000'000'000);
  }
  if (lock) {
    waiting_.store(true);
    lock->unlock();
  }
  int ready = ::ppoll(fds_.data(), fds_.size(), timeout.count() >= 0 ? &limit : nullptr, nullptr);
  if (lock) {
    lock->lock();
    waiting_.store(false);
  }
  const bool failed = ready < 0;
  if (failed) {  // EINTR; the kernel leaves revents undefined
    ready = 0;
    for (pollfd& fd : fds_) fd.revents = 0;
  }

  int ran = 0;
  if (ready > 0 && fds_[0].revents) {
    uint64_t count;
    [[maybe_unused]] ssize_t n = ::read(wake_fd_.get(), &count, sizeof count);
    // In this order: a wake() in between is not written, but this poll() is about to return all the same.
    wake_pending_.store(false);
    --ready;
  }
  for (size_t i = 1; i < own && ready > 0; ++i) {
    const short revents = fds_[i].revents;
    if (!revents) continue;
    --ready;
    Source& source = *active_[i - 1];
    if (source.dead) continue;
    unsigned what = 0;
    if (revents & POLLIN) what |= kRead;
    if (revents & POLLOUT) what |= kWrite;
    if (revents & (POLLERR | POLLHUP | POLLNVAL)) what |= kError;
    what &= source.interest | kError;
    if (!what || !source.interest) continue;
    source.callback(what);
    ++ran;
    if (revents & POLLNVAL && !source.dead) {  // closed under the watch: it would be reported for ever
      source.interest = kNone;
      dirty_ = true;
    }
  }
  for (size_t i = 0; i < hook_count; ++i) {
    const size_t begin = i ? hook_end_[i - 1] : own;
    if (hooks_[i])
      hooks_[i]->dispatch(std::span<const pollfd>(fds_).subspan(begin, hook_end_[i] - begin), failed);
  }
  polling_ = false;
  return ran;
}

void Poller::wake() noexcept {
  if (wake_pending_.exchange(true)) return;
  const int saved = errno;
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(wake_fd_.get(), &one, sizeof one);
  errno = saved;
}

}  // namespace mynah::host
