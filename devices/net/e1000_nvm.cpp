// SPDX-License-Identifier: Apache-2.0
//
// See e1000_nvm.h. 317453, sections 5.3 to 5.6 (EEPROM) and 13.4.8 (MDIC, PHY registers); IEEE 802.3, 22.2.4.
#include "devices/net/e1000_nvm.h"

namespace mynah::dev::e1000 {

namespace {

constexpr uint16_t kVendor = 0x8086, kChecksum = 0xbaba;
constexpr unsigned kCommandBits = 3 + Eeprom::kAddressBits;  // a start bit, two of opcode, the address
constexpr unsigned kReadOpcode = 6;                          // with its start bit

enum PhyRegister : unsigned {
  kControl = 0,
  kStatus = 1,
  kId1 = 2,
  kId2 = 3,
  kAdvertisement = 4,
  kPartnerAbility = 5,
  kExpansion = 6,
  kNextPage = 7,
  kGigabitControl = 9,
  kGigabitStatus = 10,
  kExtendedStatus = 15,
  kSpecificControl = 16,
  kSpecificStatus = 17,
  kInterruptEnable = 18,
  kExtendedControl = 20,
  kPage = 22,
};
constexpr uint16_t kPhyReset = 0x8000, kRestart = 0x0200;

}  // namespace

Eeprom::Eeprom(const Mac& mac, uint16_t device_id, uint16_t subsystem_vendor, uint16_t subsystem) {
  words_.fill(0xffff);
  for (unsigned n = 0; n < 3; ++n) words_[n] = static_cast<uint16_t>(mac[2 * n] | mac[2 * n + 1] << 8);
  words_[3] = 0;        // compatibility: none of its bits
  words_[10] = 0x1000;  // initialization control 1: a signature alone
  words_[11] = subsystem;
  words_[12] = subsystem_vendor;
  words_[13] = device_id;
  words_[14] = kVendor;
  words_[15] = 0;                   // initialization control 2: nobody manages the card
  words_[0x14] = words_[0x24] = 0;  // initialization control 3: does not wake
  uint16_t sum = 0;
  for (unsigned n = 0; n < kWords - 1; ++n) sum = static_cast<uint16_t>(sum + words_[n]);
  words_[kWords - 1] = static_cast<uint16_t>(kChecksum - sum);
}

void Eeprom::reset() {
  clock_ = selected_ = reading_ = false;
  out_ = true;
  bits_in_ = 0;
  bits_out_ = 0;
  command_ = 0;
}

void Eeprom::set_wires(uint32_t eecd) {
  const bool clock = eecd & 1, selected = eecd & 2, in = eecd & 4;
  if (!selected) {
    reset();
    clock_ = clock;
    return;
  }
  selected_ = true;
  const bool rises = clock && !clock_;
  clock_ = clock;
  if (!rises) return;
  if (reading_) {
    const unsigned at = (command_ & (kWords - 1)) + bits_out_ / 16;
    out_ = words_[at % kWords] >> (15 - bits_out_ % 16) & 1;
    bits_out_ = (bits_out_ + 1) % (16 * kWords);
    return;
  }
  if (bits_in_ == 0 && !in) return;      // before the start bit
  if (bits_in_ == kCommandBits) return;  // writes are not taken: nothing follows
  command_ = static_cast<uint16_t>(command_ << 1 | (in ? 1 : 0));
  if (++bits_in_ == kCommandBits && command_ >> kAddressBits == kReadOpcode) {
    reading_ = true;
    out_ = false;  // a dummy bit before the data
  }
}

void Eeprom::serialize(StateStream& s) {
  s.io(clock_);
  s.io(selected_);
  s.io(out_);
  s.io(reading_);
  s.io(bits_in_);
  s.io(command_);
  s.io(bits_out_);
  if (bits_in_ > kCommandBits || bits_out_ >= 16 * kWords) s.fail();
  if (s.failed()) reset();
}

void Phy::reset() {
  registers_.fill(0);
  registers_[kControl] = 0x1140;  // negotiates, full duplex, 1000 Mb/s
  registers_[kStatus] = 0x796d;   // can do all, negotiation is complete, the link is up
  registers_[kId1] = 0x0141;
  registers_[kId2] = id_low_;
  registers_[kAdvertisement] = 0x0de1;
  registers_[kPartnerAbility] = 0x45e1;
  registers_[kExpansion] = 0x0007;
  registers_[kNextPage] = 0x2001;
  registers_[kGigabitControl] = 0x0e00;
  registers_[kGigabitStatus] = 0x3c00;  // both receivers are fine, the partner does 1000 Mb/s
  registers_[kExtendedStatus] = 0x3000;
  registers_[kSpecificControl] = 0x0068;
  registers_[kSpecificStatus] = 0xac08;  // 1000 Mb/s, full duplex, resolved, link
  registers_[kExtendedControl] = 0x0d60;
}

uint16_t Phy::read(unsigned reg) const {
  // Pages other than the first have nothing above the standard's registers.
  if (reg > kExtendedStatus && reg != kPage && registers_[kPage] != 0) return 0;
  return registers_[reg];
}

void Phy::write(unsigned reg, uint16_t value) {
  switch (reg) {
    case kControl:
      if (value & kPhyReset) return reset();
      registers_[reg] = value & static_cast<uint16_t>(~kRestart);  // negotiation is complete at once
      return;
    case kAdvertisement:
    case kNextPage:
    case kGigabitControl:
    case kPage:
      registers_[reg] = value;
      return;
    case kSpecificControl:
    case kInterruptEnable:
    case kExtendedControl:
      if (registers_[kPage] == 0) registers_[reg] = value;
      return;
    default:
      return;
  }
}

void Phy::serialize(StateStream& s) { s.io(registers_); }

}  // namespace mynah::dev::e1000
