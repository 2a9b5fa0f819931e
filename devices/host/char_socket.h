// SPDX-License-Identifier: Apache-2.0
//
// A serial line over a unix or TCP socket, plain or by telnet. As server it serves one client at a time, and
// the next when that one is gone; output without a client is dropped. As client it connects once, at the
// start.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "devices/host/char_io.h"
#include "devices/host/telnet.h"

namespace mynah::host {

struct SocketAddress {
  bool is_unix = false;
  std::string path;  // unix
  std::string host;  // TCP; empty is every address for a server, the own host for a client
  std::string port;  // TCP; number or service name, 0 for a free port
  bool server = false;
  bool telnet = false;
  bool wait = true;  // a server blocks in open() until its first client has come
  std::string text() const;
};

class SocketChar final : public dev::CharBackend {
 public:
  // `announce` is given a sentence with the address that a server listens at.
  static Result<std::unique_ptr<SocketChar>> open(SocketAddress address, Poller& poller, Report announce,
                                                  Report report);
  ~SocketChar() override;
  void write(std::span<const uint8_t> bytes) override;
  void attach(dev::CharReceiver* receiver) override;
  void accept_input() override;

  // From now on a client that comes while there is one is not left to wait: it is sent `answer` after its
  // first byte `after`, and closed; `said` is told.
  struct Refusal {
    char after;
    std::string answer;
    Report said;
  };
  void refuse_others(Refusal refusal);
  bool connected() const { return connection_ != nullptr; }
  int port() const { return bound_port_; }  // of a TCP server; 0 otherwise

 private:
  struct Connection {
    UniqueFd fd;
    std::unique_ptr<InputPump> input;
    std::unique_ptr<OutputQueue> output;
  };
  SocketChar(SocketAddress address, Poller& poller, Report report);
  Result<void> listen();
  Result<void> listen_unix();
  Result<void> listen_tcp();
  Result<void> connect();
  Result<void> wait_for_client();
  void accept();
  void refuse(UniqueFd fd);
  void begin(UniqueFd fd);
  void end(int error);

  SocketAddress address_;
  Poller& poller_;
  OnceReport report_;
  // Who gets the input: the device, through the protocol where there is one.
  dev::CharReceiver* receiver() { return address_.telnet && receiver_ ? &telnet_ : receiver_; }
  dev::CharReceiver* receiver_ = nullptr;
  Telnet telnet_;
  int bound_port_ = 0;
  bool owns_path_ = false;
  UniqueFd listener_;
  Poller::Watch listener_watch_;
  std::unique_ptr<Connection> connection_;
  static constexpr size_t kMostRefused = 8;  // that have not sent anything yet
  struct Refused {
    UniqueFd fd;
    Poller::Watch watch;
    size_t seen = 0;
  };
  std::optional<Refusal> refusal_;
  std::list<Refused> refused_;
};

}  // namespace mynah::host
