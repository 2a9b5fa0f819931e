// SPDX-License-Identifier: Apache-2.0
//
// What makes a guest fast, each with its switch, so that tests can hold that it changes nothing else and its
// worth can be measured. To be set before a vCPU runs.
#pragma once

#include <span>
#include <string_view>

namespace mynah {

struct Techniques {
  bool links = true;              // blocks jump to each other within a page
  bool page_links = true;         // and to other pages
  bool jump_cache = true;         // targets of indirect branches are found in emitted code
  bool second_jump_cache = true;  // and shared by contexts
  bool return_stack = true;       // the host predicts returns
  bool changes = true;            // a change of privilege goes on in translated code at once
  bool contexts = true;           // TLB contexts outlive a switch to another; without: two of them
  bool second_tlb = true;         // a first-level miss needs no table walk
  bool page_pairs = true;         // an access across two pages has one pointer
  bool side_exits = true;         // blocks go on behind conditional branches
  bool reuse = true;              // what was computed before is found again
  bool merge_guards = true;
};

struct TechniqueName {
  std::string_view name;
  bool Techniques::*on;
  std::string_view help;
};
inline constexpr TechniqueName kTechniques[] = {
    {"links", &Techniques::links, "blocks jump to each other within a page"},
    {"page-links", &Techniques::page_links, "blocks jump to other pages"},
    {"jump-cache", &Techniques::jump_cache, "emitted code finds targets of indirect branches"},
    {"second-jump-cache", &Techniques::second_jump_cache, "the same, for all address spaces together"},
    {"return-stack", &Techniques::return_stack, "returns go by the host's own stack"},
    {"changes", &Techniques::changes, "what changes context goes on at once where code is known"},
    {"contexts", &Techniques::contexts, "TLB contexts outlive a switch of address space or privilege"},
    {"second-tlb", &Techniques::second_tlb, "a second-level TLB saves table walks"},
    {"page-pairs", &Techniques::page_pairs, "what lies across two pages is mapped in one piece"},
    {"side-exits", &Techniques::side_exits, "blocks go on behind conditional branches"},
    {"reuse", &Techniques::reuse, "equal computations in a block are made once"},
    {"merge-guards", &Techniques::merge_guards, "accesses near each other share a TLB lookup"},
};

}  // namespace mynah
