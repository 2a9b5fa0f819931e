// SPDX-License-Identifier: Apache-2.0
//
// StateStream: one function saves and restores a device. While saving, io() appends the value; while loading,
// it replaces the value. Format: little-endian values in call order; each device's begin with its name and
// the version of its layout. A short or mismatching stream fails with a sentence for a person and leaves the
// remaining values untouched; it never reads beyond the stream.
//
// Stateful: what has such state, a device or what is one but for the bus.
#pragma once

#include <fmt/core.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mynah::dev {

class StateStream {
 public:
  StateStream() = default;  // saving
  explicit StateStream(std::vector<uint8_t> saved) : bytes_(std::move(saved)), loading_(true) {}

  bool loading() const { return loading_; }
  bool failed() const { return failed_; }
  void fail() {
    if (!failed_)
      error_ = fmt::format(
          "the saved state of '{}' does not fit this machine; start it with the options that it was saved "
          "with",
          section_);
    failed_ = true;
  }
  const std::string& error() const { return error_; }  // once failed()
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  std::vector<uint8_t> take() { return std::move(bytes_); }

  // Begins what belongs to `name`. While loading, another name or version fails the stream.
  void section(std::string_view name, uint32_t version) {
    section_ = name;
    std::string stored(name);
    uint32_t stored_version = version;
    io(stored);
    io(stored_version);
    if (failed_) return;
    if (stored != name) return fail();
    if (stored_version == version) return;
    failed_ = true;
    error_ = fmt::format(
        "the state of '{}' was saved in version {}, and this program knows version {}; load it with the "
        "program "
        "that saved it",
        section_, stored_version, version);
  }

  template <typename T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || std::is_floating_point_v<T>) void io(T& value) {
    raw(&value, sizeof value);
  }
  // One byte, 0 or 1; any other makes the stream fail, because a bool must never hold it.
  void io(bool& value) {
    uint8_t byte = value ? 1 : 0;
    raw(&byte, 1);
    if (byte > 1) fail();
    if (loading_ && !failed_) value = byte != 0;
  }
  void io(std::string& value) {
    uint64_t n = value.size();
    io(n);
    if (!loading_) return raw(value.data(), n);
    if (!has(n)) return;
    value.resize(n);
    raw(value.data(), n);
  }
  template <typename T, size_t N>
  void io(std::array<T, N>& values) {
    for (auto& v : values) io(v);
  }
  // The element type must itself be acceptable to io(). max_elements bounds what a corrupt stream can
  // allocate.
  template <typename T>
  void io(std::vector<T>& values, uint64_t max_elements = uint64_t{1} << 28) {
    uint64_t n = values.size();
    io(n);
    if (loading_) {
      if (failed_ || n > max_elements || n > bytes_.size() - at_) {
        return fail();
      }
      values.resize(n);
    }
    for (auto& v : values) io(v);
  }
  void raw(void* data, size_t n) {
    if (n == 0) return;
    if (loading_) {
      if (!has(n)) return;
      std::memcpy(data, bytes_.data() + at_, n);
      at_ += n;
    } else {
      const auto* p = static_cast<const uint8_t*>(data);
      bytes_.insert(bytes_.end(), p, p + n);
    }
  }

 private:
  bool has(uint64_t n) {
    if (failed_ || n > bytes_.size() - at_) fail();
    return !failed_;
  }
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
  bool loading_ = false;
  bool failed_ = false;
  std::string section_, error_;
};

class Stateful {
 public:
  virtual ~Stateful() = default;
  virtual std::string_view name() const = 0;
  // Of the layout that serialize_state() has. Whoever changes the one changes the other: state of another
  // version is refused.
  virtual uint32_t state_version() const = 0;
  virtual void reset() = 0;
  void serialize(StateStream& stream) {
    stream.section(name(), state_version());
    serialize_state(stream);
  }

 private:
  virtual void serialize_state(StateStream&) = 0;  // one function both ways
};

}  // namespace mynah::dev
