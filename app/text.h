// SPDX-License-Identifier: Apache-2.0
//
// Small text helpers of the command line: nearest known name, sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mynah::app {

// How many letters to insert, leave out, replace or swap with their neighbour turn one into the other; upper
// and lower case are the same.
size_t edit_distance(std::string_view a, std::string_view b);
// The known name that `wanted` is a misspelling of: the nearest, the first of equals, when at most a third of
// its letters are wrong. Empty when none is near.
std::string nearest_name(std::string_view wanted, std::span<const std::string_view> known);
// "; did you mean 'NAME'?" with the prefix before the name, or nothing.
std::string suggestion(std::string_view wanted, std::span<const std::string_view> known,
                       std::string_view prefix = {});

// A number with an optional suffix of K, M, G, T, P or E (powers of 1024, any case; B: bytes), the default
// unit being `unit` bytes. A fraction is allowed ("1.5G"). Nothing when it is not such text or does not fit
// into 63 bits.
std::optional<uint64_t> parse_size(std::string_view text, uint64_t unit);
// Decimal, or hexadecimal after 0x.
std::optional<uint64_t> parse_u64(std::string_view text);

// The names with ", " between them.
std::string joined(std::span<const std::string_view> names);
// The amount with the largest unit that keeps it whole, "512 MiB"; else in MiB rounded up.
std::string size_text(uint64_t bytes);

}  // namespace mynah::app
