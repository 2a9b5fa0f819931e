// SPDX-License-Identifier: Apache-2.0
//
// AML (ACPI 6.4, chapter 20): the terms that boards describe their devices with. Each function gives the
// bytes of one term; terms are concatenated and nested.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace mynah::acpi {

using Bytes = std::vector<uint8_t>;

Bytes join(std::initializer_list<Bytes> parts);
Bytes& operator+=(Bytes& to, const Bytes& more);

// --- names: up to four characters a segment, with dots between, perhaps a leading backslash
Bytes name_string(std::string_view path);
// --- data
Bytes integer(uint64_t value);
Bytes string(std::string_view text);
Bytes buffer(const Bytes& contents);
Bytes package(const std::vector<Bytes>& elements);  // at most 255
Bytes eisa_id(std::string_view id);                 // "PNP0501"
// --- definitions
Bytes name(std::string_view path, const Bytes& value);
Bytes scope(std::string_view path, const Bytes& contents);
Bytes device(std::string_view path, const Bytes& contents);
Bytes method(std::string_view path, unsigned arguments, const Bytes& contents);
// A region of system memory and one 32-bit field in it.
Bytes memory_word(std::string_view region, std::string_view field, uint64_t address);
// --- statements
Bytes store_argument(unsigned n, std::string_view to);
Bytes return_argument(unsigned n);
Bytes return_name(std::string_view path);
Bytes if_name(std::string_view path, const Bytes& then);  // is not zero
Bytes store_to_local0(std::string_view from);
Bytes if_local0_and(uint64_t mask, const Bytes& then);
Bytes notify(std::string_view device, uint64_t value);
// --- resources
Bytes resources(std::initializer_list<Bytes> descriptors);  // a buffer, closed
Bytes memory_range(uint32_t base, uint32_t size);
// What a bridge passes on: bus numbers, and memory below 4 GiB.
Bytes bus_range(uint16_t first, uint16_t last);
Bytes memory_window(uint32_t base, uint32_t size);
Bytes port_window(uint16_t first, uint16_t last);
Bytes memory_window_64(uint64_t base, uint64_t size);
// I/O ports from 0 on, which the processor reaches as memory from `memory` on.
Bytes io_window(uint32_t size, uint64_t memory);
// What a device itself takes, anywhere.
Bytes memory_range_64(uint64_t base, uint64_t size);
Bytes io_range(uint16_t base, uint8_t size);
Bytes isa_irq(unsigned line);                                        // edge, high
Bytes isa_dma(unsigned channel);                                     // bytes, not as a bus master
Bytes interrupt(uint32_t gsi, bool level, bool active_low = false);  // consumer

// A rising edge at a pin of a GPIO controller, for its _AEI.
Bytes gpio_event(uint16_t pin, std::string_view controller);

}  // namespace mynah::acpi
