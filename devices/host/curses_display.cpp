// SPDX-License-Identifier: Apache-2.0
//
// ncurses in its wide form (ncurses(3NCURSES), curs_get_wch, curs_add_wch, curs_color). The terminal's modes
// are RawTerminal's, so that a crash gives it back; the library draws and knows its keys.
#include "devices/host/curses_display.h"

#define NCURSES_NOMACROS 1
#include <curses.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstring>
#include <string_view>

#include "devices/host/code_page_437.h"
#include "devices/host/terminfo.h"

namespace mynah::host {
namespace {

using namespace std::chrono_literals;
constexpr auto kFrame = 33ms;
constexpr auto kPatience = 1s;  // with a guest that takes no keys
constexpr size_t kMostWaiting = 512;

// A PC's colors have blue lowest, a terminal's red.
constexpr short kColors[] = {0, 4, 2, 6, 1, 5, 3, 7};
constexpr int kBright = 8;

// Pair 0 is grey on black, always.
short pair_of(unsigned fore, unsigned back, bool many) {
  return static_cast<short>(many ? (fore ^ 7) * 16 + back : (fore ^ 7) * 8 + back);
}

void make_pairs(bool many) {
  if (!::has_colors()) return;
  ::start_color();
  ::assume_default_colors(7, 0);
  const unsigned colors = many ? 16 : 8;
  const auto color = [](unsigned c) { return static_cast<short>(kColors[c & 7] + (c & 8 ? kBright : 0)); };
  for (unsigned fore = 0; fore < colors; ++fore)
    for (unsigned back = 0; back < colors; ++back)
      if (const short pair = pair_of(fore, back, many)) ::init_pair(pair, color(fore), color(back));
}

struct NamedKey {
  int curses;
  Stroke stroke;
};
constexpr NamedKey kNamedKeys[] = {
    {KEY_UP, {0xe048}},           {KEY_DOWN, {0xe050}},
    {KEY_LEFT, {0xe04b}},         {KEY_RIGHT, {0xe04d}},
    {KEY_HOME, {0xe047}},         {KEY_END, {0xe04f}},
    {KEY_PPAGE, {0xe049}},        {KEY_NPAGE, {0xe051}},
    {KEY_IC, {0xe052}},           {KEY_DC, {0xe053}},
    {KEY_BACKSPACE, {0x0e}},      {KEY_ENTER, {0x1c}},
    {KEY_BTAB, {0x0f, true}},     {KEY_SR, {0xe048, true}},
    {KEY_SF, {0xe050, true}},     {KEY_SLEFT, {0xe04b, true}},
    {KEY_SRIGHT, {0xe04d, true}}, {KEY_SHOME, {0xe047, true}},
    {KEY_SEND, {0xe04f, true}},   {KEY_SDC, {0xe053, true}},
    {KEY_SIC, {0xe052, true}},    {KEY_B2, {0x4c}},
};

// F1 to F12, and what terminals count behind them: with Shift, Control, both, Alt.
std::optional<Stroke> function_key(unsigned number) {
  if (number == 0 || number > 60) return std::nullopt;
  auto stroke = stroke_of_function_key((number - 1) % 12 + 1);
  const unsigned group = (number - 1) / 12;
  stroke->shift = group == 1 || group == 3;
  stroke->control = group == 2 || group == 3;
  stroke->alt = group == 4;
  return stroke;
}

std::optional<Stroke> stroke_of(int result, unsigned value) {
  if (result != KEY_CODE_YES) return stroke_of_character(value);
  const int key = static_cast<int>(value);
  if (key >= KEY_F0 && key <= KEY_F0 + 63) return function_key(static_cast<unsigned>(key - KEY_F0));
  for (const NamedKey& named : kNamedKeys)
    if (named.curses == key) return named.stroke;
  return std::nullopt;
}

}  // namespace

CursesDisplay::CursesDisplay(Poller& poller, const dev::Screen& screen, Key key)
    : poller_(poller), screen_(screen), key_(std::move(key)) {}

Result<std::unique_ptr<CursesDisplay>> CursesDisplay::create(Poller& poller, const dev::Screen& screen,
                                                             Key key) {
  if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO))
    return Error{
        "-display curses draws on a terminal, and standard input and output are none; use -nographic"};
  std::unique_ptr<CursesDisplay> made(new CursesDisplay(poller, screen, std::move(key)));
  auto terminal = RawTerminal::create(STDIN_FILENO, false);
  if (!terminal) return terminal.error();
  made->terminal_ = std::move(*terminal);
  std::setlocale(LC_CTYPE, "");
  made->unicode_ = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  made->library_ = ::newterm(nullptr, stdout, stdin);
  if (!made->library_)
    return error("the terminal '{}' (TERM) is not known; set another one, or use -nographic",
                 ::getenv("TERM") ? ::getenv("TERM") : "");
  made->start();
  return made;
}

void CursesDisplay::start() {
  ::raw();
  ::noecho();
  ::nonl();
  ::nodelay(stdscr, true);
  ::keypad(stdscr, true);
  ::set_escdelay(25);  // ms: what comes later is no part of a key
  constexpr int kPairs = 256;
  many_colors_ = COLORS >= 16 && COLOR_PAIRS >= kPairs;
  make_pairs(many_colors_);
  for (const char* name : {"sgr0", "cnorm", "rmkx", "rmcup"}) farewell_ += terminal_capability(name);
  terminal_->set_farewell(farewell_.c_str());
  resumes_seen_ = terminal_resumes();
  watch_ = poller_.watch(STDIN_FILENO, Poller::kRead, [this](unsigned ready) {
    if (ready & Poller::kError) return watch_.set_interest(Poller::kNone);
    take_keys();
  });
  poller_.add_hook(this);
}

CursesDisplay::~CursesDisplay() { leave(); }

void CursesDisplay::leave() {
  if (!library_) return;
  poller_.remove_hook(this);
  watch_.reset();
  ::endwin();
  ::delscreen(static_cast<SCREEN*>(library_));
  library_ = nullptr;
  terminal_->set_farewell(nullptr);
  terminal_.reset();
}

// --- time

void CursesDisplay::prepare(std::vector<pollfd>&, std::chrono::nanoseconds& timeout) {
  const std::chrono::nanoseconds left = std::max<Clock::duration>(next_ - Clock::now(), 0ns);
  if (timeout < 0ns || left < timeout) timeout = left;
}

void CursesDisplay::dispatch(std::span<const pollfd>, bool) {
  if (Clock::now() < next_) return;
  next_ = Clock::now() + kFrame;
  flush_keys();
  draw();
}

// --- keys

void CursesDisplay::take_keys() {
  for (;;) {
    wint_t value = 0;
    const int result = ::wget_wch(stdscr, &value);
    if (result == ERR) break;
    take_key(result, value);
  }
  flush_keys();
  if (on_console_) draw();
}

// Escape is a key, or what a terminal sends in front of one that is pressed with Alt.
void CursesDisplay::take_key(int result, unsigned value) {
  if (result == KEY_CODE_YES && value == KEY_RESIZE) {
    ::wclear(stdscr);
    return draw();
  }
  constexpr unsigned kEscape = 0x1b;
  bool alt = false;
  if (result == OK && value == kEscape) {
    wint_t next = 0;
    if (const int then = ::wget_wch(stdscr, &next); then != ERR) {
      result = then;
      value = next;
      alt = true;
    }
  }
  if (alt && result == OK && (value == '1' || value == '2')) {
    on_console_ = value == '2';
    ::wclear(stdscr);
    return draw();
  }
  if (on_console_) return alt ? void() : type_in_console(result, value);
  auto stroke = stroke_of(result, value);
  if (!stroke) return;
  stroke->alt |= alt;
  press(*stroke);
}

void CursesDisplay::type_in_console(int result, unsigned value) {
  if (result == KEY_CODE_YES) value = value == KEY_BACKSPACE ? '\b' : value == KEY_ENTER ? '\r' : 0;
  if (value && value <= 0x7f) console_.type(std::string(1, static_cast<char>(value)));
}

void CursesDisplay::press(const Stroke& stroke) {
  const auto changes = changes_of(stroke);
  if (waiting_.size() + changes.size() > kMostWaiting) return;
  if (waiting_.empty()) waiting_since_ = Clock::now();
  waiting_.insert(waiting_.end(), changes.begin(), changes.end());
}

void CursesDisplay::flush_keys() {
  while (!waiting_.empty() && key_(waiting_.front().code, waiting_.front().down)) {
    waiting_.pop_front();
    waiting_since_ = Clock::now();
  }
  if (!waiting_.empty() && Clock::now() - waiting_since_ > kPatience) waiting_.clear();
}

// --- drawing

void CursesDisplay::draw() {
  if (const unsigned resumes = terminal_resumes(); resumes != resumes_seen_) {
    resumes_seen_ = resumes;
    ::endwin();  // what comes next is drawn anew
    ::clearok(curscr, true);
  }
  ::werase(stdscr);
  if (on_console_)
    draw_console();
  else if (screen_.text_mode())
    draw_text();
  else
    draw_graphics();
  ::wrefresh(stdscr);
}

void CursesDisplay::draw_text() {
  const dev::Screen::Text text = screen_.text();
  const unsigned width = static_cast<unsigned>(std::max(COLS, 0)),
                 height = static_cast<unsigned>(std::max(LINES, 0));
  // A terminal of fewer lines shows those with the cursor.
  const auto cursor = text.cursor.value_or(0);
  const unsigned cursor_row = text.columns ? static_cast<unsigned>(cursor / text.columns) : 0;
  const unsigned first = text.rows > height && cursor_row >= height ? cursor_row - height + 1 : 0;
  for (unsigned row = first; row < text.rows && row - first < height; ++row)
    for (unsigned column = 0; column < text.columns && column < width; ++column) {
      const uint16_t cell = text.cells[row * text.columns + column];
      const auto byte = static_cast<uint8_t>(cell);
      const unsigned fore = cell >> 8 & 15, back = cell >> 12;
      wchar_t character[2] = {
          unicode_ ? static_cast<wchar_t>(kCodePage437[byte]) : static_cast<wchar_t>(near_in_ascii(byte)), 0};
      if (character[0] == 0xa0) character[0] = ' ';
      attr_t attributes = A_NORMAL;
      if (!many_colors_ && (fore & 8)) attributes |= A_BOLD;
      if (!::has_colors() && back & 7 && !(fore & 7)) attributes |= A_REVERSE;
      const short pair = many_colors_ ? pair_of(fore, back, true) : pair_of(fore & 7, back & 7, false);
      cchar_t drawn{};
      ::setcchar(&drawn, character, attributes, pair, nullptr);
      ::mvwadd_wch(stdscr, static_cast<int>(row - first), static_cast<int>(column), &drawn);
    }
  ::curs_set(text.cursor ? 1 : 0);
  if (text.cursor && text.columns)
    ::wmove(stdscr, static_cast<int>(std::min(cursor_row - first, height - 1)),
            static_cast<int>(std::min<size_t>(cursor % text.columns, width - 1)));
}

void CursesDisplay::draw_graphics() {
  const dev::Screen::Size size = screen_.size();
  const std::string sentence = fmt::format("{}x{} Graphic mode", size.width, size.height);
  ::curs_set(0);
  ::mvwaddnstr(stdscr, LINES / 2, std::max(0, (COLS - static_cast<int>(sentence.size())) / 2),
               sentence.c_str(), -1);
}

void CursesDisplay::draw_console() {
  const auto& lines = console_.lines();
  const size_t height = static_cast<size_t>(std::max(LINES, 1));
  const size_t first = lines.size() > height ? lines.size() - height : 0;
  for (size_t i = first; i < lines.size(); ++i)
    ::mvwaddnstr(stdscr, static_cast<int>(i - first), 0, lines[i].c_str(), COLS);
  ::curs_set(1);
  ::wmove(stdscr, static_cast<int>(lines.size() - 1 - first),
          static_cast<int>(std::min<size_t>(console_.column(), static_cast<size_t>(std::max(COLS, 1)) - 1)));
}

}  // namespace mynah::host
