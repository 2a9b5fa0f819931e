// SPDX-License-Identifier: Apache-2.0
//
// A reader of RFC 8259 that flattens as it goes. Depth is bounded; elements of arrays have their numbers for
// keys.
#include "app/json_list.h"

#include <charconv>
#include <utility>
#include <vector>

namespace mynah::app {
namespace {

constexpr unsigned kMaxDepth = 16;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool document() { return value("", 0) && (skip(), at_ == text_.size()); }
  std::vector<std::pair<std::string, std::string>> pairs;
  size_t position() const { return at_; }

 private:
  void skip() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  static std::string joined(const std::string& prefix, const std::string& key) {
    return prefix.empty() ? key : prefix + "." + key;
  }

  bool value(const std::string& key, unsigned depth) {
    if (depth > kMaxDepth) return false;
    skip();
    if (at_ == text_.size()) return false;
    if (text_[at_] == '{') return object(key, depth);
    if (key.empty()) return false;  // only an object is a list
    if (text_[at_] == '[') return array(key, depth);
    std::string text;
    if (text_[at_] == '"') {
      if (!string(text)) return false;
    } else {
      while (at_ < text_.size() && std::string_view(",}] \t\r\n").find(text_[at_]) == std::string_view::npos)
        text += text_[at_++];
      if (text == "true")
        text = "on";
      else if (text == "false")
        text = "off";
      else if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos)
        return false;
    }
    pairs.emplace_back(key, std::move(text));
    return true;
  }
  bool object(const std::string& prefix, unsigned depth) {
    take('{');
    if (take('}')) return true;
    do {
      std::string key;
      skip();
      if (!string(key) || key.empty() || !take(':') || !value(joined(prefix, key), depth + 1)) return false;
    } while (take(','));
    return take('}');
  }
  bool array(const std::string& prefix, unsigned depth) {
    take('[');
    if (take(']')) return true;
    unsigned number = 0;
    do {
      if (!value(joined(prefix, std::to_string(number++)), depth + 1)) return false;
    } while (take(','));
    return take(']');
  }
  bool string(std::string& to) {
    if (at_ == text_.size() || text_[at_] != '"') return false;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c != '\\') {
        to += c;
        continue;
      }
      if (++at_ == text_.size()) return false;
      static constexpr std::string_view kNames = "\"\\/bfnrt", kBytes = "\"\\/\b\f\n\r\t";
      if (const size_t n = kNames.find(text_[at_]); n != std::string_view::npos) {
        to += kBytes[n];
        continue;
      }
      unsigned code = 0;
      if (text_[at_] != 'u' || text_.size() - at_ < 5 ||
          std::from_chars(text_.data() + at_ + 1, text_.data() + at_ + 5, code, 16).ptr !=
              text_.data() + at_ + 5 ||
          code == 0 || code > 0x7f)
        return false;  // other letters can be written as they are
      to += static_cast<char>(code);
      at_ += 4;
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<std::string> json_as_list(std::string_view option, std::string_view json, std::string_view first) {
  Reader reader(json);
  if (!reader.document())
    return error("{}: the JSON text is wrong at its character {}; check quotes, commas and braces", option,
                 reader.position() + 1);
  std::string kind, rest;
  for (const auto& [key, text] : reader.pairs) {
    std::string escaped;
    for (char c : text) escaped.append(c == ',' ? 2 : 1, c);
    if (key == first)
      kind = escaped;
    else
      rest += "," + key + "=" + escaped;
  }
  if (kind.empty()) return error("{}: the JSON object has no \"{}\"", option, first);
  return kind + rest;
}

}  // namespace mynah::app
