// SPDX-License-Identifier: Apache-2.0
//
// Handlers touch lock-free atomics and async-signal-safe calls only (signal-safety(7)). Crashes run on a
// stack of their own, and a second ending signal ends at once.
#include "app/signals.h"

#include <cerrno>
#include <cstring>

#include "devices/host/terminal.h"

namespace mynah::app {
namespace {

constinit std::atomic<host::Poller*> poller_to_wake{nullptr};
constinit std::atomic<int> ending_signal{0};
constinit std::atomic<pid_t> ending_sender{0};
constinit std::atomic<bool> report_requested{false};

void wake() noexcept {
  if (host::Poller* poller = poller_to_wake.load()) poller->wake();
}

void default_course(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);  // delivered when the handler returns
}

void on_ending(int signal, siginfo_t* info, void*) {
  if (ending_signal.load() != 0) {  // the second time it is meant
    host::restore_terminal();
    return default_course(signal);
  }
  ending_sender = info->si_code <= 0 ? info->si_pid : 0;
  ending_signal = signal;
  wake();
}

void on_crash(int signal, siginfo_t*, void*) {
  host::restore_terminal();
  if (signal == SIGBUS) {
    constexpr char kText[] = "mynah: the host has no memory left for the guest; use a smaller -m\n";
    [[maybe_unused]] const ssize_t n = ::write(2, kText, sizeof kText - 1);
  }
  default_course(signal);
}

void on_stop(int, siginfo_t*, void*) {
  host::restore_terminal();
  ::raise(SIGSTOP);
}

void on_continue(int, siginfo_t*, void*) { host::resume_terminal(); }

void on_report(int, siginfo_t*, void*) {
  report_requested = true;
  wake();
}

}  // namespace

Signals::Signals(host::Poller& poller) : stack_(1 << 16) {
  poller_to_wake = &poller;
  ending_signal = 0;
  report_requested = false;
  stack_t stack{};
  stack.ss_sp = stack_.data();
  stack.ss_size = stack_.size();
  ::sigaltstack(&stack, nullptr);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) set(signal, on_ending, SA_RESTART);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT}) set(signal, on_crash, SA_ONSTACK);
  set(SIGTSTP, on_stop, SA_RESTART);
  set(SIGCONT, on_continue, SA_RESTART);
  set(SIGUSR1, on_report, SA_RESTART);
}

Signals::~Signals() {
  for (const Saved& saved : saved_) ::sigaction(saved.signal, &saved.action, nullptr);
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  poller_to_wake = nullptr;
}

void Signals::set(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = flags | SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  Saved saved{signal, {}};
  ::sigaction(signal, nullptr, &saved.action);
  // A shell that starts a program in the background ignores some for it.
  if (saved.action.sa_handler == SIG_IGN && (signal == SIGHUP || signal == SIGINT || signal == SIGTSTP))
    return;
  // A sanitizer that watches for crashes knows better.
  if ((flags & SA_ONSTACK) && saved.action.sa_handler != SIG_DFL) return;
  saved_.push_back(saved);
  ::sigaction(signal, &action, nullptr);
}

Signals::Ending Signals::ending() const { return {ending_signal.load(), ending_sender.load()}; }

bool Signals::take_report_request() { return report_requested.exchange(false); }

}  // namespace mynah::app
