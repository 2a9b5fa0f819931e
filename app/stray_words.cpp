// SPDX-License-Identifier: Apache-2.0
//
// Guesses from the option before the words and from their shape. Only what can be nothing else is certain; a
// file of that name would make the other guesses wrong.
#include "app/stray_words.h"

#include "devices/host/shell_text.h"

namespace mynah::app {
namespace {

using Words = std::span<const std::string_view>;

std::string with(std::string_view first, Words words, char between) {
  std::string all(first);
  for (std::string_view word : words) {
    if (!all.empty() && (between != ',' || (all.back() != ',' && !word.starts_with(',')))) all += between;
    all += word;
  }
  return all;
}

// "format=raw", "root=/dev/vda", ",format=raw": what no disk is called.
bool is_property(std::string_view word) {
  if (word.starts_with(',')) return true;
  const size_t name =
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
  return name != 0 && name != std::string_view::npos && word[name] == '=';
}

}  // namespace

StrayWords explain_stray_words(const OptionBefore& before, Words words, size_t word) {
  const std::string this_word = "'" + std::string(words[word]) + "'";
  const std::string option = "-" + std::string(before.name);
  const std::string quoted = option + " " + host::shell_quoted(with(before.value, words, ' '));
  if (before.name.empty() || !before.takes_value) return {};
  if (before.name == "append") {
    if (is_property(words[word]))
      return {this_word + " stands apart from " + option +
                  ", which takes one argument; put quotes around the whole command line: " + quoted,
              {}};
    return {{},
            this_word + " is no option, and there is no disk image of that name; if it belongs to " + option +
                ", put quotes around the whole command line: " + quoted};
  }
  if (before.properties && (is_property(words[word]) || before.value.ends_with(','))) {
    size_t end = word;
    while (end < words.size() && (is_property(words[end]) || before.value.ends_with(','))) ++end;
    return {this_word + " stands apart from " + option + "; write a comma and no space between them: " +
                option + " " + host::shell_quoted(with(before.value, words.first(end), ',')),
            {}};
  }
  const bool boots = before.name == "kernel" || before.name == "initrd" || before.name == "dtb";
  if (boots && is_property(words[word]))
    return {this_word +
                " stands apart from any option; the kernel's command line is given in quotes: -append " +
                host::shell_quoted(with({}, words.subspan(word), ' ')),
            {}};
  if (before.file) return {};
  return {{},
          this_word + " is no option, and there is no disk image of that name; if it belongs to " + option +
              ", put quotes around the two: " + quoted};
}

}  // namespace mynah::app
