// SPDX-License-Identifier: Apache-2.0
//
// libslirp's callbacks, its poll set translated to the Poller's, and the queue of frames for the guest.
#include "devices/host/slirp_net.h"

#include <arpa/inet.h>
#include <libslirp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace mynah::host {
namespace {

in_addr network_order(uint32_t address) {
  in_addr result{};
  result.s_addr = htonl(address);
  return result;
}

in6_addr fec0(uint8_t last) {
  in6_addr address{};
  address.s6_addr[0] = 0xfe;
  address.s6_addr[1] = 0xc0;
  address.s6_addr[15] = last;
  return address;
}

const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

struct Meaning {
  int slirp;
  short poll;
};
constexpr Meaning kMeanings[] = {{SLIRP_POLL_IN, POLLIN},
                                 {SLIRP_POLL_OUT, POLLOUT},
                                 {SLIRP_POLL_PRI, POLLPRI},
                                 {SLIRP_POLL_ERR, POLLERR},
                                 {SLIRP_POLL_HUP, POLLHUP}};

}  // namespace

struct SlirpNet::Callbacks {
  static SlirpNet& self(void* opaque) { return *static_cast<SlirpNet*>(opaque); }

  static ssize_t send_packet(const void* frame, size_t n, void* opaque) {
    self(opaque).frames_.push(std::span(static_cast<const uint8_t*>(frame), n));
    return static_cast<ssize_t>(n);
  }
  static void guest_error(const char* message, void* opaque) {
    if (const Report& report = self(opaque).env_.guest_error) report(message);
  }
  static int64_t clock_get_ns(void* opaque) { return self(opaque).env_.clock(); }

  static void* timer_new_opaque(SlirpTimerId id, void* argument, void* opaque) {
    auto& timers = self(opaque).timers_;
    timers.push_back(std::make_unique<Timer>(Timer{id, argument}));
    return timers.back().get();
  }
  // Superseded by timer_new_opaque, which libslirp prefers; no timer of this kind is ever asked for.
  static void* timer_new(SlirpTimerCb, void*, void*) { std::abort(); }
  static void timer_free(void* timer, void* opaque) {
    std::erase_if(self(opaque).timers_, [&](const auto& each) { return each.get() == timer; });
  }
  static void timer_mod(void* timer, int64_t due_ms, void* opaque) {
    static_cast<Timer*>(timer)->due_ms = due_ms;
    self(opaque).kick();
  }
  // The descriptors are collected anew before each wait.
  static void register_poll_fd(int, void*) {}
  static void unregister_poll_fd(int, void*) {}
  static void notify(void* opaque) { self(opaque).kick(); }
  static void init_completed(::Slirp*, void*) {}

  static int add_poll(int fd, int events, void* opaque) {
    SlirpNet& net = self(opaque);
    short wanted = 0;
    for (const Meaning& meaning : kMeanings)
      if (events & meaning.slirp) wanted |= meaning.poll;
    net.filling_->push_back({fd, wanted, 0});
    return static_cast<int>(net.filling_->size() - 1 - net.first_fd_);
  }
  static int get_revents(int index, void* opaque) {
    SlirpNet& net = self(opaque);
    if (index < 0 || static_cast<size_t>(index) >= net.polled_.size()) return 0;
    int events = 0;
    for (const Meaning& meaning : kMeanings)
      if (net.polled_[static_cast<size_t>(index)].revents & meaning.poll) events |= meaning.slirp;
    return events;
  }
};

struct SlirpNet::GuestLine final : dev::CharReceiver {
  GuestLine(SlirpNet& net, in_addr address, int port, dev::CharBackend* line)
      : net(net), address(address), port(port), backend(line) {
    backend->attach(this);
  }
  ~GuestLine() override { backend->attach(nullptr); }
  size_t can_receive() const override { return ::slirp_socket_can_recv(net.slirp_, address, port); }
  void receive(std::span<const uint8_t> bytes) override {
    ::slirp_socket_recv(net.slirp_, address, port, bytes.data(), static_cast<int>(bytes.size()));
    net.kick();
  }
  static ssize_t write(const void* bytes, size_t n, void* opaque) {
    static_cast<GuestLine*>(opaque)->backend->write({static_cast<const uint8_t*>(bytes), n});
    return static_cast<ssize_t>(n);
  }
  SlirpNet& net;
  in_addr address;
  int port;
  dev::CharBackend* backend;
};

// What the guest sends to an address of its network goes to a line, or to a command that each connection
// starts.
Result<void> SlirpNet::add_guest_line(const GuestForward& forward) {
  in_addr address = network_order(forward.address);
  const std::string refused = "guestfwd=" + forward.text + " is not possible: ";
  constexpr std::string_view kCommand = "cmd:";
  if (forward.target.starts_with(kCommand)) {
    if (::slirp_add_exec(slirp_, forward.target.c_str() + kCommand.size(), &address, forward.port) == 0)
      return {};
    return Error{refused + "the address must be a free one of the guest's network"};
  }
  if (!env_.line) return Error{refused + "there are no lines"};
  auto line = env_.line(forward.target, "guestfwd=" + forward.text);
  if (!line) return Error{refused + line.message()};
  auto made = std::make_unique<GuestLine>(*this, address, forward.port, *line);
  if (::slirp_add_guestfwd(slirp_, GuestLine::write, made.get(), &address, forward.port) != 0)
    return Error{refused + "the address must be a free one of the guest's network"};
  made->address = address;
  guest_lines_.push_back(std::move(made));
  return {};
}

SlirpNet::SlirpNet(SlirpOptions options, Poller& poller, Env env)
    : options_(std::move(options)),
      poller_(poller),
      env_(std::move(env)),
      callbacks_(std::make_unique<SlirpCb>()) {
  if (!env_.clock)
    env_.clock = [] {
      return std::chrono::duration_cast<std::chrono::nanoseconds>(
                 std::chrono::steady_clock::now().time_since_epoch())
          .count();
    };
}

Result<std::unique_ptr<SlirpNet>> SlirpNet::create(SlirpOptions options, Poller& poller, Env env) {
  ignore_write_signals();
  std::unique_ptr<SlirpNet> net(new SlirpNet(std::move(options), poller, std::move(env)));
  const SlirpOptions& o = net->options_;
  *net->callbacks_ = SlirpCb{.send_packet = Callbacks::send_packet,
                             .guest_error = Callbacks::guest_error,
                             .clock_get_ns = Callbacks::clock_get_ns,
                             .timer_new = Callbacks::timer_new,
                             .timer_free = Callbacks::timer_free,
                             .timer_mod = Callbacks::timer_mod,
                             .register_poll_fd = Callbacks::register_poll_fd,
                             .unregister_poll_fd = Callbacks::unregister_poll_fd,
                             .notify = Callbacks::notify,
                             .init_completed = Callbacks::init_completed,
                             .timer_new_opaque = Callbacks::timer_new_opaque};
  std::vector<const char*> search;
  for (const std::string& name : o.dnssearch) search.push_back(name.c_str());
  search.push_back(nullptr);

  SlirpConfig config{};
  config.version = 4;
  config.restricted = o.restricted;
  config.in_enabled = true;
  config.vnetwork = network_order(o.network);
  config.vnetmask = network_order(o.mask);
  config.vhost = network_order(o.host);
  config.vnameserver = network_order(o.dns);
  config.vdhcp_start = network_order(o.dhcp_start);
  config.in6_enabled = o.ipv6;
  config.vprefix_addr6 = fec0(0);
  config.vprefix_len = 64;
  config.vhost6 = fec0(2);
  config.vnameserver6 = fec0(3);
  config.vhostname = text_or_null(o.hostname);
  config.tftp_path = text_or_null(o.tftp);
  config.bootfile = text_or_null(o.bootfile);
  config.vdnssearch = o.dnssearch.empty() ? nullptr : search.data();
  config.vdomainname = text_or_null(o.domainname);
  net->slirp_ = ::slirp_new(&config, net->callbacks_.get(), net.get());
  if (!net->slirp_)
    return Error{
        "user networking could not be set up (libslirp refused the settings); try it without options"};
  for (const HostForward& forward : o.forwards) {
    errno = 0;
    if (::slirp_add_hostfwd(net->slirp_, forward.udp, network_order(forward.host_address), forward.host_port,
                            network_order(forward.guest_address), forward.guest_port) == 0)
      continue;
    return Error{forward_error(forward, errno)};
  }
  for (const GuestForward& forward : o.guest_forwards)
    if (auto ok = net->add_guest_line(forward); !ok) return ok.error();
  poller.add_hook(net.get());
  return net;
}

SlirpNet::~SlirpNet() {
  poller_.remove_hook(this);
  guest_lines_.clear();
  frames_.attach(nullptr);  // closing connections may still emit frames
  if (slirp_) ::slirp_cleanup(slirp_);
}

void SlirpNet::kick() {
  if (dispatching_) return;  // prepare() comes before the next wait anyway
  poller_.wake();
  if (env_.kick) env_.kick();
}

void SlirpNet::send(std::span<const uint8_t> frame) {
  if (frame.size() > kMaxFrame) return;
  const bool was_empty = frames_.empty();
  ::slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
  // The guest's frame may have opened a connection or been answered; a wait that is going on knows neither.
  if (was_empty && !frames_.empty())
    kick();
  else
    poller_.wake_if_waiting();
}

void SlirpNet::attach(Receiver receiver) { frames_.attach(std::move(receiver)); }

void SlirpNet::prepare(std::vector<pollfd>& fds, std::chrono::nanoseconds& timeout) {
  if (!frames_.empty() && !frames_.blocked()) timeout = std::chrono::nanoseconds(0);
  constexpr int64_t kNsPerMs = 1'000'000;
  uint32_t wait_ms = UINT32_MAX;
  if (timeout.count() >= 0)
    wait_ms = static_cast<uint32_t>(
        std::min<int64_t>((timeout.count() + kNsPerMs - 1) / kNsPerMs, int64_t{UINT32_MAX} - 1));
  const uint32_t asked_ms = wait_ms;
  filling_ = &fds;
  first_fd_ = fds.size();
  ::slirp_pollfds_fill(slirp_, &wait_ms, Callbacks::add_poll, this);
  filling_ = nullptr;
  if (wait_ms < asked_ms) timeout = std::chrono::milliseconds(wait_ms);

  int64_t due_ms = kNever;
  for (const auto& timer : timers_) due_ms = std::min(due_ms, timer->due_ms);
  if (due_ms == kNever) return;
  const int64_t now_ms = env_.clock() / kNsPerMs;
  const int64_t left_ms = std::clamp<int64_t>(due_ms - now_ms, 0, INT32_MAX);
  const std::chrono::nanoseconds left = std::chrono::milliseconds(left_ms);
  if (timeout.count() < 0 || left < timeout) timeout = left;
}

void SlirpNet::dispatch(std::span<const pollfd> fds, bool failed) {
  dispatching_ = true;
  polled_ = fds;
  ::slirp_pollfds_poll(slirp_, failed, Callbacks::get_revents, this);
  polled_ = {};
  run_timers();
  dispatching_ = false;
  for (const auto& line : guest_lines_) line->backend->accept_input();
  frames_.deliver();
}

void SlirpNet::run_timers() {
  const int64_t now_ms = env_.clock() / 1'000'000;
  for (size_t i = 0; i < timers_.size(); ++i) {
    Timer& timer = *timers_[i];
    if (timer.due_ms > now_ms) continue;
    timer.due_ms = kNever;  // before the call, which usually sets it again
    ::slirp_handle_timer(slirp_, static_cast<SlirpTimerId>(timer.id), timer.argument);
  }
}

std::string SlirpNet::connection_info() const {
  char* text = ::slirp_connection_info(slirp_);
  std::string result = text ? text : "";
  ::free(text);
  return result;
}

}  // namespace mynah::host
