// SPDX-License-Identifier: Apache-2.0
//
// StateStream: one function, serialize(StateStream&), saves and restores a device. While saving, io() appends
// the value; while loading, it replaces the value. Format: little-endian values in call order, with named,
// versioned sections around each device. A short or mismatching stream sets failed() and leaves the remaining
// values untouched; it never reads beyond the stream.
#pragma once

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
  void fail() { failed_ = true; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  std::vector<uint8_t> take() { return std::move(bytes_); }

  // Opens a device's section. While loading, another name or version fails the stream.
  void section(std::string_view name, uint32_t version) {
    std::string stored(name);
    uint32_t stored_version = version;
    io(stored);
    io(stored_version);
    if (loading_ && (stored != name || stored_version != version)) failed_ = true;
  }

  template <typename T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || std::is_floating_point_v<T>) void io(T& value) {
    raw(&value, sizeof value);
  }
  // One byte, 0 or 1; any other makes the stream fail, because a bool must never hold it.
  void io(bool& value) {
    uint8_t byte = value ? 1 : 0;
    raw(&byte, 1);
    if (byte > 1) failed_ = true;
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
        failed_ = true;
        return;
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
    if (failed_ || n > bytes_.size() - at_) failed_ = true;
    return !failed_;
  }
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
  bool loading_ = false;
  bool failed_ = false;
};

}  // namespace mynah::dev
