// SPDX-License-Identifier: Apache-2.0
//
// Devices on PCI as the command line names them: names, places, forms of virtio, cards in their order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/device_rows.h"
#include "app/options.h"

namespace mynah::app {
namespace {

using testing::HasSubstr;
using Form = dev::VirtioPci::Form;

Options good(std::vector<std::string_view> arguments) {
  auto parsed = parse_options(arguments);
  EXPECT_TRUE(parsed) << parsed.message();
  return parsed ? std::move(*parsed) : Options();
}
std::string refused(std::vector<std::string_view> arguments) {
  const auto parsed = parse_options(arguments);
  EXPECT_FALSE(parsed);
  return parsed ? "" : parsed.message();
}
DeviceOption one(std::string_view device) {
  Options o = good({"-nic", "none", "-device", device});
  return o.devices.size() == 1 ? o.devices[0] : DeviceOption();
}
Form form(std::string_view device) {
  const DeviceOption option = one(device);
  return std::get<VirtioPciPlace>(virtio_place(option)).options.form;
}

TEST(PciOptions, ShortNamesAreThePciForm) {
  EXPECT_EQ(one("virtio-rng").row->name, "virtio-rng-pci");
  EXPECT_EQ(one("virtio-rng-pci").row->name, "virtio-rng-pci");
  EXPECT_EQ(one("virtio-rng-pci-transitional").row->name, "virtio-rng-pci");
  EXPECT_EQ(one("virtio-rng-device").row->bus, DeviceBus::kVirtioMmio);
  EXPECT_THAT(refused({"-device", "virtio-rng-device-transitional"}), HasSubstr("is not known"));
}

TEST(PciOptions, Forms) {
  EXPECT_EQ(form("virtio-rng-pci"), Form::kByBus);
  EXPECT_EQ(form("virtio-rng-pci,disable-legacy=auto"), Form::kByBus);
  EXPECT_EQ(form("virtio-rng-pci,disable-legacy=on"), Form::kModern);
  EXPECT_EQ(form("virtio-rng-pci,disable-legacy=off"), Form::kTransitional);
  EXPECT_EQ(form("virtio-rng-pci,disable-modern=on"), Form::kLegacy);
  EXPECT_EQ(form("virtio-rng-pci-transitional"), Form::kTransitional);
  EXPECT_EQ(form("virtio-rng-pci-non-transitional"), Form::kModern);
  EXPECT_THAT(refused({"-device", "virtio-rng-pci,disable-legacy=on,disable-modern=on"}),
              HasSubstr("no driver could use it"));
}

TEST(PciOptions, Places) {
  const DeviceOption full = one("virtio-rng-pci,id=r,bus=port,addr=0x1f.7,multifunction=on,vectors=0");
  const PciPlace place = pci_place(full);
  EXPECT_EQ(place.bus, "port");
  EXPECT_EQ(place.slot, 0x1fu);
  EXPECT_EQ(place.function, 7u);
  EXPECT_TRUE(place.multifunction);
  EXPECT_EQ(place.id, "r");
  EXPECT_EQ(full.vectors, 0u);
  EXPECT_EQ(one("virtio-rng-pci,addr=10").slot, 0x10u);  // hexadecimal
  EXPECT_EQ(one("virtio-rng-pci,addr=03.2").function, 2u);
  EXPECT_FALSE(one("virtio-rng-pci").slot);
  for (const char* address : {"addr=20", "addr=1.8", "addr=x", "addr=", "addr=1.", "addr=.1", "addr=1.2.3"})
    EXPECT_THAT(refused({"-device", "virtio-rng-pci," + std::string(address)}), HasSubstr("in hexadecimal"))
        << address;
  EXPECT_EQ(std::get<VirtioMmioPlace>(virtio_place(one("virtio-rng-device,bus=virtio-mmio-bus.3"))).slot, 3u);
  EXPECT_THAT(refused({"-device", "virtio-rng-device,bus=pcie.0"}), HasSubstr("-pci form"));
  EXPECT_THAT(refused({"-device", "virtio-rng-device,addr=3"}), HasSubstr("addr"));
}

TEST(PciOptions, WhatIsMissingIsSaid) {
  for (const char* key : {"packed=on", "iommu_platform=on", "ats=on", "page-per-vq=on"})
    EXPECT_THAT(refused({"-device", "virtio-rng-pci," + std::string(key)}), HasSubstr("only off here"))
        << key;
  good({"-device", "virtio-rng-pci,romfile=x.rom"});
  EXPECT_THAT(refused({"-device", "virtio-rng-pci,rombar=x"}), HasSubstr("0 or 1"));
  EXPECT_THAT(refused({"-device", "virtio-rng-pci,vectors=2049"}), HasSubstr("2048"));
  good({"-device", "virtio-rng-pci,romfile=,rombar=0,ioeventfd=off,event_idx=on,packed=off"});
}

TEST(PciOptions, RootPorts) {
  const DeviceOption port = one("pcie-root-port,id=p,chassis=1,slot=4,port=0x10,hotplug=off,bus=pcie.0");
  EXPECT_EQ(port.slot_number, 4u);
  EXPECT_EQ(port.port_number, 0x10u);
  EXPECT_FALSE(port.hot_plug);
  EXPECT_FALSE(port.slot);
  EXPECT_THAT(refused({"-device", "pcie-root-port,slot=8192"}), HasSubstr("8191"));
}

TEST(PciOptions, CardsComeFirstAndDisksLast) {
  const Options o = good({"-drive", "if=virtio,file=x", "-device", "virtio-rng-pci"});
  ASSERT_EQ(o.devices.size(), 3u);
  EXPECT_EQ(o.devices[0].row->name, "virtio-net-pci");
  EXPECT_EQ(o.devices[1].row->name, "virtio-rng-pci");
  EXPECT_EQ(o.devices[2].row->name, "virtio-blk-pci");
}

TEST(PciOptions, CardModels) {
  const auto card = [](std::vector<std::string_view> arguments) {
    const Options o = good(std::move(arguments));
    return o.devices.size() == 1 ? o.devices[0].row->name : "";
  };
  EXPECT_EQ(card({"-nic", "user"}), "virtio-net-pci");
  for (const char* model : {"virtio", "virtio-net-pci", "virtio-net"})
    EXPECT_EQ(card({"-nic", "user,model=" + std::string(model)}), "virtio-net-pci");
  EXPECT_EQ(card({"-nic", "user,model=virtio-net-device"}), "virtio-net-device");
  EXPECT_EQ(card({"-net", "nic,model=virtio-net-device", "-net", "user"}), "virtio-net-device");
  EXPECT_EQ(card({}), "virtio-net-pci");
  EXPECT_THAT(*good({"-nic", "user,model=help"}).print, HasSubstr("virtio-net-pci"));
  EXPECT_THAT(refused({"-nic", "user,model=virtio-rng-pci"}), HasSubstr("is not"));
}

TEST(PciOptions, EachBoardHasItsCard) {
  const auto cards = [](std::vector<std::string_view> arguments) {
    std::vector<std::string_view> names;
    for (const DeviceOption& device : good(std::move(arguments)).devices)
      if (device.kind == DeviceKind::kNet) names.push_back(device.row->name);
    return names;
  };
  using Names = std::vector<std::string_view>;
  struct Own {
    std::string_view board, card, virtio;
  };
  for (const Own& own : {Own{"virt", "virtio-net-pci", "virtio-net-pci"},
                         Own{"microvm", "virtio-net-device", "virtio-net-device"},
                         Own{"pc", "e1000", "virtio-net-pci"}, Own{"q35", "e1000e", "virtio-net-pci"}}) {
    EXPECT_EQ(cards({"-M", own.board}), Names{own.card});
    EXPECT_EQ(cards({"-M", own.board, "-nic", "user,mac=52:54:00:00:00:01"}), Names{own.card});
    EXPECT_EQ(cards({"-net", "nic", "-net", "user", "-M", own.board}), Names{own.card})
        << "the board is last";
    EXPECT_EQ(cards({"-M", own.board, "-nic", "user,model=virtio"}), Names{own.virtio});
    EXPECT_EQ(cards({"-M", own.board, "-net", "nic,model=virtio"}), Names{own.virtio});
    EXPECT_EQ(cards({"-M", own.board, "-nic", "none"}), Names{});
    EXPECT_EQ(cards({"-M", own.board, "-net", "none"}), Names{});
    EXPECT_EQ(cards({"-M", own.board, "-nodefaults"}), Names{});
  }
  EXPECT_EQ(cards({"-M", "q35", "-nic", "user,model=e1000", "-nic", "user"}), (Names{"e1000", "e1000e"}));
}

}  // namespace
}  // namespace mynah::app
