// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing of instruction cases; their form: cases.h.
#include "tests/a64_cases/cases.h"

#include <bit>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mynah::a64_cases {

namespace {

using a64_oracle::State;

uint64_t integer(std::string text) {
  std::erase(text, '_');
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (negative) digits.remove_prefix(1);
  const bool hex = digits.starts_with("0x");
  if (hex) digits.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size())
    throw std::runtime_error("no number: " + text);
  return negative ? 0 - value : value;
}

bool is_decimal(std::string_view text) {
  return !text.starts_with("0x") && text.find_first_of(".n") != text.npos;  // 1.5, inf, nan
}

unsigned number_of(std::string_view name, unsigned count) {
  const auto n = static_cast<unsigned>(integer(std::string(name.substr(1))));
  if (n >= count) throw std::runtime_error("no such register: " + std::string(name));
  return n;
}

void assign(State& s, std::string_view name, const std::string& value) {
  if (name == "sp") {
    s.sp = integer(value);
  } else if (name == "nzcv") {
    s.nzcv = static_cast<uint32_t>(std::stoul(value, nullptr, 2)) << 28;
  } else if (name == "fpcr") {
    s.fpcr = static_cast<uint32_t>(integer(value));
  } else if (name == "fpsr") {
    s.fpsr = static_cast<uint32_t>(integer(value));
  } else if (name.starts_with('x')) {
    s.x[number_of(name, 31)] = integer(value);
  } else if (name.starts_with('v')) {
    const size_t colon = value.find(':');
    if (colon == value.npos) throw std::runtime_error("a vector is high:low");
    uint64_t* v = s.v[number_of(name, 32)];
    v[1] = integer(value.substr(0, colon));
    v[0] = integer(value.substr(colon + 1));
  } else if (std::string_view("bhsd").find(name.front()) != std::string_view::npos) {
    uint64_t* v = s.v[number_of(name, 32)];
    v[1] = 0;
    if (!is_decimal(value))
      v[0] = integer(value);
    else if (name.front() == 'd')
      v[0] = std::bit_cast<uint64_t>(std::strtod(value.c_str(), nullptr));
    else
      v[0] = std::bit_cast<uint32_t>(std::strtof(value.c_str(), nullptr));
  } else {
    throw std::runtime_error("no such register: " + std::string(name));
  }
}

void assign_all(State& s, const std::string& column) {
  std::istringstream words(column);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == word.npos) throw std::runtime_error("register=value expected: " + word);
    assign(s, std::string_view(word).substr(0, equals), word.substr(equals + 1));
  }
}

TextCase parse(const std::string& line) {
  TextCase c;
  const size_t first = line.find('|'), second = line.find('|', first + 1);
  if (second == line.npos) throw std::runtime_error("three columns expected");
  c.head = line.substr(0, second + 1);
  c.word = static_cast<uint32_t>(integer("0x" + line.substr(0, 8)));
  c.before.pc = a64_oracle::slot_pc(0);
  assign_all(c.before, line.substr(first + 1, second - first - 1));
  c.after = c.before;
  c.after.pc += 4;
  assign_all(c.after, line.substr(second + 1));
  return c;
}

std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, value < 10 ? "%llu" : "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

std::vector<TextCase> read_cases(const std::string& path) {
  std::vector<TextCase> cases;
  std::ifstream file(path);
  unsigned number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    try {
      cases.push_back(parse(line));
    } catch (const std::exception& e) {
      throw std::runtime_error(path + ":" + std::to_string(number) + ": " + e.what());
    }
    cases.back().file = path;
    cases.back().line = number;
  }
  return cases;
}

std::string results(const State& before, const State& after) {
  std::string text;
  const auto add = [&](const std::string& name, const std::string& value) {
    text += " " + name + "=" + value;
  };
  for (unsigned i = 0; i < 31; ++i)
    if (before.x[i] != after.x[i]) add("x" + std::to_string(i), hex(after.x[i]));
  if (before.sp != after.sp) add("sp", hex(after.sp));
  for (unsigned i = 0; i < 32; ++i)
    if (before.v[i][0] != after.v[i][0] || before.v[i][1] != after.v[i][1])
      add("v" + std::to_string(i), hex(after.v[i][1]) + ":" + hex(after.v[i][0]));
  if (before.nzcv != after.nzcv) {
    std::string bits;
    for (unsigned i = 0; i < 4; ++i) bits += after.nzcv >> (31 - i) & 1 ? '1' : '0';
    add("nzcv", bits);
  }
  const uint32_t sticky = after.fpsr & a64_oracle::kFpsrMask;
  if ((before.fpsr & a64_oracle::kFpsrMask) != sticky) add("fpsr", hex(sticky));
  return text;
}

}  // namespace mynah::a64_cases
