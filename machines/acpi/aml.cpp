// SPDX-License-Identifier: Apache-2.0
//
// Encodings of AML's terms (ACPI 6.4, 20.2) and of resource descriptors (6.4).
#include "machines/acpi/aml.h"

#include <algorithm>

namespace mynah::acpi {

namespace {

Bytes little(uint64_t value, unsigned n) {
  Bytes out;
  for (unsigned i = 0; i < n; ++i) out.push_back(static_cast<uint8_t>(value >> 8 * i));
  return out;
}

// PkgLength counts itself.
Bytes with_length(const Bytes& contents) {
  const size_t n = contents.size();
  Bytes out;
  if (n + 1 < 64) {
    out.push_back(static_cast<uint8_t>(n + 1));
  } else {
    const unsigned more = n + 2 < 1 << 12 ? 1 : n + 3 < 1 << 20 ? 2 : 3;
    const size_t whole = n + 1 + more;
    out.push_back(static_cast<uint8_t>(more << 6 | (whole & 15)));
    out += little(whole >> 4, more);
  }
  out += contents;
  return out;
}

constexpr uint8_t kExtended = 0x5b;

}  // namespace

Bytes& operator+=(Bytes& to, const Bytes& more) {
  to.insert(to.end(), more.begin(), more.end());
  return to;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out += part;
  return out;
}

Bytes name_string(std::string_view path) {
  Bytes out;
  if (path.starts_with('\\')) {
    out.push_back('\\');
    path.remove_prefix(1);
  }
  const auto segments = static_cast<unsigned>(std::ranges::count(path, '.')) + 1;
  if (segments == 2) {
    out.push_back(0x2e);
  } else if (segments > 2) {
    out.push_back(0x2f);
    out.push_back(static_cast<uint8_t>(segments));
  }
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('.'));
    for (unsigned i = 0; i < 4; ++i)
      out.push_back(i < segment.size() ? static_cast<uint8_t>(segment[i]) : '_');
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
  }
  return out;
}

Bytes integer(uint64_t value) {
  if (value == 0) return {0x00};
  if (value == 1) return {0x01};
  if (value <= 0xff) return join({{0x0a}, little(value, 1)});
  if (value <= 0xffff) return join({{0x0b}, little(value, 2)});
  if (value <= 0xffffffff) return join({{0x0c}, little(value, 4)});
  return join({{0x0e}, little(value, 8)});
}

Bytes string(std::string_view text) {
  Bytes out{0x0d};
  out.insert(out.end(), text.begin(), text.end());
  out.push_back(0);
  return out;
}

Bytes buffer(const Bytes& contents) {
  return join({{0x11}, with_length(join({integer(contents.size()), contents}))});
}

Bytes package(const std::vector<Bytes>& elements) {
  Bytes contents{static_cast<uint8_t>(elements.size())};
  for (const Bytes& element : elements) contents += element;
  return join({{0x12}, with_length(contents)});
}

Bytes eisa_id(std::string_view id) {
  const auto hex = [&](unsigned i) -> unsigned {
    const char c = id[i];
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'A' + 10);
  };
  const unsigned letters = (id[0] - 0x40u) << 10 | (id[1] - 0x40u) << 5 | (id[2] - 0x40u);
  const unsigned number = hex(3) << 12 | hex(4) << 8 | hex(5) << 4 | hex(6);
  const unsigned big = letters << 16 | number;  // its bytes are in big-endian order
  return join({{0x0c},
               {static_cast<uint8_t>(big >> 24), static_cast<uint8_t>(big >> 16),
                static_cast<uint8_t>(big >> 8), static_cast<uint8_t>(big)}});
}

Bytes name(std::string_view path, const Bytes& value) { return join({{0x08}, name_string(path), value}); }

Bytes scope(std::string_view path, const Bytes& contents) {
  return join({{0x10}, with_length(join({name_string(path), contents}))});
}

Bytes device(std::string_view path, const Bytes& contents) {
  return join({{kExtended, 0x82}, with_length(join({name_string(path), contents}))});
}

Bytes method(std::string_view path, unsigned arguments, const Bytes& contents) {
  const Bytes flags{static_cast<uint8_t>(arguments | 1 << 3)};  // serialized
  return join({{0x14}, with_length(join({name_string(path), flags, contents}))});
}

Bytes memory_word(std::string_view region, std::string_view field, uint64_t address) {
  const Bytes space = join({{kExtended, 0x80}, name_string(region), {0x00}, integer(address), integer(4)});
  constexpr uint8_t kDwordAccess = 3;
  const Bytes unit = join({name_string(field), {32}});  // bits, as a PkgLength that counts no bytes
  return join({space, {kExtended, 0x81}, with_length(join({name_string(region), {kDwordAccess}, unit}))});
}

Bytes store_to_local0(std::string_view from) { return join({{0x70}, name_string(from), {0x60}}); }

Bytes store_argument(unsigned n, std::string_view to) {
  return join({{0x70, static_cast<uint8_t>(0x68 + n)}, name_string(to)});
}

Bytes return_argument(unsigned n) { return {0xa4, static_cast<uint8_t>(0x68 + n)}; }

Bytes return_name(std::string_view path) { return join({{0xa4}, name_string(path)}); }

Bytes if_name(std::string_view path, const Bytes& then) {
  return join({{0xa0}, with_length(join({name_string(path), then}))});
}

Bytes if_local0_and(uint64_t mask, const Bytes& then) {
  const Bytes predicate = join({{0x7b, 0x60}, integer(mask), {0x00}});  // And(Local0, mask), kept nowhere
  return join({{0xa0}, with_length(join({predicate, then}))});
}

Bytes notify(std::string_view device_path, uint64_t value) {
  return join({{0x86}, name_string(device_path), integer(value)});
}

Bytes resources(std::initializer_list<Bytes> descriptors) {
  return buffer(join({join(descriptors), {0x79, 0x00}}));
}

Bytes memory_range(uint32_t base, uint32_t size) {
  return join({{0x86, 9, 0, 1}, little(base, 4), little(size, 4)});
}

namespace {
// 6.4.3.5.1. Both ends are fixed, granularity is zero.
Bytes address_64(uint8_t type, uint8_t general, uint8_t specific, uint64_t base, uint64_t size,
                 uint64_t translation) {
  return join({{0x8a, 43, 0, type, static_cast<uint8_t>(0x0c | general), specific},
               little(0, 8),
               little(base, 8),
               little(base + (size - 1), 8),
               little(translation, 8),
               little(size, 8)});
}
constexpr uint8_t kAddressMemory = 0, kAddressIo = 1, kConsumed = 1, kWritableMemory = 1, kWholeIo = 3;
}  // namespace

Bytes memory_window_64(uint64_t base, uint64_t size) {
  return address_64(kAddressMemory, 0, kWritableMemory, base, size, 0);
}

Bytes io_window(uint32_t size, uint64_t memory) {
  return address_64(kAddressIo, 0, kWholeIo, 0, size, memory);
}

Bytes memory_range_64(uint64_t base, uint64_t size) {
  return address_64(kAddressMemory, kConsumed, kWritableMemory, base, size, 0);
}

// 6.4.3.8.1: an interrupt connection of one pin, pulled up.
Bytes gpio_event(uint16_t pin, std::string_view controller) {
  constexpr unsigned kPins = 23, kName = kPins + 2;
  const auto end = static_cast<unsigned>(kName + controller.size() + 1);
  Bytes out = join({{0x8c},
                    little(end - 3, 2),
                    {1, 0},
                    little(1, 2),
                    little(1, 2),
                    {1},
                    little(0, 2),
                    little(0, 2),
                    little(kPins, 2),
                    {0},
                    little(kName, 2),
                    little(end, 2),
                    little(0, 2),
                    little(pin, 2)});
  out.insert(out.end(), controller.begin(), controller.end());
  out.push_back(0);
  return out;
}

// Both ends are fixed; granularity and translation are zero.
Bytes bus_range(uint16_t first, uint16_t last) {
  return join({{0x88, 13, 0, 2, 0x0c, 0},
               little(0, 2),
               little(first, 2),
               little(last, 2),
               little(0, 2),
               little(last - first + 1u, 2)});
}

Bytes memory_window(uint32_t base, uint32_t size) {
  constexpr uint8_t kWritable = 1;  // not cacheable
  return join({{0x87, 23, 0, 0, 0x0c, kWritable},
               little(0, 4),
               little(base, 4),
               little(base + (size - 1), 4),
               little(0, 4),
               little(size, 4)});
}

// The whole range, ISA's and the rest.
Bytes port_window(uint16_t first, uint16_t last) {
  constexpr uint8_t kEntire = 3;
  return join({{0x88, 13, 0, 1, 0x0c, kEntire},
               little(0, 2),
               little(first, 2),
               little(last, 2),
               little(0, 2),
               little(last - first + 1u, 2)});
}

Bytes isa_dma(unsigned channel) { return join({{0x2a}, little(1u << channel, 1), {0x00}}); }

Bytes io_range(uint16_t base, uint8_t size) {
  return join({{0x47, 1}, little(base, 2), little(base, 2), {1, size}});
}

Bytes isa_irq(unsigned line) { return join({{0x22}, little(1u << line, 2)}); }

Bytes interrupt(uint32_t gsi, bool level, bool active_low) {
  const auto flags = static_cast<uint8_t>(1 | (level ? 0 : 2) | (active_low ? 4 : 0));
  return join({{0x89, 6, 0, flags, 1}, little(gsi, 4)});
}

}  // namespace mynah::acpi
