// SPDX-License-Identifier: Apache-2.0
//
// A file that is not ELF goes to memory as it is, but for the formats that QEMU would take apart and nothing
// here does: those are named.
#include "machines/loader/load_requests.h"

#include <algorithm>
#include <cctype>

#include "machines/loader/bytes.h"

namespace mynah {
namespace {

// A line of Intel HEX: a colon, and at least a count, an address, a type and a sum in hexadecimal.
bool is_intel_hex(std::span<const uint8_t> file) {
  constexpr size_t kShortest = 11;
  return file.size() >= kShortest && file[0] == ':' &&
         std::all_of(file.begin() + 1, file.begin() + kShortest, [](uint8_t c) { return std::isxdigit(c); });
}

}  // namespace

Result<uint64_t> LoadRequests::place_file(const LoadRequest& request, const ElfTarget& target,
                                          const AddressSpan& memory, LoadList& list) {
  const std::string name = "the file '" + request.file + "'";
  if (!request.raw) {
    if (is_elf(request.bytes)) {
      const auto program = read_elf(request.bytes, target);
      if (!program) return error("{} {}", name, program.message());
      list.add(*program, name, memory);
      return program->entry;
    }
    const char* unknown = has_text(request.bytes, 0, "\x27\x05\x19\x56") ? "a U-Boot image (uImage)"
                          : is_intel_hex(request.bytes)                  ? "an Intel HEX file"
                                                                         : nullptr;
    if (unknown)
      return error(
          "{} is {}, which is not supported; make a raw binary of it, or add force-raw=on to load it "
          "as it is",
          name, unknown);
  }
  list.add(name, request.address, request.bytes);
  return request.address;
}

Result<void> LoadRequests::place(std::span<const LoadRequest> requests, const ElfTarget& target,
                                 unsigned processors, const AddressSpan& memory, LoadList& list) {
  for (const LoadRequest& request : requests) {
    if (request.processor && *request.processor >= processors)
      return error("-device loader: there is no processor {}; the last is cpu-num={}", *request.processor,
                   processors - 1);
    uint64_t start = request.address;
    if (!request.file.empty()) {
      const auto placed = place_file(request, target, memory, list);
      if (!placed) return placed.error();
      start = *placed;
    } else if (!request.bytes.empty()) {
      LoadList alone;
      alone.add("the data of -device loader", request.address, request.bytes);
      if (auto ok = alone.check(memory); !ok) return ok;
      data_.push_back(&request);
      continue;
    }
    if (request.processor) starts_.push_back({*request.processor, start});
  }
  return {};
}

void LoadRequests::write(GuestMemory& memory) const {
  for (const LoadRequest* request : data_)
    memory.write(request->address, request->bytes.data(), request->bytes.size());
}

}  // namespace mynah
