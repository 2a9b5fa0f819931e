// SPDX-License-Identifier: Apache-2.0
//
// SlirpNet: user networking by libslirp. The guest gets a small network of its own with a DHCP server, a name
// server and a gateway; its connections leave the host as this process's own, and ports of the host can be
// forwarded to it. Needs no privilege.
//
// Frames for the guest are queued and handed to the device from poll(), never from within its own send(), so
// a network card need not expect to receive while it transmits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/core/host_backends.h"
#include "devices/host/frame_queue.h"
#include "devices/host/poller.h"
#include "devices/host/slirp_options.h"

struct Slirp;
struct SlirpCb;

namespace mynah::host {

class SlirpNet final : public dev::NetBackend, private PollHook {
 public:
  static constexpr size_t kQueue = FrameQueue::kFrames;
  static constexpr size_t kMaxFrame = 65550;  // bytes; longer ones from the guest are dropped
  struct Env {
    std::function<int64_t()> clock = nullptr;  // ns, never going back; the host's monotonic clock when absent
    Report guest_error = nullptr;              // the guest sent nonsense
    std::function<void()> kick = nullptr;      // there is work for poll(); for a loop that is not in it now
    // The line behind a guestfwd=, by its spelling; it outlives the network.
    std::function<Result<dev::CharBackend*>(const std::string& spec, const std::string& user)> line = nullptr;
  };
  static Result<std::unique_ptr<SlirpNet>> create(SlirpOptions options, Poller& poller, Env env);
  ~SlirpNet() override;

  void send(std::span<const uint8_t> frame) override;
  void attach(Receiver receiver) override;
  void buffers_available() override { frames_.deliver(); }

  // A table of connections and forwarded ports for a person.
  std::string connection_info() const;

 private:
  struct Timer {
    int id;
    void* argument;
    int64_t due_ms = kNever;
  };
  static constexpr int64_t kNever = INT64_MAX;
  struct Callbacks;  // the functions that libslirp calls
  friend struct Callbacks;

  SlirpNet(SlirpOptions options, Poller& poller, Env env);
  void prepare(std::vector<pollfd>& fds, std::chrono::nanoseconds& timeout) override;
  void dispatch(std::span<const pollfd> fds, bool failed) override;
  struct GuestLine;  // one of guestfwd=
  Result<void> add_guest_line(const GuestForward& forward);
  void run_timers();
  void kick();

  SlirpOptions options_;
  Poller& poller_;
  Env env_;
  std::unique_ptr<SlirpCb> callbacks_;
  Slirp* slirp_ = nullptr;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::vector<std::unique_ptr<GuestLine>> guest_lines_;
  FrameQueue frames_;
  bool dispatching_ = false;
  std::vector<pollfd>* filling_ = nullptr;  // during prepare
  size_t first_fd_ = 0;                     // where ours begin in *filling_
  std::span<const pollfd> polled_;          // during dispatch
};

}  // namespace mynah::host
