// SPDX-License-Identifier: Apache-2.0
//
// The kernel's Documentation/networking/tuntap.rst. The helper gets a socket, and sends the tap's descriptor
// back through it (unix(7), SCM_RIGHTS).
#include "devices/host/tap_net.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace mynah::host {
namespace {

constexpr size_t kMaxFrame = 65550;

// Runs a program and waits; its exit code, or 127 when it cannot be run.
int run(const std::vector<std::string>& words) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> arguments;
    for (const std::string& w : words) arguments.push_back(const_cast<char*>(w.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

Result<UniqueFd> open_tap(std::string& name) {
  constexpr const char* kDevice = "/dev/net/tun";
  const std::string what = "the tap interface" + (name.empty() ? std::string() : " '" + name + "'");
  const std::string advice = "; make it for yourself as root with 'ip tuntap add dev " +
                             (name.empty() ? "tap0" : name) +
                             " mode tap user NAME', or use -nic user, which needs no privilege";
  if (name.size() >= IFNAMSIZ)
    return error("ifname={} is longer than the {} bytes of an interface's name", name, IFNAMSIZ - 1);
  UniqueFd fd(::open(kDevice, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return Error{"cannot use " + what + ": " + kDevice + ": " + errno_text(errno) + advice};
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  std::memcpy(request.ifr_name, name.data(), name.size());
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0)
    return Error{"cannot use " + what + ": " + errno_text(errno) + advice};
  name.assign(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));
  return fd;
}

Result<UniqueFd> ask_helper(const LinkOptions& link) {
  const std::string refused = "the bridge '" + link.bridge + "' cannot be used: ";
  const std::string advice =
      "; allow it in /etc/qemu/bridge.conf ('allow " + link.bridge +
      "'), name another program with helper=, or use -nic user, which needs no privilege";
  if (::access(link.helper.c_str(), X_OK) != 0)
    return Error{refused + "the helper '" + link.helper + "': " + errno_text(errno) + advice};
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return Error{refused + errno_text(errno)};
  UniqueFd own(ends[0]), theirs(ends[1]);
  ::fcntl(own.get(), F_SETFD, FD_CLOEXEC);
  const int code = run({link.helper, "--fd=" + std::to_string(theirs.get()), "--br=" + link.bridge});
  theirs.reset();
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (code != 0 || ::recvmsg(own.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
    return Error{refused + "the helper '" + link.helper + "' ended with " + std::to_string(code) + advice};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
    return Error{refused + "the helper '" + link.helper + "' sent no interface" + advice};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

}  // namespace

Result<std::unique_ptr<TapNet>> TapNet::open(LinkOptions link, bool by_helper, Poller& poller,
                                             Report report) {
  Result<UniqueFd> fd = link.fd     ? Result<UniqueFd>(UniqueFd(*link.fd))
                        : by_helper ? ask_helper(link)
                                    : open_tap(link.interface_name);
  if (!fd) return fd.error();
  ifreq request{};
  if (::ioctl(fd->get(), TUNGETIFF, &request) != 0 || (request.ifr_flags & IFF_TAP) == 0) {
    if (link.fd) fd->release();  // somebody else's
    return error("fd={} is no tap interface; open one before the emulator starts", link.fd.value_or(-1));
  }
  if (request.ifr_flags & IFF_VNET_HDR) {
    request.ifr_flags = static_cast<short>(request.ifr_flags & ~IFF_VNET_HDR);
    return Error{
        "the tap interface has virtio headers (IFF_VNET_HDR), which are missing here; make it without"};
  }
  ::fcntl(fd->get(), F_SETFL, ::fcntl(fd->get(), F_GETFL) | O_NONBLOCK);
  if (!link.fd && !by_helper && !link.up_script.empty())
    if (const int code = run({link.up_script, link.interface_name}); code != 0)
      return error("the network script '{}' ended with {}; correct it, or say script=no", link.up_script,
                   code);
  return std::unique_ptr<TapNet>(new TapNet(std::move(*fd), std::move(link), poller, std::move(report)));
}

TapNet::TapNet(UniqueFd fd, LinkOptions link, Poller& poller, Report report)
    : fd_(std::move(fd)),
      link_(std::move(link)),
      report_(std::move(report)),
      watch_(poller.watch(fd_.get(), Poller::kRead, [this](unsigned) { ready(); })) {}

TapNet::~TapNet() {
  if (!link_.fd && !link_.down_script.empty()) run({link_.down_script, link_.interface_name});
}

void TapNet::send(std::span<const uint8_t> frame) {
  if (frame.size() > kMaxFrame) return;
  if (::write(fd_.get(), frame.data(), frame.size()) < 0 && errno != EAGAIN && errno != EINTR)
    report_(errno, "a frame to the tap interface is lost: " + errno_text(errno) + "; bring the interface up");
}

void TapNet::ready() {
  uint8_t bytes[kMaxFrame];
  for (unsigned i = 0; i < 64 && !frames_.full(); ++i) {
    const ssize_t n = ::read(fd_.get(), bytes, sizeof bytes);
    if (n <= 0) {
      if (n < 0 && errno != EAGAIN && errno != EINTR) {
        report_(errno, "the tap interface failed: " + errno_text(errno) + "; the guest's cable is out");
        watch_.set_interest(Poller::kNone);
        return;
      }
      break;
    }
    frames_.push({bytes, static_cast<size_t>(n)});
  }
  frames_.deliver();
  watch_.set_interest(frames_.full() ? Poller::kNone : Poller::kRead);
}

void TapNet::buffers_available() {
  frames_.deliver();
  if (!frames_.full()) watch_.set_interest(Poller::kRead);
}

}  // namespace mynah::host
