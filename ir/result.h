// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value, or an Error whose message is a sentence for a person: what is wrong and what to do
// about it. Used for host and configuration failures. Reading the value of a failed result is a broken
// invariant and aborts.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace mynah {

struct Error {
  std::string message;
};

// An Error whose sentence is formatted.
template <typename... T>
Error error(fmt::format_string<T...> pattern, T&&... values) {
  return {fmt::format(pattern, std::forward<T>(values)...)};
}

namespace detail {
[[noreturn]] inline void value_of_failed_result(const std::string& message) {
  fmt::print(stderr, "mynah: internal error: value of a failed result taken: {}\n", message);
  std::abort();
}
}  // namespace detail

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  template <typename U = T>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return std::get<1>(state_); }  // only when !ok()
  const std::string& message() const { return error().message; }

  T& value() & {
    check();
    return std::get<0>(state_);
  }
  const T& value() const& {
    check();
    return std::get<0>(state_);
  }
  T&& value() && {
    check();
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  void check() const {
    if (!ok()) detail::value_of_failed_result(error().message);
  }
  std::variant<T, Error> state_;
};

// Success without a value: `return {};`.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const { return error_; }
  const std::string& message() const { return error_.message; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace mynah
