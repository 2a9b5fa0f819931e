// SPDX-License-Identifier: Apache-2.0
//
// Memory of PCs: RAM, how it is routed below 1 MiB, and firmware, which ends with memory below 4 GiB and
// shows its last 128 KiB below 1 MiB, too.
#include <algorithm>
#include <cstring>
#include <utility>

#include "devices/core/registers.h"
#include "devices/core/stateless_device.h"
#include "machines/loader/uefi_volume.h"
#include "machines/pc.h"
#include "machines/pc_map.h"

namespace mynah {

using namespace pc_map;

namespace {

constexpr uint64_t kShown = kOneMiB - kShadow;

Result<void> check_size(uint64_t size, uint64_t end) {
  if (size >= kShown && size % kGuestPageSize == 0 && size <= end - (kFirmwareEnd - kMostFirmware)) return {};
  return error("the firmware has {} bytes; PC firmware has {} KiB to {} MiB in all, in whole pages", size,
               kShown >> 10, kMostFirmware >> 20);
}

}  // namespace

// What memory does not take of 768 KiB to 1 MiB: writes to RAM whose reads go elsewhere; for the rest nobody
// is there.
class PcMachine::ShadowWindow final : public dev::StatelessDevice {
 public:
  explicit ShadowWindow(PcMachine& board) : dev::StatelessDevice("shadow"), board_(board) {}
  uint64_t read(dev::Offset, dev::Width width) override { return dev::low_bytes(~uint64_t{0}, width); }
  void write(dev::Offset offset, dev::Width width, uint64_t value) override {
    const uint64_t pa = kOptionRoms + offset;
    const unsigned piece = std::min<unsigned>(static_cast<unsigned>(offset / dev::PamBridge::kPieceBytes),
                                              dev::PamBridge::kPieces - 1);
    if (board_.chipset_->host_bridge().route(piece).writes)
      board_.memory().put(pa, &value, dev::bytes(width));
  }

 private:
  PcMachine& board_;
};

std::unique_ptr<dev::Device> PcMachine::make_shadow() { return std::make_unique<ShadowWindow>(*this); }

Result<void> PcMachine::add_memory() {
  const X86Memory map = memory_map();
  std::vector<uint64_t> cuts(std::begin(kVideoPieces), std::end(kVideoPieces));
  for (unsigned i = 0; i < dev::PamBridge::kPieces; ++i) cuts.push_back(dev::PamBridge::address_of(i));
  cuts.push_back(kOneMiB);
  if (auto added = memory().add_ram(0, map.below_4g, cuts); !added) return added;
  for (size_t i = 0; i < shown_window_.size(); ++i) memory().route(kVideoPieces[i], nullptr, false);
  if (map.above_4g)
    if (auto added = memory().add_ram(kFourGiB, map.above_4g); !added) return added;
  return add_firmware();
}

// In flash, or as it is read by -bios; it ends with memory below 4 GiB.
Result<void> PcMachine::add_firmware() {
  if (config_.flash[1] && !config_.flash[0])
    return Error{
        "the second flash of a PC is for the firmware in the first; give that to -drive if=pflash,unit=0 in "
        "place of "
        "-bios"};
  uint64_t end = kFirmwareEnd;
  for (unsigned n = 0; n < 2 && config_.flash[n]; ++n) {
    if (auto added = add_flash(n, end); !added) return added;
    end -= config_.flash[n]->size();
  }
  const std::vector<uint8_t>& file = config_.firmware;
  std::span<const uint8_t> code = file;
  if (flash_[0]) {
    code = flash_[0]->contents();
  } else if (!file.empty()) {
    if (auto fits = check_size(file.size(), kFirmwareEnd); !fits) return fits;
    if (auto added = memory().add_rom(kFirmwareEnd - file.size(), file.size(), 0xff); !added) return added;
    std::memcpy(memory().host(kFirmwareEnd - file.size(), file.size()), file.data(), file.size());
  }
  if (code.empty()) return {};
  if (needs_management_mode(code))
    return Error{
        "this UEFI is built with secure boot and needs system management mode, which is missing here; use "
        "the build "
        "without, OVMF_CODE_4M.fd or OVMF_CODE.fd"};
  firmware_ = memory().host(kFirmwareEnd - kShown, kShown);
  return {};
}

Result<void> PcMachine::add_flash(unsigned n, uint64_t end) {
  const uint64_t size = config_.flash[n]->size(), base = end - size;
  if (auto fits = check_size(n == 0 ? size : size + kShown, end); !fits) return fits;
  if (auto added = memory().add_rom(base, size, dev::PflashCfi01::kErased); !added) return added;
  const dev::PflashCfi01::Config chip{.size = size,
                                      .sector_size = kGuestPageSize,
                                      .bank_width = 1,
                                      .device_width = 1,
                                      .manufacturer = 0,
                                      .device = 0,
                                      .clears_ready = true,
                                      .storage = {memory().host(base, size), size}};
  flash_[n] = std::make_unique<dev::PflashCfi01>(chip, config_.flash[n], log_, n ? "pflash1" : "pflash0");
  if (!flash_[n]->backend_readable())
    return error("flash {} cannot be read; look at the disk that its image is on", n);
  flash_[n]->on_mode_change([this, base](bool array) { show_memory(base, array); });
  flash_[n]->on_contents_change([this, base](uint64_t at, uint64_t bytes) {
    memory().will_change(base + at, bytes);
    if (const uint64_t first = std::max(base + at, kFirmwareEnd - kShown); first < base + at + bytes)
      memory().will_change(first - kFirmwareEnd + kOneMiB, base + at + bytes - first);
  });
  map(base, size, *flash_[n]);
  return {};
}

// What is not RAM to reads is the end of the firmware, from 896 KiB on.
void PcMachine::route(unsigned piece, dev::PamBridge::Route to) {
  const uint64_t pa = dev::PamBridge::address_of(piece);
  const GuestMemory::Region* const region = memory().find(pa);
  if (!region) return;  // memory is not there yet
  if (to.reads) return route_memory(pa, region->own, to.writes);
  route_memory(pa, pa >= kShadow && firmware_ ? firmware_ + (pa - kShadow) : nullptr, false);
}

// What guests may have of video memory as plain memory; the card sees accesses to the rest.
void PcMachine::show_video() {
  if (!vga_ || memory().regions().empty()) return;
  const auto window = vga_->plain_window();
  for (size_t i = 0; i < shown_window_.size(); ++i) {
    const uint64_t pa = kVideoPieces[i], size = kVideoPieces[i + 1] - pa;
    const bool plain = window && kVideo + window->offset == pa && window->memory.size() == size;
    uint8_t* const to = plain ? window->memory.data() : nullptr;
    if (to != std::exchange(shown_window_[i], to)) route_memory(pa, to, to != nullptr);
  }
  const std::span<uint8_t> linear = vga_->linear_memory();
  const auto place = linear.empty() ? std::nullopt : pci_->place_of(*vga_, dev::Vga::kMemoryBar);
  if (place == shown_bar_) return;
  if (shown_bar_) hide_device_memory(*shown_bar_);
  shown_bar_.reset();
  if (place && show_device_memory(*place, linear)) shown_bar_ = place;
}

void PcMachine::set_a20(bool on) {
  for (const auto& processor : x86_) processor->cpu().set_a20(on);
}

}  // namespace mynah
