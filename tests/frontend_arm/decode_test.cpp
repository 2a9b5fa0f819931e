// SPDX-License-Identifier: Apache-2.0
//
// The A64 decode tables: the row parser, the field accessors against the rows, precedence, and features.
#include "frontend/arm/a64/decode.h"

#include <gtest/gtest.h>

#include <string_view>

#include "frontend/arm/a64/features.h"
#include "frontend/arm/a64/rows.h"

namespace mynah::arm::a64 {
namespace {

TEST(DecodeRow, ParsesBitsAndFields) {
  constexpr Row row = parse_row("sf:1 00 100110 N:1 immr:6 imms:6 rn:5 x1x00", "sf=0 N=1 | imms=1xxxx0");
  static_assert(row.bits.mask == 0x7f80000b && row.bits.value == 0x13000008);
  static_assert(row.field_count == 5 && row.reserved_count == 2);
  static_assert(row.find("N")->lsb == 22 && row.find("N")->width == 1);
  static_assert(row.find("immr")->lsb == 16 && row.find("immr")->width == 6);
  static_assert(row.find("rd") == nullptr);
  static_assert(row.contains(0x93000008) && !row.contains(0x13400008) && !row.contains(0x93008008));
  SUCCEED();
}

TEST(DecodeRow, RefusesMalformedRows) {
  constexpr char kGood[] = "0000 a:12 b:16";
  EXPECT_NO_THROW(parse_row(kGood, "a=xxxxxxxxxxx1"));
  for (const char* pattern :
       {"", "0000", "0000 a:12 b:15", "0000 a:12 b:17", "0000 a:12 b:16 0", "0000 a:12 a:16",
        "0002 a:12 b:16", "0000 a:0 a2:12 b:16", "0000 a:12 b:", "0000 a:12 :16", "0000 a:1z b:16",
        "0000 1a:12 b:16", "0000 a-:12 b:16", "0000 a:999999999999"}) {
    EXPECT_THROW(parse_row(pattern, ""), std::invalid_argument) << pattern;
  }
  for (const char* reserved : {"c=0", "a=1", "a=xxxxxxxxxxxx1", "a", "a=", "|", "a=xxxxxxxxxxx1 |",
                               "| a=xxxxxxxxxxx1", "a=xxxxxxxxxxx1 a=xxxxxxxxxxx0", "a=xxxxxxxxxxx2"}) {
    EXPECT_THROW(parse_row(kGood, reserved), std::invalid_argument) << reserved;
  }
}

TEST(DecodeRow, OverlapCountsReservedWords) {
  const auto overlap = [](const char* a, const char* a_reserved, const char* b, const char* b_reserved) {
    return rows_overlap(parse_row(a, a_reserved), parse_row(b, b_reserved));
  };
  constexpr char kA[] = "0000 s:4 a:24", kB[] = "0000 t:4 b:24";
  EXPECT_TRUE(overlap(kA, "", kB, ""));
  EXPECT_TRUE(overlap(kA, "s=0xxx", kB, "t=10xx"));
  EXPECT_FALSE(overlap(kA, "s=0xxx", kB, "t=1xxx"));
  EXPECT_FALSE(overlap(kA, "s=0xxx | s=11xx", kB, "t=10xx"));
  EXPECT_FALSE(overlap(kA, "s=xxx1", kB, "t=0xx0 | t=1xx0"));
  EXPECT_TRUE(overlap(kA, "s=xxx1", kB, "t=0xx0 | t=10x0"));
  EXPECT_FALSE(overlap(kA, "s=1xxx", "0000 1001 b:24", ""));
  EXPECT_TRUE(overlap(kA, "s=11xx", "0000 1001 b:24", ""));
  EXPECT_FALSE(overlap(kA, "", "1xxx t:4 b:24", ""));
}

// The accessors of fields.h, and where the rows put the fields that they read.
struct Accessor {
  std::string_view field;
  unsigned lsb, width;
  int64_t (*read)(uint32_t);
};
template <auto function>
int64_t read(uint32_t word) {
  return static_cast<int64_t>(function(word));
}
constexpr Accessor kAccessors[] = {
    {"rd", 0, 5, read<rd>},        {"rt", 0, 5, read<rt>},        {"rn", 5, 5, read<rn>},
    {"ra", 10, 5, read<ra>},       {"rt2", 10, 5, read<rt2>},     {"rm", 16, 5, read<rm>},
    {"rs", 16, 5, read<rs>},       {"rm", 16, 4, read<rm_low>},   {"sf", 31, 1, read<sf>},
    {"Q", 30, 1, read<Q>},         {"size", 22, 2, read<size>},   {"sz", 22, 1, read<sz>},
    {"ptype", 22, 2, read<ptype>}, {"imm3", 10, 3, read<imm3>},   {"imm4", 11, 4, read<imm4>},
    {"imm5", 16, 5, read<imm5>},   {"imm6", 10, 6, read<imm6>},   {"imm7", 15, 7, read<imm7>},
    {"imm8", 13, 8, read<imm8>},   {"imm9", 12, 9, read<imm9>},   {"imm12", 10, 12, read<imm12>},
    {"imm14", 5, 14, read<imm14>}, {"imm16", 5, 16, read<imm16>}, {"imm19", 5, 19, read<imm19>},
    {"imm26", 0, 26, read<imm26>}, {"immlo", 29, 2, read<immlo>}, {"immhi", 5, 19, read<immhi>},
    {"b5", 31, 1, read<b5>},       {"b40", 19, 5, read<b40>},     {"abc", 16, 3, read<abc>},
    {"defgh", 5, 5, read<defgh>},  {"scale", 10, 6, read<scale>}, {"sh", 22, 1, read<sh>},
    {"hw", 21, 2, read<hw>},       {"shift", 22, 2, read<shift>}, {"option", 13, 3, read<option>},
    {"N", 22, 1, read<N>},         {"immr", 16, 6, read<immr>},   {"imms", 10, 6, read<imms>},
    {"immh", 19, 4, read<immh>},   {"immb", 16, 3, read<immb>},   {"cond", 12, 4, read<cond>},
    {"nzcv", 0, 4, read<nzcv>},    {"mask", 0, 4, read<mask>},    {"S", 12, 1, read<S>},
    {"opc", 22, 2, read<opc>},     {"index", 23, 2, read<index>}, {"pre", 11, 1, read<pre>},
    {"W", 11, 1, read<W>},         {"M", 20, 1, read<M>},         {"H", 11, 1, read<H>},
    {"L", 21, 1, read<L>},         {"o0", 19, 1, read<o0>},       {"op1", 16, 3, read<op1>},
    {"CRn", 12, 4, read<CRn>},     {"CRm", 8, 4, read<CRm>},      {"op2", 5, 3, read<op2>},
    {"cmode", 12, 4, read<cmode>}, {"len", 13, 2, read<len>},
};

TEST(Fields, AccessorsReadWhatTheyDeclare) {
  for (const Accessor& accessor : kAccessors) {
    const int64_t all = static_cast<int64_t>((uint64_t{1} << accessor.width) - 1);
    for (unsigned bit = 0; bit < 32; ++bit) {
      const bool inside = bit >= accessor.lsb && bit < accessor.lsb + accessor.width;
      const int64_t expected = inside ? int64_t{1} << (bit - accessor.lsb) : 0;
      EXPECT_EQ(accessor.read(1u << bit) & all, expected) << accessor.field << " bit " << bit;
    }
  }
}

// Fields that are for Fields<> alone: where the name stands elsewhere in most rows, or in these rows only.
constexpr Field kOfTheirRows[] = {
    {"rm", 0, 5},     {"size", 30, 2},  {"sz", 30, 1},     {"size", 10, 2}, {"sz", 10, 2},  {"imm6", 15, 6},
    {"imm16", 0, 16}, {"scale", 14, 2}, {"cond", 0, 4},    {"S", 22, 1},    {"opc", 30, 2}, {"opc", 15, 2},
    {"opc0", 10, 1},  {"opc1", 23, 1},  {"A", 23, 1},      {"R", 22, 1},    {"A", 22, 1},   {"R", 15, 1},
    {"M", 10, 1},     {"M", 23, 1},     {"targets", 6, 2}, {"rot", 11, 2},  {"rot", 12, 1}, {"rot", 13, 2},
};

TEST(Fields, EveryFieldOfARowHasAnAccessorOrIsItsOwn) {
  for (size_t index = 1; index < kEncodingCount; ++index) {
    const Row& row = row_of(Encoding(index));
    for (size_t i = 0; i < row.field_count; ++i) {
      const Field& field = row.fields[i];
      bool found = false;
      for (const Accessor& a : kAccessors)
        found |= a.field == field.name && a.lsb == field.lsb && a.width == field.width;
      for (const Field& own : kOfTheirRows)
        found |= own.name == field.name && own.lsb == field.lsb && own.width == field.width;
      EXPECT_TRUE(found) << encoding_name(Encoding(index)) << " " << field.name;
    }
  }
}

TEST(Fields, CompositeAndSigned) {
  EXPECT_EQ(imm7(0x003f8000), -1);
  EXPECT_EQ(imm9(0x00100000), -256);
  EXPECT_EQ(imm14(0x0007ffe0), -1);
  EXPECT_EQ(imm19(0x00800000), -0x40000);
  EXPECT_EQ(imm26(0x02000000), -0x2000000);
  EXPECT_EQ(immhi_immlo(0x70ffffe0), -1);
  EXPECT_EQ(immhi_immlo(0x30000020), 5);
  EXPECT_EQ(b5_b40(0xb6680000), 45u);
  EXPECT_EQ(abcdefgh(0x00050140), 0xaau);
  EXPECT_EQ(immh_immb(0x005f0000), 0x5fu);
}

TEST(Fields, OfARow) {
  static_assert(Fields<Encoding::rmif>(0xba1f8400)["imm6"] == 63);
  static_assert(Fields<Encoding::add_immediate>(0x913ffc00)["imm12"] == 0xfff);
  // A name that stands elsewhere in another row.
  static_assert(Fields<Encoding::cas>(0x88e0fc00)["A"] == 1 && Fields<Encoding::ldadd>(0xb8a00000)["A"] == 1);
  static_assert(Fields<Encoding::cas>(0x88a08000)["R"] == 1 && Fields<Encoding::ldadd>(0xb8600000)["R"] == 1);
  SUCCEED();
}

TEST(Decode, KnowsSomeWords) {
  EXPECT_EQ(decode(0).encoding, Encoding::udf);
  EXPECT_EQ(decode(0x91000420).encoding, Encoding::add_immediate);
  EXPECT_EQ(decode(0xd65f03c0).encoding, Encoding::ret);
  EXPECT_EQ(decode(0x4e20d400).encoding, Encoding::fadd_vector);
  EXPECT_EQ(decode(0x4e20d400).word, 0x4e20d400u);
  EXPECT_EQ(encoding_name(Encoding::add_immediate), "ADD (immediate)");
  EXPECT_EQ(encoding_name(Encoding::unallocated), "unallocated");
}

TEST(Decode, NamedHintsPrecedeHint) {
  EXPECT_EQ(decode(0xd503201f).encoding, Encoding::nop);
  EXPECT_EQ(decode(0xd503233f).encoding, Encoding::paciasp);
  EXPECT_EQ(decode(0xd50324df).encoding, Encoding::bti);
  EXPECT_EQ(decode(0xd5032fff).encoding, Encoding::hint);
}

TEST(Decode, LeavesOtherExtensionsUnallocated) {
  EXPECT_FALSE(decode(0x04e00000));  // SVE ADD
  EXPECT_FALSE(decode(0x25208000));  // SVE CNTP
  EXPECT_FALSE(decode(0xd9200800));  // MTE STG
  EXPECT_FALSE(decode(0x91800000));  // MTE ADDG
  EXPECT_FALSE(decode(0x9ac01000));  // MTE IRG
  EXPECT_FALSE(decode(0xd503409f));  // MSR TCO
  EXPECT_FALSE(decode(0xce400000));  // SM3SS1
  EXPECT_FALSE(decode(0xcec08400));  // SM4E
  EXPECT_FALSE(decode(0x6e40fc00));  // BFDOT
  EXPECT_FALSE(decode(0x1e634000));  // BFCVT
  EXPECT_FALSE(decode(0x4e80a400));  // SMMLA
  EXPECT_FALSE(decode(0x0e20ec00));  // FMLAL
  EXPECT_FALSE(decode(0xd503323f));  // DSB nXS
  EXPECT_FALSE(decode(0xd5031000));  // WFET
  EXPECT_FALSE(decode(0xf83fd000));  // LD64B
}

TEST(Features, RequiredAndMissing) {
  const FeatureSet base{}, fcma{Feature::kFcma};
  const auto required = [](uint32_t word) { return required_feature(decode(word).encoding, word); };
  EXPECT_EQ(required(0x91000420), std::nullopt);
  EXPECT_EQ(required(0xd503233f), std::nullopt);     // PACIASP is a hint
  EXPECT_EQ(required(0xdac10000), Feature::kPauth);  // PACIA
  EXPECT_EQ(required(0xb8200000), Feature::kLse);    // LDADD
  EXPECT_EQ(required(0x1e202800), std::nullopt);     // FADD single
  EXPECT_EQ(required(0x1ee02800), Feature::kFp16);   // FADD half
  EXPECT_EQ(required(0x0e21e000), std::nullopt);     // PMULL of bytes
  EXPECT_EQ(required(0x0ee1e000), Feature::kPmull);  // PMULL of doublewords
  EXPECT_EQ(required(0x0f11e400), Feature::kFp16);   // SCVTF of halves
  EXPECT_EQ(required(0x0f21e400), std::nullopt);     // SCVTF of words
  EXPECT_EQ(required(0xd500409f), Feature::kPan);    // MSR PAN, #0

  EXPECT_EQ(missing_feature(decode(0x91000420), base), std::nullopt);
  EXPECT_EQ(missing_feature(decode(0xb8200000), base), Feature::kLse);
  EXPECT_EQ(missing_feature(decode(0x2e40c400), base), Feature::kFcma);  // FCMLA half
  EXPECT_EQ(missing_feature(decode(0x2e40c400), fcma), Feature::kFp16);
  EXPECT_EQ(missing_feature(decode(0x2e80c400), fcma), std::nullopt);  // FCMLA single
}

}  // namespace
}  // namespace mynah::arm::a64
