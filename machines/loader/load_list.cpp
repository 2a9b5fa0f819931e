// SPDX-License-Identifier: Apache-2.0
//
// Pieces end where an address fits 64 bits: whoever adds one has seen to it, or it is outside of memory.
#include "machines/loader/load_list.h"

#include <algorithm>

namespace mynah {
namespace {

uint64_t end_of(const LoadPiece& piece) {
  return piece.size > ~piece.at ? ~uint64_t{0} : piece.at + piece.size;
}

bool all_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

}  // namespace

void LoadList::add(std::string name, uint64_t at, std::span<const uint8_t> bytes) {
  add({std::move(name), at, bytes, bytes.size()});
}

void LoadList::add(LoadPiece piece) {
  if (piece.size != 0) pieces_.push_back(std::move(piece));
}

void LoadList::add(const ElfProgram& program, std::string_view of, const AddressSpan& memory) {
  for (const ElfSegment& segment : program.segments) {
    LoadPiece piece{fmt::format("segment {} of {}", segment.number, of), segment.at, segment.bytes,
                    segment.size};
    const uint64_t below = segment.at < memory.begin ? memory.begin - segment.at : 0;
    if (below != 0 && below < piece.size && below <= piece.bytes.size() &&
        all_zero(piece.bytes.first(below).subspan(std::min(below, segment.headers)))) {
      piece.at += below;
      piece.bytes = piece.bytes.subspan(below);
      piece.size -= below;
    }
    add(std::move(piece));
  }
}

std::vector<const LoadPiece*> LoadList::sorted() const {
  std::vector<const LoadPiece*> order;
  for (const LoadPiece& piece : pieces_) order.push_back(&piece);
  std::stable_sort(order.begin(), order.end(),
                   [](const LoadPiece* a, const LoadPiece* b) { return a->at < b->at; });
  return order;
}

Result<void> LoadList::check(const AddressSpan& memory) const { return check(std::span(&memory, 1)); }

Result<void> LoadList::check(std::span<const AddressSpan> memory) const {
  for (const LoadPiece& piece : pieces_) {
    const auto holds = [&](const AddressSpan& part) {
      return piece.at >= part.begin && piece.at <= part.end && piece.size <= part.end - piece.at;
    };
    if (std::any_of(memory.begin(), memory.end(), holds)) continue;
    std::string parts;
    for (const AddressSpan& part : memory)
      parts += fmt::format("{}{:#x} to {:#x}", parts.empty() ? "" : ", ", part.begin, part.end);
    return error(
        "{} belongs at {:#x} to {:#x}, and the machine has memory at {}; give it an address in there, or use "
        "a larger -m",
        piece.name, piece.at, end_of(piece), parts);
  }
  const LoadPiece* before = nullptr;
  for (const LoadPiece* piece : sorted()) {
    if (before && end_of(*before) > piece->at)
      return error("{} ({:#x} to {:#x}) and {} ({:#x} to {:#x}) overlap in memory; move one of them",
                   before->name, before->at, end_of(*before), piece->name, piece->at, end_of(*piece));
    before = piece;
  }
  return {};
}

void LoadList::write(GuestMemory& memory) const {
  constexpr size_t kChunk = size_t{1} << 20;
  static const std::vector<uint8_t> kZeroes(kChunk);
  for (const LoadPiece& piece : pieces_) {
    memory.write(piece.at, piece.bytes.data(), piece.bytes.size());
    for (uint64_t done = piece.bytes.size(); done < piece.size;) {
      const uint64_t n = std::min<uint64_t>(piece.size - done, kChunk);
      memory.write(piece.at + done, kZeroes.data(), n);
      done += n;
    }
  }
}

std::optional<uint64_t> LoadList::highest_place(std::span<const AddressSpan> memory, uint64_t size,
                                                uint64_t alignment, uint64_t limit) const {
  const std::vector<const LoadPiece*> order = sorted();
  for (auto part = memory.rbegin(); part != memory.rend(); ++part) {
    uint64_t end = std::min(part->end, limit);
    for (auto piece = order.rbegin();; ++piece) {
      // From behind the next piece below, or from the start of memory.
      const bool last = piece == order.rend();
      const uint64_t begin = last ? part->begin : std::max(part->begin, end_of(**piece));
      if (end >= size) {
        const uint64_t at = (end - size) & ~(alignment - 1);
        if (at >= begin && begin <= end) return at;
      }
      if (last) break;
      end = std::min(end, (*piece)->at);
    }
  }
  return std::nullopt;
}

AddressSpan LoadList::largest_gap(const AddressSpan& memory) const {
  AddressSpan largest{memory.begin, memory.begin};
  uint64_t from = memory.begin;
  const auto gap_to = [&](uint64_t to) {
    if (to > from && to - from > largest.size()) largest = {from, to};
  };
  for (const LoadPiece* piece : sorted()) {
    gap_to(std::min(piece->at, memory.end));
    from = std::max(from, end_of(*piece));
  }
  gap_to(memory.end);
  return largest;
}

AddressSpan LoadList::extent() const {
  if (pieces_.empty()) return {};
  AddressSpan all{~uint64_t{0}, 0};
  for (const LoadPiece& piece : pieces_) {
    all.begin = std::min(all.begin, piece.at);
    all.end = std::max(all.end, end_of(piece));
  }
  return all;
}

}  // namespace mynah
