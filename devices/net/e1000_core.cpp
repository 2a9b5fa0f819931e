// SPDX-License-Identifier: Apache-2.0
//
// See e1000_core.h. Here: the register file.
#include "devices/net/e1000_core.h"

#include <fmt/core.h>

#include <algorithm>

namespace mynah::dev::e1000 {

namespace {

constexpr uint32_t kRegisterWindow = 0x20000;
constexpr uint32_t kConfigurationDone = 1u << 18;  // of EEMNGCTL

// What a guest may write and read back, and nothing else comes of: first, last, bits.
struct Plain {
  uint32_t first, last, mask;
};
constexpr Plain kPlain[] = {
    {CTRL_EXT, CTRL_EXT, 0xffffffff},
    {0x0001c, 0x0001c, 0xffffffff},  // FLA
    {0x00024, 0x00024, 0xffffffff},  // SCTL
    {0x00028, 0x00030, 0xffffffff},  // FCAL, FCAH, FCT
    {0x00034, 0x00034, 0xffffffff},  // CONNSW
    {VET, VET, 0xffff},
    {ITR, ITR, 0xffff},
    {EIAC, EIAC, 0x01f00000},
    {IAM, IAM, 0xffffffff},
    {IVAR, IVAR, 0x800fffff},
    {EITR, EITR_END - 4, 0xffff},
    {0x00170, 0x00180, 0xffffffff},  // FCTTV, TXCW, RXCW
    {TCTL, TCTL, 0xffffffff},
    {0x00404, 0x00404, 0xffffffff},  // TCTL_EXT
    {0x00410, 0x00410, 0xffffffff},  // TIPG
    {0x00458, 0x00458, 0xffff},      // AIFS
    {0x00e00, 0x00e00, 0xffffffff},  // LEDCTL
    {EXTCNF_CTRL, EXTCNF_CTRL, 0xffffffff},
    {0x00f08, 0x00f10, 0xffffffff},  // EXTCNF_SIZE, PHY_CTRL
    {PBA, PBA, 0xffffffff},
    {0x01008, 0x01008, 0xffffffff},  // PBS
    {0x02100, 0x02170, 0xffffffff},  // early receive, packet split
    {0x02160, 0x02168, 0xffffffff},  // FCRTL, FCRTH
    {0x02410, 0x02430, 0x1fff},      // FIFO pointers
    {0x02800, 0x02804, 0xffffffff},
    {0x02808, 0x02808, 0xfff80},
    {0x02810, 0x02810, 0xffff},
    {RADV, RADV, 0xffff},
    {0x02828, 0x02828, 0xffffffff},  // RXDCTL
    {0x02900, 0x02904, 0xffffffff},
    {0x02908, 0x02908, 0xfff80},
    {0x02910, 0x02918, 0xffff},
    {0x02928, 0x02928, 0xffffffff},
    {0x02c00, 0x02c08, 0xffffffff},  // RSRPD, RAID
    {0x03410, 0x03430, 0x1fff},      // FIFO pointers
    {0x03800, 0x03804, 0xffffffff},
    {0x03808, 0x03808, 0xfff80},
    {0x03810, 0x03810, 0xffff},
    {0x03828, 0x03828, 0xffffffff},  // TXDCTL
    {TADV, TADV, 0xffff},
    {0x03830, 0x03830, 0xffffffff},  // TSPMT
    {0x03840, 0x03840, 0xffffffff},  // TARC0
    {0x03900, 0x03904, 0xffffffff},
    {0x03908, 0x03908, 0xfff80},
    {0x03910, 0x03910, 0xffff},
    {0x03928, 0x03928, 0xffffffff},
    {0x03940, 0x03940, 0xffffffff},  // TARC1
    {RXCSUM, RXCSUM, 0x3fff},
    {RFCTL, RFCTL, 0xffffffff},
    {MTA, MTA + 0x1fc, 0xffffffff},
    {RAL0, RAR_END - 4, 0xffffffff},
    {VFTA, VFTA + 0x1fc, 0xffffffff},
    {0x05800, 0x05808, 0xffffffff},  // wake-up
    {0x05810, 0x05820, 0xffffffff},  // MRQC, MANC
    {0x05838, 0x05880, 0xffffffff},  // IP addresses
    {0x05b00, 0x05b14, 0xffffffff},  // GCR and its kind
    {SWSM, SWSM, 0x7},
    {0x05c00, 0x05cfc, 0xffffffff},  // RETA, RSSRK
    {0x05f00, 0x05f28, 0xffffffff},
};

const Plain* plain(uint32_t offset) {
  for (const Plain& p : kPlain)
    if (offset >= p.first && offset <= p.last) return &p;
  return nullptr;
}

}  // namespace

InterruptDelay::InterruptDelay(EventQueue& events, const std::string& name, std::function<void()> fire)
    : events_(events),
      fire_(std::move(fire)),
      delay_(events.register_event(name + " delay", [this](uint64_t, TimeNs) { flush(); })),
      bound_(events.register_event(name + " bound", [this](uint64_t, TimeNs) { flush(); })) {}

void InterruptDelay::start(uint32_t delay, uint32_t bound) {
  constexpr TimeNs kUnit = 1024;
  waits_ = true;
  events_.reschedule(delay_, events_.now() + delay * kUnit);
  if (bound != 0 && !events_.pending(bound_)) events_.schedule(bound_, events_.now() + bound * kUnit);
}

void InterruptDelay::cancel() {
  waits_ = false;
  events_.cancel(delay_);
  events_.cancel(bound_);
}

void InterruptDelay::flush() {
  const bool waited = waits_;
  cancel();
  if (waited) fire_();
}

Core::Core(std::string_view name, const pci::Identity& identity, EventQueue& events, Log& log,
           NetBackend& network, const Options& options, const Model& model)
    : Function(name, identity, log),
      events_(events),
      network_(network),
      model_(model),
      event_name_(options.name),
      transmit_event_(
          events.register_event(event_name_ + " transmit", [this](uint64_t, TimeNs) { transmit_all(); })),
      tx_delay_(events, event_name_ + " transmit", [this] { set_causes(kTxdw); }),
      rx_delay_(events, event_name_ + " receive", [this] { set_causes(kRxt0); }),
      eeprom_(options.mac, identity.device, identity.subsystem_vendor, identity.subsystem),
      phy_(model.phy_id),
      mac_(options.mac) {
  network_.attach([this](std::span<const uint8_t> frame) { return receive(frame); });
}

void Core::reset_model() {
  phy_.reset();
  io_address_ = 0;
  soft_reset();
}

// CTRL.RST: all but the PHY.
void Core::soft_reset() {
  events_.cancel(transmit_event_);
  tx_delay_.cancel();
  rx_delay_.cancel();
  registers_.fill(0);
  tx_ = {};
  eeprom_.reset();
  reg(VET) = 0x8100;
  reg(PBA) = 0x00100030;
  reg(RAL0) = static_cast<uint32_t>(mac_[0] | mac_[1] << 8 | mac_[2] << 16) | uint32_t{mac_[3]} << 24;
  reg(RAH0) = static_cast<uint32_t>(mac_[4] | mac_[5] << 8) | kRahValid;
  reset_interrupts();
  update_interrupts();
}

void Core::set_causes(uint32_t causes) {
  if (model_.extended) {
    if (causes & (kRxt0 | kRxdmt0)) causes |= kRxq0;
    if (causes & kTxdw) causes |= kTxq0;
    if (causes & (kLsc | kRxo | kMdac)) causes |= kOther;
  }
  reg(ICR) |= causes & model_.interrupts;
  update_interrupts();
}

uint32_t Core::read_statistic(uint32_t offset) {
  const uint32_t value = reg(offset);
  reg(offset) = 0;
  return value;
}

// They stay at their end.
void Core::count(uint32_t statistic, uint32_t by) {
  uint32_t& value = reg(statistic);
  value = value > ~0u - by ? ~0u : value + by;
}

void Core::count_bytes(uint32_t statistic, uint64_t by) {
  const uint64_t now = reg(statistic) | uint64_t{reg(statistic + 4)} << 32;
  const uint64_t then = now > ~uint64_t{0} - by ? ~uint64_t{0} : now + by;
  reg(statistic) = static_cast<uint32_t>(then);
  reg(statistic + 4) = static_cast<uint32_t>(then >> 32);
}

// By size with the frame check sequence: 64, 65 to 127, ..., 1024 and more.
void Core::count_size(uint32_t first, size_t frame) {
  unsigned n = 0;
  if (frame > 64)
    for (size_t end = 128; ++n < 5 && frame >= end; end *= 2) {
    }
  count(first + 4 * n);
}

uint32_t Core::read_register(uint32_t offset) {
  if (offset >= STATISTICS && offset < STATISTICS_END) return read_statistic(offset);
  switch (offset) {
    case CTRL:
    case CTRL_DUP:
      return reg(CTRL);
    case STATUS:
      return kStatusLinkUp | (model_.extended && !(reg(CTRL) & kCtrlMasterDisable) ? kStatusMasterEnable : 0);
    case EECD: {
      const uint32_t kept = reg(EECD) & (kEecdClock | kEecdSelect | kEecdIn | kEecdRequest);
      return kept | kEecdPresent | (kept & kEecdRequest ? kEecdGrant : 0) | (eeprom_.out() ? kEecdOut : 0) |
             (model_.extended ? kEecdAutoRead : 0);
    }
    case ICR:
      return read_icr();
    case ICS:
      return reg(ICR);
    case EEMNGCTL:
      return model_.extended ? kConfigurationDone : 0;
    case EERD:
    case MDIC:
    case IMS:
    case RCTL:
    case RX_RING + kTail:
    case RDTR:
    case TX_RING + kTail:
    case TX_RING1 + kTail:
    case TIDV:
      return reg(offset);
    default:
      break;
  }
  if (plain(offset)) return reg(offset);
  guest_error(fmt::format("read of register {:#x}, which is not there", offset));
  return 0;
}

void Core::write_register(uint32_t offset, uint32_t value) {
  switch (offset) {
    case CTRL:
    case CTRL_DUP:
      if (value & kCtrlPhyReset) phy_.reset();
      if (value & kCtrlReset) soft_reset();
      reg(CTRL) = value & ~(kCtrlReset | kCtrlPhyReset);
      return;
    case EECD:
      reg(EECD) = value;
      return eeprom_.set_wires(value);
    case EERD:
      return write_eerd(value);
    case MDIC:
      return write_mdic(value);
    case ICR:
      reg(ICR) &= ~value;
      return update_interrupts();
    case ICS:
      return set_causes(value);
    case IMS:
      reg(IMS) |= value & model_.interrupts;
      return update_interrupts();
    case IMC:
      reg(IMS) &= ~value;
      return update_interrupts();
    case RCTL:
      reg(RCTL) = value;
      return network_.buffers_available();
    case RX_RING + kTail:
      reg(offset) = value & 0xffff;
      return network_.buffers_available();
    case RDTR:
      reg(RDTR) = value & 0xffff;
      if (value & kFlushDelayed) rx_delay_.flush();
      return;
    case TIDV:
      reg(TIDV) = value & 0xffff;
      if (value & kFlushDelayed) tx_delay_.flush();
      return;
    case TX_RING1 + kTail:
    case TX_RING + kTail:
      reg(offset) = value & 0xffff;
      return transmit_all();
    default:
      break;
  }
  if (offset >= STATISTICS && offset < STATISTICS_END) return;  // read-only
  if (const Plain* p = plain(offset)) {
    reg(offset) = value & p->mask;
    // TCTL starts what waits in the ring; interval and routing registers look at what is pending.
    if (offset == TCTL) transmit_all();
    return;
  }
  guest_error(fmt::format("write of {:#x} to register {:#x}, which is not there", value, offset));
}

// 82540: address from bit 8, done in bit 4. 82574: from bit 2, done in bit 1.
void Core::write_eerd(uint32_t value) {
  if (!(value & 1)) {
    reg(EERD) = value;
    return;
  }
  const unsigned address = model_.extended ? value >> 2 & 0x3fff : value >> 8 & 0xff;
  reg(EERD) = (value & 0xffff & ~1u) | (model_.extended ? 2u : 0x10u) | uint32_t{eeprom_.word(address)} << 16;
}

void Core::write_mdic(uint32_t value) {
  const unsigned phy_register = value >> 16 & 0x1f, address = value >> 21 & 0x1f;
  uint32_t result = value | kMdicReady;
  if (address != 1) {
    result |= kMdicError;  // one PHY, at address 1
  } else if ((value & kMdicOp) == kMdicRead) {
    result = (result & 0xffff0000) | phy_.read(phy_register);
  } else if ((value & kMdicOp) == kMdicWrite) {
    phy_.write(phy_register, static_cast<uint16_t>(value));
  }
  reg(MDIC) = result;
  if (value & kMdicInterrupt) set_causes(kMdac);
}

// BAR 0 has the registers; the I/O BAR an address and what is there.
uint64_t Core::bar_read(unsigned bar, uint64_t offset, Width width) {
  const bool io = space_of(bar) == pci::Space::kIo;
  uint32_t at = static_cast<uint32_t>(offset & ~uint64_t{3});
  if (io && at == 0) return io_address_;
  if (!io && bar != 0) return 0;
  if (io) at = at == 4 ? io_address_ & ~3u : kRegisterWindow;
  if (at >= REGISTERS_END) return 0;
  // Registers are words: a narrow access has its bytes, a wide one two registers.
  const uint64_t low = read_register(at);
  if (width == Width::k8) return low | (at + 4 < REGISTERS_END ? uint64_t{read_register(at + 4)} << 32 : 0);
  return (low >> (8 * (offset & 3))) & (width == Width::k4 ? 0xffff'ffff : (1u << (8 * bytes(width))) - 1);
}

void Core::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  if (bytes(width) < 4 || offset % bytes(width) != 0)
    return guest_error(fmt::format("{}-byte write at offset {:#x}", bytes(width), offset));
  const bool io = space_of(bar) == pci::Space::kIo;
  auto at = static_cast<uint32_t>(offset);
  if (!io && bar != 0) return;
  if (io && at == 0) {
    io_address_ = static_cast<uint32_t>(value);
    return;
  }
  if (io) at = at == 4 ? io_address_ & ~3u : kRegisterWindow;
  if (at >= REGISTERS_END) return;
  write_register(at, static_cast<uint32_t>(value));
  if (width == Width::k8 && at + 4 < REGISTERS_END)
    write_register(at + 4, static_cast<uint32_t>(value >> 32));
}

void Core::serialize_model(StateStream& s) {
  s.io(registers_);
  s.io(io_address_);
  eeprom_.serialize(s);
  phy_.serialize(s);
  tx_delay_.serialize(s);
  rx_delay_.serialize(s);
  const auto io_context = [&s](Context& c) {
    for (uint8_t* byte : {&c.ip_start, &c.ip_offset, &c.tcp_start, &c.tcp_offset, &c.header}) s.io(*byte);
    for (uint16_t* half : {&c.ip_end, &c.tcp_end, &c.segment}) s.io(*half);
    s.io(c.tcp);
    s.io(c.ipv4);
  };
  for (TxQueue& q : tx_) {
    io_context(q.plain);
    io_context(q.segmented);
    s.io(q.packet, kMostPacket);
    s.io(q.segments);
    s.io(q.started);
    s.io(q.oversized);
    s.io(q.options);
  }
  serialize_controller(s);
  if (s.loading()) update_interrupts();
}

}  // namespace mynah::dev::e1000
